#include "lathe/gateways/http/agentruntime_log.h"

#include <fmt/format.h>

#include <type_traits>
#include <utility>
#include <variant>

#include "lathe/protocol/task_exit.h"

namespace lathe::gateways::http {

namespace p = protocol;
using base::Json;

namespace {

constexpr double kMicroPerDollar = 1e6;

std::string line_of(std::string_view type, const Json& data, std::int64_t offset, base::UnixMillis when) {
  return fmt::format("{{\"type\":\"{}\",\"data\":{},\"offset\":{},\"timestamp\":{}}}\n", type, base::dump_json(data),
                     offset, when);
}

/// A line that begins at `start` and says where it ends; how long that number is counts too.
std::string line_at(std::string_view type, const Json& data, std::int64_t start, base::UnixMillis when) {
  std::string line = line_of(type, data, start, when);
  while (true) {
    const std::int64_t end = start + static_cast<std::int64_t>(line.size());
    std::string told = line_of(type, data, end, when);
    if (told.size() == line.size()) return told;
    line = std::move(told);
  }
}

Json usage_json(const p::Usage& usage) {
  return {{"input_tokens", usage.input_tokens}, {"output_tokens", usage.output_tokens}};
}

/// The event's own fields, with its type as `subtype`.
Json as_subtype(const p::EventMsg& msg) {
  Json data{{"subtype", p::type_of(msg)}};
  const Json fields = p::msg_to_json(msg);
  for (const auto& [name, value] : fields.items()) {
    if (name != "type") data[name] = value;
  }
  return data;
}

/// The arguments as JSON; as their text when the model wrote something else.
Json input_of(const std::string& arguments) {
  auto parsed = base::parse_json(arguments);
  return parsed.ok() ? *std::move(parsed) : Json(arguments);
}

}  // namespace

Json json_of(const AgentruntimeExit& exit) {
  Json data{{"code", exit.code}};
  if (!exit.detail.empty()) data["error_detail"] = exit.detail;
  if (!exit.category.empty()) {
    data["error_category"] = exit.category;
    data["retryable"] = exit.retryable;
  }
  return data;
}

Json error_data(std::string_view message, std::string_view category, bool retryable) {
  return {{"message", message}, {"error_category", category}, {"retryable", retryable}, {"fatal", false}};
}

std::optional<AgentruntimeExit> AgentruntimeStanding::exit(bool archived) const {
  if (archived) return last_end.value_or(AgentruntimeExit{});
  return interactive || task_runs ? std::nullopt : last_end;
}

/// What each record adds to the log.
struct AgentruntimeLog::Visitor {
  AgentruntimeLog& log;
  const p::Event& record;

  void operator()(const p::SessionConfigured& msg) const {
    const auto configures = [this](std::string_view op) {
      return record.by.starts_with(fmt::format("{}/{}", kAgentruntimeClient, op));
    };
    if (configures(kInteractiveOp)) log.standing_.interactive = true;
    if (configures(kOnceOp) && std::exchange(log.standing_.interactive, false)) {
      // It waited for more, which comes: it has not ended with an earlier Task.
      log.standing_.last_end.reset();
    }
    log.model_ = msg.model;
    log.put("system", {{"subtype", p::SessionConfigured::kType},
                       {"session_id", msg.session_id},
                       {"model", msg.model},
                       {"backend", msg.backend},
                       {"cwd", msg.cwd}});
  }
  void operator()(const p::SessionUpdated& msg) const {
    if (!msg.model.empty()) log.model_ = msg.model;
    put_system();
  }
  void operator()(const p::TaskStarted& msg) const {
    log.standing_.task_runs = true;
    log.standing_.last_end.reset();
    log.use_ = {.task = msg.task, .began = record.ts};
    log.put("system", {{"subtype", p::TaskStarted::kType}, {"task", msg.task}});
  }
  void operator()(const p::AgentMessage& msg) const {
    Json data{{"text", msg.text}, {"delta", false}, {"model", log.model_}, {"item_id", msg.item}};
    if (!log.use_.task.empty()) data["turn_id"] = log.use_.task;
    if (msg.status == p::ItemStatus::kIncomplete) data["incomplete"] = true;
    log.put("agent_message", data);
  }
  void operator()(const p::AgentReasoning& msg) const {
    if (msg.text.empty()) return;
    log.put("progress", {{"subtype", "reasoning"}, {"text", msg.text}, {"delta", false}, {"item_id", msg.item}});
  }
  void operator()(const p::ToolCalls& msg) const {
    log.use_.answer = msg;
    for (const p::ToolCall& call : msg.calls) {
      ++log.standing_.tool_calls;
      log.tools_[call.call_id] = call.tool;
      log.put("tool_use", {{"id", call.call_id}, {"name", call.tool}, {"input", input_of(call.arguments)}});
    }
  }
  void operator()(const p::ExecCommandEnd& msg) const { end_call(msg.call_id, msg.outcome); }
  void operator()(const p::PatchApplyEnd& msg) const { end_call(msg.call_id, msg.outcome); }
  void operator()(const p::ToolCallEnd& msg) const {
    log.tools_.try_emplace(msg.call_id, msg.tool);
    end_call(msg.call_id, msg.outcome);
  }
  void operator()(const p::TurnComplete& msg) const { count(msg.usage, msg.cost_micro_usd); }
  void operator()(const p::TurnAborted& msg) const {
    if (msg.reason != p::AbortReason::kReplaced) return;
    // No error follows, and the next Task does: the session has not ended.
    end_result("replaced");
    log.standing_.task_runs = false;
  }
  void operator()(const p::TaskComplete& msg) const {
    Use use = log.use_;
    use.task = msg.task;
    use.turns = msg.turns;
    use.usage = msg.usage;
    use.cost_micro_usd = msg.cost_micro_usd;
    log.put_result("success", use, msg.duration_ms);
    log.end_task({});
  }
  void operator()(const p::ErrorEvent& msg) const {
    log.put("error", error_data(msg.message, msg.code, msg.retryable));
    if (!msg.ends_task) return;
    end_result(msg.code);
    log.end_task(
        {.code = p::task_exit_code(msg.code), .detail = msg.message, .category = msg.code, .retryable = msg.retryable});
  }
  void operator()(const p::PlanUpdate&) const { log.put("progress", as_subtype(record.msg)); }
  void operator()(const p::AgentStarted&) const { log.put("progress", as_subtype(record.msg)); }
  void operator()(const p::AgentEnded&) const { log.put("progress", as_subtype(record.msg)); }
  // Said by tool_use before and tool_result after; or for the model's ears, or for undo.
  void operator()(const p::ExecCommandBegin&) const {}
  void operator()(const p::PatchApplyBegin&) const {}
  void operator()(const p::ToolCallBegin&) const {}
  void operator()(const p::ContextAdded&) const {}
  void operator()(const p::WorkspaceSnapshot&) const {}
  template <class Other>
  void operator()(const Other&) const {
    put_system();
  }

  void put_system() const { log.put("system", as_subtype(record.msg)); }
  void end_call(const std::string& call_id, const p::CallOutcome& outcome) const {
    log.put("tool_result", {{"id", call_id},
                            {"name", log.tools_[call_id]},
                            {"output", outcome.output},
                            {"is_error", outcome.status != p::CallStatus::kCompleted},
                            {"duration_ms", outcome.duration_ms}});
    log.tools_.erase(call_id);
  }
  void count(const p::Usage& usage, const std::optional<std::int64_t>& cost) const {
    log.use_.answer.reset();
    ++log.use_.turns;
    log.use_.usage += usage;
    if (cost && log.use_.cost_micro_usd) {
      *log.use_.cost_micro_usd += *cost;
    } else {
      log.use_.cost_micro_usd.reset();
    }
  }
  /// Of a Task that did not complete, so that nothing else says what it used.
  void end_result(std::string_view status) const {
    if (log.use_.answer) {
      const p::ToolCalls answer = *log.use_.answer;
      count(answer.usage, answer.cost_micro_usd);
    }
    log.put_result(status, log.use_, log.use_.began == 0 ? 0 : record.ts - log.use_.began);
  }
};

std::string AgentruntimeLog::add(const p::Event& record) {
  now_ = record.ts;
  session_ = record.session;
  std::visit(Visitor{*this, record}, static_cast<const p::AnyEvent&>(record.msg));
  return std::exchange(lines_, {});
}

std::string AgentruntimeLog::show(const p::Event& passing) const {
  if (const auto* delta = std::get_if<p::AgentMessageDelta>(&passing.msg)) {
    return aside("agent_message",
                 {{"text", delta->text}, {"delta", true}, {"item_id", delta->item}, {"item_offset", delta->offset}},
                 passing.ts);
  }
  if (const auto* delta = std::get_if<p::AgentReasoningDelta>(&passing.msg)) {
    return aside("progress",
                 {{"subtype", "reasoning"},
                  {"text", delta->text},
                  {"delta", true},
                  {"item_id", delta->item},
                  {"item_offset", delta->offset}},
                 passing.ts);
  }
  const bool tells = std::holds_alternative<p::ExecCommandOutputDelta>(passing.msg) ||
                     std::holds_alternative<p::ItemReset>(passing.msg);
  if (tells) return aside("progress", as_subtype(passing.msg), passing.ts);
  if (std::holds_alternative<p::StreamError>(passing.msg)) return aside("system", as_subtype(passing.msg), passing.ts);
  return "";
}

std::string AgentruntimeLog::aside(std::string_view type, const Json& data, base::UnixMillis when) const {
  return line_of(type, data, size_, when);
}

void AgentruntimeLog::put(std::string_view type, const Json& data) {
  const std::string line = line_at(type, data, size_, now_);
  size_ += static_cast<std::int64_t>(line.size());
  lines_ += line;
}

void AgentruntimeLog::put_result(std::string_view status, const Use& use, std::int64_t duration_ms) {
  Json data{{"session_id", session_}, {"turn_id", use.task}, {"status", status}};
  if (use.cost_micro_usd) data["cost_usd"] = static_cast<double>(*use.cost_micro_usd) / kMicroPerDollar;
  data["duration_ms"] = duration_ms;
  data["num_turns"] = use.turns;
  data["usage"] = usage_json(use.usage);
  put("result", data);
}

void AgentruntimeLog::end_task(AgentruntimeExit how) {
  standing_.task_runs = false;
  standing_.ended_at = now_;
  if (!standing_.interactive) put("exit", json_of(how));
  standing_.last_end = std::move(how);
  use_ = {};
}

}  // namespace lathe::gateways::http
