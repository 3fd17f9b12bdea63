#include "lathe/testing/model_server/script.h"

#include <string>

#include "lathe/base/strings.h"

namespace lathe::testing {

namespace {

using base::Json;
using base::Result;

base::Error invalid(std::string message, std::string hint = {}) {
  return {.code = base::codes::kInvalid, .message = std::move(message), .hint = std::move(hint)};
}

/// Reads the members of one object and complains about those that nobody asked for.
class Members {
 public:
  Members(const Json& object, std::string what) : object_(object), what_(std::move(what)) {
    if (!object.is_object()) fail("is not an object");
  }

  [[nodiscard]] const Json* find(const char* name) {
    known_.emplace_back(name);
    if (!object_.is_object()) return nullptr;
    const auto found = object_.find(name);
    return found == object_.end() ? nullptr : &*found;
  }
  void text(const char* name, std::string& out) {
    const Json* value = find(name);
    if (value == nullptr) return;
    if (!value->is_string()) return fail(std::string(name) + " is not a string");
    out = value->get<std::string>();
  }
  void text(const char* name, std::optional<std::string>& out) {
    if (find(name) != nullptr) text(name, out.emplace());
  }
  template <class N>
  void number(const char* name, N& out) {
    const Json* value = find(name);
    if (value == nullptr) return;
    if (!value->is_number_integer()) return fail(std::string(name) + " is not a whole number");
    out = value->get<N>();
  }
  template <class N>
  void number(const char* name, std::optional<N>& out) {
    if (find(name) != nullptr) number(name, out.emplace());
  }
  void flag(const char* name, bool& out) {
    const Json* value = find(name);
    if (value == nullptr) return;
    if (!value->is_boolean()) return fail(std::string(name) + " is not true or false");
    out = value->get<bool>();
  }
  void fail(const std::string& why) {
    if (error_.ok()) error_ = invalid(what_ + ": " + why);
  }
  void take(const Result<void>& nested) {
    if (error_.ok() && !nested.ok()) error_ = nested.error().within(what_);
  }
  /// The first thing that was wrong, with unknown members last.
  [[nodiscard]] Result<void> done() {
    if (!error_.ok()) return error_;
    for (const auto& [name, value] : object_.items()) {
      if (std::ranges::find(known_, name) == known_.end()) {
        return invalid(what_ + ": unknown member \"" + name + "\"", base::did_you_mean(name, known_));
      }
    }
    return {};
  }

 private:
  const Json& object_;
  std::string what_;
  std::vector<std::string> known_;
  Result<void> error_;
};

Result<Step> parse_step(const Json& json) {
  if (json.is_string()) return Step(Delta{.text = json.get<std::string>()});
  if (!json.is_object()) return invalid("a step is a string or an object");
  Members members(json, "step");
  std::optional<std::string> text;
  std::optional<std::string> gate;
  std::optional<std::string> comment;
  std::optional<std::int64_t> delay;
  std::optional<std::size_t> fill;
  std::size_t times = 1;
  bool stall = false;
  bool cut = false;
  members.text("text", text);
  members.number("times", times);
  members.number("fill_bytes", fill);
  members.text("gate", gate);
  members.number("delay_ms", delay);
  members.flag("stall", stall);
  members.flag("cut", cut);
  members.text("comment", comment);
  TRY_OK(members.done());
  if (text) return Step(Delta{.text = *text, .times = times});
  if (fill) return Step(Delta{.text = std::string(*fill, 'x')});
  if (gate) return Step(Gate{*gate});
  if (delay) return Step(Delay{std::chrono::milliseconds(*delay)});
  if (stall) return Step(Stall{});
  if (cut) return Step(Cut{});
  if (comment) return Step(Comment{*comment});
  return invalid("a step does nothing", "one of text, fill_bytes, gate, delay_ms, stall, cut, comment");
}

void read_steps(Members& members, const char* name, std::vector<Step>& out) {
  const Json* value = members.find(name);
  if (value == nullptr) return;
  const Json list = value->is_array() ? *value : Json::array({*value});
  for (const Json& entry : list) {
    auto step = parse_step(entry);
    if (!step.ok()) return members.take(std::move(step).error().within(name));
    out.push_back(*std::move(step));
  }
}

Result<void> read_call(const Json& json, ScriptedCall& call) {
  Members members(json, "tool call");
  members.text("name", call.name);
  members.text("id", call.id);
  members.text("shell", call.shell);
  if (const Json* arguments = members.find("arguments")) call.arguments = *arguments;
  if (call.name.empty() == call.shell.empty()) members.fail("needs a name, or shell");
  return members.done();
}

Result<void> read_error(const Json& json, HttpError& error) {
  Members members(json, "error");
  members.number("status", error.status);
  members.text("message", error.message);
  members.text("code", error.code);
  if (const Json* headers = members.find("headers")) {
    for (const auto& [name, value] : headers->items()) error.headers.emplace_back(name, value.get<std::string>());
  }
  if (const Json* body = members.find("body")) {
    error.body = body->is_string() ? body->get<std::string>() : base::dump_json(*body);
  }
  return members.done();
}

Result<void> read_raw(const Json& json, RawAnswer& raw) {
  Members members(json, "raw");
  members.text("body", raw.body);
  members.text("content_type", raw.content_type);
  members.number("status", raw.status);
  return members.done();
}

Result<void> read_usage(const Json& json, ScriptedUsage& usage) {
  Members members(json, "usage");
  members.number("input", usage.input);
  members.number("output", usage.output);
  members.number("cached", usage.cached);
  members.number("cache_write", usage.cache_write);
  members.number("reasoning", usage.reasoning);
  return members.done();
}

Result<void> read_when(const Json& json, When& when) {
  Members members(json, "when");
  members.text("last_user_contains", when.last_user_contains);
  members.text("body_contains", when.body_contains);
  members.text("model", when.model);
  members.number("tool_results", when.tool_results);
  return members.done();
}

void read_faults(Members& members, Answer& answer) {
  if (const Json* error = members.find("error")) members.take(read_error(*error, answer.error.emplace()));
  if (const Json* raw = members.find("raw")) members.take(read_raw(*raw, answer.raw.emplace()));
  if (const Json* failed = members.find("failed")) {
    Members failure(*failed, "failed");
    answer.failed.emplace();
    failure.text("code", answer.failed->code);
    failure.text("message", answer.failed->message);
    members.take(failure.done());
  }
  members.number("cut_after_bytes", answer.cut_after_bytes);
  members.number("cut_after_events", answer.cut_after_events);
  members.number("stall_after_events", answer.stall_after_events);
  members.number("chunk_bytes", answer.chunk_bytes);
  members.flag("crlf", answer.crlf);
  members.flag("bad_bytes", answer.bad_bytes);
  members.number("keep_alive_every", answer.keep_alive_every);
  members.flag("empty_choices", answer.empty_choices);
}

}  // namespace

std::vector<Step> say(std::initializer_list<std::string_view> deltas) {
  std::vector<Step> steps;
  for (const std::string_view text : deltas) steps.emplace_back(Delta{.text = std::string(text)});
  return steps;
}

Result<Answer> parse_answer(const Json& json) {
  Answer answer;
  Members members(json, "answer");
  if (const Json* when = members.find("when")) members.take(read_when(*when, answer.when));
  members.number("repeat", answer.repeat);
  read_steps(members, "before", answer.before);
  read_steps(members, "reasoning", answer.reasoning);
  members.text("reasoning_opaque", answer.reasoning_opaque);
  members.text("reasoning_field", answer.reasoning_field);
  read_steps(members, "text", answer.text);
  if (const Json* calls = members.find("tool_calls")) {
    for (const Json& call : *calls) members.take(read_call(call, answer.tool_calls.emplace_back()));
  }
  members.flag("interleave_calls", answer.interleave_calls);
  read_steps(members, "before_end", answer.before_end);
  if (const Json* usage = members.find("usage")) {
    answer.usage.reset();
    if (!usage->is_null()) members.take(read_usage(*usage, answer.usage.emplace()));
  }
  if (const Json* reason = members.find("finish_reason")) {
    answer.finish_reason.reset();
    if (!reason->is_null()) members.text("finish_reason", answer.finish_reason);
  }
  read_faults(members, answer);
  TRY_OK(members.done());
  return answer;
}

Result<Script> parse_script(std::string_view text) {
  TRY(const Json json, base::parse_json(text));
  Script script;
  Members members(json, "script");
  std::string position = "in_order";
  members.text("position", position);
  if (position == "tool_results") {
    script.position = Position::kToolResults;
  } else if (position != "in_order") {
    members.fail("position is \"" + position + "\", not in_order or tool_results");
  }
  if (const Json* models = members.find("models")) {
    script.models.clear();
    for (const Json& entry : *models) {
      Members model(entry, "model");
      ScriptedModel& added = script.models.emplace_back();
      model.text("id", added.id);
      model.number("context_window", added.context_window);
      members.take(model.done());
    }
  }
  if (const Json* answers = members.find("answers")) {
    for (const Json& entry : *answers) {
      auto answer = parse_answer(entry);
      if (!answer.ok()) {
        return std::move(answer).error().within("answer " + std::to_string(script.answers.size()));
      }
      script.answers.push_back(*std::move(answer));
    }
  }
  TRY_OK(members.done());
  return script;
}

Script bench_script(std::size_t turns, std::size_t deltas) {
  Script script{.position = Position::kToolResults};
  for (std::size_t i = 0; i < turns; ++i) {
    script.answers.push_back({.tool_calls = {{.shell = "true " + std::to_string(i)}}});
  }
  script.answers.push_back({.text = {Delta{.text = "word ", .times = deltas}}});
  return script;
}

}  // namespace lathe::testing
