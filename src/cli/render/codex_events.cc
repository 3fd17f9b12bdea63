#include "lathe/cli/render/codex_events.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "lathe/cli/render/labels.h"

namespace lathe::cli {

namespace p = lathe::protocol;
using base::Json;

namespace {

std::string_view status_name(p::CallStatus status) {
  switch (status) {
    case p::CallStatus::kCompleted:
      return "completed";
    case p::CallStatus::kDeclined:
      return "declined";
    case p::CallStatus::kFailed:
    case p::CallStatus::kTimedOut:
    case p::CallStatus::kCancelled:
    case p::CallStatus::kInterrupted:
      return "failed";
  }
  return "";
}

std::string_view kind_name(p::ChangeKind kind) {
  switch (kind) {
    case p::ChangeKind::kAdd:
      return "add";
    case p::ChangeKind::kDelete:
      return "delete";
    case p::ChangeKind::kUpdate:
    case p::ChangeKind::kMove:
      return "update";
  }
  return "";
}

Json changes_json(const std::vector<p::FileChange>& changes) {
  Json list = Json::array();
  for (const p::FileChange& change : changes) list.push_back({{"path", change.path}, {"kind", kind_name(change.kind)}});
  return list;
}

Json arguments_json(const std::string& text) {
  auto parsed = base::parse_json(text);
  return parsed.ok() ? *std::move(parsed) : Json(text);
}

/// What a command wrote, without what the model is told of its end. One that was refused or never came to its end and
/// wrote nothing says why.
std::string output_of(const p::ExecCommandEnd& end) {
  const std::string& told = end.outcome.output;
  const auto header = static_cast<std::size_t>(std::max<std::int64_t>(end.outcome.header_bytes, 0));
  if (header < told.size()) return told.substr(header);
  return end.exit_code ? "" : told;
}

}  // namespace

struct CodexEvents::Visitor {
  CodexEvents& self;
  std::vector<std::string>& lines;

  void emit(std::string_view type, Json members = Json::object()) const {
    Json event{{"type", type}};
    event.update(members);
    lines.push_back(base::dump_json(event));
  }
  void item(std::string_view event, const OpenItem& item) const {
    Json body{{"id", item.id}};
    body.update(item.body);
    emit(event, {{"item", std::move(body)}});
  }
  [[nodiscard]] OpenItem make(Json body) const {
    return {.id = "item_" + std::to_string(self.next_item_++), .body = std::move(body)};
  }
  void whole(Json body) const { item("item.completed", make(std::move(body))); }
  void start(const std::string& call_id, Json body) const {
    OpenItem& open = self.open_[call_id] = make(std::move(body));
    item("item.started", open);
  }
  /// Ends a call's item; one that never began (refused, malformed) begins as what was asked about it, or `otherwise`.
  void finish(const std::string& call_id, const Json& changes, Json otherwise) const {
    auto found = self.open_.find(call_id);
    const auto asked = self.asked_.find(call_id);
    if (asked != self.asked_.end()) otherwise = std::move(asked->second);
    if (found == self.open_.end()) found = self.open_.emplace(call_id, make(std::move(otherwise))).first;
    self.asked_.erase(call_id);
    found->second.body.update(changes);
    item("item.completed", found->second);
    self.open_.erase(found);
  }
  void fail(const std::string& message) const {
    end_plan();
    emit("turn.failed", {{"error", {{"message", message}}}});
  }
  void end_plan() const {
    if (self.plan_.id.empty()) return;
    item("item.completed", std::exchange(self.plan_, {}));
  }

  template <class T>
  void operator()(const T&) const {}

  void operator()(const p::SessionConfigured& e) const {
    if (std::exchange(self.started_, true)) return;
    emit("thread.started", {{"thread_id", e.session_id}});
    if (e.replayed) whole({{"type", "error"}, {"message", kRecording}});
  }
  void operator()(const p::TaskStarted&) const { emit("turn.started"); }
  void operator()(const p::AgentMessage& e) const { whole({{"type", "agent_message"}, {"text", e.text}}); }
  void operator()(const p::AgentReasoning& e) const {
    if (!e.text.empty()) whole({{"type", "reasoning"}, {"text", e.text}});
  }
  void operator()(const p::ToolCalls& e) const {
    for (const p::ToolCall& call : e.calls) self.arguments_[call.call_id] = call.arguments;
  }
  void operator()(const p::ExecApprovalRequest& e) const {
    self.asked_[e.call_id] = {{"type", "command_execution"}, {"command", command_label(e.command)}};
  }
  void operator()(const p::ApplyPatchApprovalRequest& e) const {
    self.asked_[e.call_id] = {{"type", "file_change"}, {"changes", changes_json(e.changes)}};
  }
  /// What the model wanted to run, from the arguments of its call.
  [[nodiscard]] std::string command_asked_for(const std::string& call_id) const {
    const Json command = base::json_at(arguments_json(self.arguments_[call_id]), "command");
    if (command.is_string()) return command_label({"sh", "-c", command.get<std::string>()});
    if (!command.is_array()) return "";
    std::vector<std::string> argv;
    for (const Json& word : command) argv.push_back(word.is_string() ? word.get<std::string>() : base::dump_json(word));
    return command_label(argv);
  }
  void operator()(const p::ExecCommandBegin& e) const {
    start(e.call_id, {{"type", "command_execution"},
                      {"command", command_label(e.command)},
                      {"aggregated_output", ""},
                      {"exit_code", nullptr},
                      {"status", "in_progress"}});
  }
  void operator()(const p::ExecCommandEnd& e) const {
    Json changes{{"aggregated_output", output_of(e)},
                 {"exit_code", e.exit_code ? Json(*e.exit_code) : Json(nullptr)},
                 {"status", e.exit_code.value_or(0) == 0 ? status_name(e.outcome.status) : "failed"}};
    finish(e.call_id, changes, {{"type", "command_execution"}, {"command", command_asked_for(e.call_id)}});
  }
  void operator()(const p::PatchApplyBegin& e) const {
    start(e.call_id, {{"type", "file_change"}, {"changes", changes_json(e.changes)}, {"status", "in_progress"}});
  }
  void operator()(const p::PatchApplyEnd& e) const {
    finish(e.call_id, {{"status", status_name(e.outcome.status)}},
           {{"type", "file_change"}, {"changes", Json::array()}});
  }
  [[nodiscard]] Json tool_body(const std::string& call_id, const std::string& tool) const {
    return {{"type", "mcp_tool_call"},
            {"server", "lathe"},
            {"tool", tool},
            {"arguments", arguments_json(self.arguments_[call_id])},
            {"status", "in_progress"}};
  }
  void operator()(const p::ToolCallBegin& e) const { start(e.call_id, tool_body(e.call_id, e.tool)); }
  void operator()(const p::ToolCallEnd& e) const {
    Json changes{{"status", e.outcome.status == p::CallStatus::kCompleted ? "completed" : "failed"}};
    if (e.outcome.status == p::CallStatus::kCompleted) {
      Json text{{"type", "text"}, {"text", e.outcome.output}};
      changes["result"] = {{"content", Json::array({std::move(text)})}, {"structured_content", nullptr}};
    } else {
      changes["error"] = {{"message", e.outcome.output}};
    }
    finish(e.call_id, changes, tool_body(e.call_id, e.tool));
  }
  void operator()(const p::PlanUpdate& e) const {
    Json steps = Json::array();
    for (const p::PlanStep& step : e.plan) {
      steps.push_back({{"text", step.step}, {"completed", step.status == p::PlanStatus::kCompleted}});
    }
    const bool first = self.plan_.id.empty();
    Json body{{"type", "todo_list"}, {"items", std::move(steps)}};
    if (first) {
      self.plan_ = make(std::move(body));
    } else {
      self.plan_.body = std::move(body);
    }
    item(first ? "item.started" : "item.updated", self.plan_);
  }
  void operator()(const p::TaskComplete& e) const {
    end_plan();
    emit("turn.completed", {{"usage",
                             {{"input_tokens", e.usage.input_tokens},
                              {"cached_input_tokens", e.usage.cached_input_tokens},
                              {"cache_write_input_tokens", e.usage.cache_write_tokens},
                              {"output_tokens", e.usage.output_tokens},
                              {"reasoning_output_tokens", e.usage.reasoning_tokens}}}});
  }
  void operator()(const p::TurnAborted& e) const {
    // Every other abort is followed by an error, which fails the turn.
    if (e.reason == p::AbortReason::kReplaced) fail("replaced by a newer input");
  }
  void operator()(const p::TaskParked& m) const {
    if (!m.handed_over) fail("the task waits for a person's answer");
  }
  void operator()(const p::StreamError& e) const {
    emit("error", {{"message", e.message + " (retry " + std::to_string(e.attempt) + "/" + std::to_string(e.of) + ")"}});
  }
  void operator()(const p::Warning& e) const { whole({{"type", "error"}, {"message", e.message}}); }
  void operator()(const p::ErrorEvent& e) const {
    if (e.ends_task) {
      fail(e.message);
    } else {
      emit("error", {{"message", e.message}});
    }
  }
};

std::vector<std::string> CodexEvents::translate(const p::EventMsg& msg) {
  std::vector<std::string> lines;
  std::visit(Visitor{*this, lines}, msg);
  return lines;
}

}  // namespace lathe::cli
