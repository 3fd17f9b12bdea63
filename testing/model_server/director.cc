#include "lathe/testing/model_server/director.h"

#include <unistd.h>

#include <array>

namespace lathe::testing {

namespace {

using base::Json;

bool holds(const When& when, const ModelRequest& request, std::string_view body_text) {
  if (when.last_user_contains && !request.last_user.contains(*when.last_user_contains)) return false;
  if (when.body_contains && !body_text.contains(*when.body_contains)) return false;
  if (when.model && request.model != *when.model) return false;
  return !when.tool_results || request.tool_results == *when.tool_results;
}

/// What agents call the tool that runs a shell command, most wanted first.
constexpr std::array<std::string_view, 7> kShellNames{
    "exec_command", "shell_command", "shell", "local_shell", "Bash", "bash", "run_shell_command"};

const OfferedTool* shell_tool(const std::vector<OfferedTool>& tools) {
  for (const std::string_view name : kShellNames) {
    for (const OfferedTool& tool : tools) {
      const bool namespaced =
          tool.name.ends_with("." + std::string(name)) || tool.name.ends_with("__" + std::string(name));
      if (tool.name == name || namespaced) return &tool;
    }
  }
  return nullptr;
}

/// Arguments that run `command`, shaped as the tool's schema wants them.
Json shell_arguments(const OfferedTool& tool, const std::string& command) {
  const std::string member = tool.properties.contains("cmd") ? "cmd" : "command";
  Json arguments = Json::object();
  if (base::json_string(base::json_at(tool.properties, member), "type") == "array") {
    arguments[member] = {"sh", "-c", command};
  } else {
    arguments[member] = command;
  }
  for (const char* name : {"description", "reason"}) {
    if (tool.properties.contains(name)) arguments[name] = "scripted";
  }
  if (tool.properties.contains("is_background")) arguments["is_background"] = false;
  return arguments;
}

Response refusal(Wire wire, const std::string& why) {
  Response response{.status = 400};
  response.body = {{.bytes = error_body(wire, 400, why, "scripted_model_server")}};
  return response;
}

}  // namespace

Json to_json(const RecordedRequest& request) {
  Json headers = Json::object();
  for (const auto& [name, value] : request.headers) headers[name] = value;
  return {{"wire", request.wire},
          {"path", request.path},
          {"headers", std::move(headers)},
          {"body", request.body},
          {"violations", request.violations}};
}

Response Director::answer(RecordedRequest received, Wire wire) {
  const std::lock_guard lock(mutex_);
  const ModelRequest request = read_request(wire, received.body);
  const std::string name = "request " + std::to_string(requests_.size() + 1);
  received.wire = name_of(wire);
  received.violations = check_history(request);
  if (const auto problem = prefixes_.next(request)) prefix_breaks_.push_back(name + ": " + *problem);
  const std::string body_text = base::dump_json(received.body);
  const Answer* answer = received.violations.empty() ? find_answer(request, body_text) : nullptr;
  std::optional<std::vector<ReadyCall>> calls;
  if (answer != nullptr) calls = ready_calls(*answer, request);
  if (!calls && script_.position == Position::kToolResults && !script_.answers.empty() && answer != nullptr) {
    // No shell tool is offered (a request for a title, say): the closing answer.
    answer = &script_.answers.back();
    calls = ready_calls(*answer, request);
  }
  if (received.violations.empty() && answer == nullptr)
    received.violations.emplace_back("the script has no answer left");
  if (received.violations.empty() && !calls) received.violations.emplace_back("no shell tool is offered");
  if (log_) {
    const std::string line = base::dump_json(to_json(received)) + "\n";
    (void)!::write(log_.get(), line.data(), line.size());
  }
  requests_.push_back(std::move(received));
  changed_.notify_all();
  const std::vector<std::string>& violations = requests_.back().violations;
  if (!violations.empty()) return refusal(wire, violations.front());
  return render({.answer = *answer, .request = request, .calls = *std::move(calls), .number = requests_.size()});
}

const Answer* Director::find_answer(const ModelRequest& request, std::string_view body_text) {
  if (script_.position == Position::kToolResults) {
    if (script_.answers.empty()) return nullptr;
    const auto last = static_cast<std::int64_t>(script_.answers.size()) - 1;
    return &script_.answers[static_cast<std::size_t>(std::min(request.tool_results, last))];
  }
  served_.resize(script_.answers.size());
  for (std::size_t i = 0; i < script_.answers.size(); ++i) {
    const Answer& answer = script_.answers[i];
    const bool left = answer.repeat == Answer::kForever || served_[i] < answer.repeat;
    if (!left || !holds(answer.when, request, body_text)) continue;
    ++served_[i];
    return &answer;
  }
  return nullptr;
}

std::optional<std::vector<ReadyCall>> Director::ready_calls(const Answer& answer, const ModelRequest& request) {
  std::vector<ReadyCall> calls;
  for (const ScriptedCall& call : answer.tool_calls) {
    ReadyCall ready{.id = call.id, .name = call.name, .arguments = call.arguments, .arguments_text = {}};
    if (!call.shell.empty()) {
      const OfferedTool* tool = shell_tool(request.tools);
      if (tool == nullptr) return std::nullopt;
      ready.name = tool->name;
      ready.arguments = shell_arguments(*tool, call.shell);
    }
    if (ready.id.empty()) {
      ready.id = (request.wire == Wire::kAnthropic ? "toolu_" : "call_") + std::to_string(++calls_made_);
    }
    ready.arguments_text =
        ready.arguments.is_string() ? ready.arguments.get<std::string>() : base::dump_json(ready.arguments);
    calls.push_back(std::move(ready));
  }
  return calls;
}

void Director::add(Answer answer) {
  const std::lock_guard lock(mutex_);
  script_.answers.push_back(std::move(answer));
}

void Director::release(std::string_view gate) {
  {
    const std::lock_guard lock(mutex_);
    open_gates_.emplace(gate);
  }
  on_release_();
}

bool Director::is_open(const std::string& gate) const {
  const std::lock_guard lock(mutex_);
  return open_gates_.contains(gate);
}

void Director::arrived_at(const std::string& gate) {
  const std::lock_guard lock(mutex_);
  ++waiting_[gate];
  changed_.notify_all();
}

void Director::left(const std::string& gate) {
  const std::lock_guard lock(mutex_);
  if (--waiting_[gate] == 0) waiting_.erase(gate);
}

std::vector<std::string> Director::waiting_gates() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> names;
  for (const auto& [name, count] : waiting_) names.push_back(name);
  return names;
}

bool Director::wait_at_gate(std::string_view gate, std::chrono::milliseconds timeout) const {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, timeout, [&] { return waiting_.contains(std::string(gate)); });
}

bool Director::wait_for_requests(std::size_t count, std::chrono::milliseconds timeout) const {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, timeout, [&] { return requests_.size() >= count; });
}

std::vector<RecordedRequest> Director::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

std::vector<std::string> Director::violations() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> all;
  for (std::size_t i = 0; i < requests_.size(); ++i) {
    for (const std::string& text : requests_[i].violations) {
      all.push_back("request " + std::to_string(i + 1) + ": " + text);
    }
  }
  return all;
}

std::vector<std::string> Director::prefix_breaks() const {
  const std::lock_guard lock(mutex_);
  return prefix_breaks_;
}

}  // namespace lathe::testing
