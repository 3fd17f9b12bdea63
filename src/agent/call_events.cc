#include "lathe/agent/call_events.h"

#include <utility>

namespace lathe::agent {

using ports::Action;
using protocol::EventMsg;

EventMsg begin_event(const Action& action, std::string title) {
  switch (action.kind) {
    case Action::Kind::kCommand:
      return protocol::ExecCommandBegin{.call_id = action.call_id,
                                        .command = action.command,
                                        .cwd = action.cwd,
                                        .sandbox = action.sandbox,
                                        .job = action.job};
    case Action::Kind::kFileChange:
      return protocol::PatchApplyBegin{.call_id = action.call_id, .changes = action.changes};
    case Action::Kind::kRead:
    case Action::Kind::kNetwork:
    case Action::Kind::kOther:
      break;
  }
  return protocol::ToolCallBegin{.call_id = action.call_id, .tool = action.tool, .title = std::move(title)};
}

EventMsg end_event(const Action& action, protocol::CallOutcome outcome, std::optional<std::int64_t> exit_code) {
  switch (action.kind) {
    case Action::Kind::kCommand:
      return protocol::ExecCommandEnd{.call_id = action.call_id, .exit_code = exit_code, .outcome = std::move(outcome)};
    case Action::Kind::kFileChange:
      return protocol::PatchApplyEnd{.call_id = action.call_id, .outcome = std::move(outcome)};
    case Action::Kind::kRead:
    case Action::Kind::kNetwork:
    case Action::Kind::kOther:
      break;
  }
  return protocol::ToolCallEnd{.call_id = action.call_id, .tool = action.tool, .outcome = std::move(outcome)};
}

EventMsg end_event(const protocol::ToolCall& call, protocol::CallStatus status, std::string text) {
  return protocol::ToolCallEnd{
      .call_id = call.call_id, .tool = call.tool, .outcome = {.status = status, .output = std::move(text)}};
}

}  // namespace lathe::agent
