#include "lathe/engine/questions.h"

#include <algorithm>

#include "lathe/base/json.h"
#include "lathe/base/strings.h"

namespace lathe::engine {

using ports::Action;
using ports::GateAnswer;

policy::ActionFacts facts_of(const Action& action) {
  policy::ActionFacts facts;
  facts.ask_requested = action.ask_requested;
  switch (action.kind) {
    case Action::Kind::kCommand:
      facts.kind = policy::ActionFacts::Kind::kCommand;
      break;
    case Action::Kind::kFileChange:
      facts.kind = policy::ActionFacts::Kind::kFileChange;
      break;
    case Action::Kind::kRead:
      facts.kind = policy::ActionFacts::Kind::kRead;
      break;
    case Action::Kind::kOther:
      facts.kind = policy::ActionFacts::Kind::kOther;
      break;
  }
  return facts;
}

std::vector<std::string> grant_keys(const Action& action) {
  std::vector<std::string> keys;
  switch (action.kind) {
    case Action::Kind::kCommand:
      keys.push_back("exec:" + base::join(action.command, "\x1f"));
      break;
    case Action::Kind::kFileChange:
      for (const protocol::FileChange& change : action.changes) {
        keys.push_back("file:" + change.path);
        if (!change.move_path.empty()) keys.push_back("file:" + change.move_path);
      }
      break;
    case Action::Kind::kRead:
    case Action::Kind::kOther:
      keys.push_back("tool:" + action.tool);
      break;
  }
  return keys;
}

bool is_granted(const ports::SessionState& state, const Action& action) {
  const std::vector<std::string> keys = grant_keys(action);
  return !keys.empty() && std::ranges::all_of(keys, [&](const std::string& key) {
    return std::ranges::find(state.session_grants, key) != state.session_grants.end();
  });
}

protocol::EventMsg question_about(const Action& action, const std::string& id, const std::string& rule) {
  switch (action.kind) {
    case Action::Kind::kCommand:
      return protocol::ExecApprovalRequest{.id = id,
                                           .call_id = action.call_id,
                                           .command = action.command,
                                           .cwd = action.cwd,
                                           .reason = action.reason,
                                           .rule = rule};
    case Action::Kind::kFileChange:
      return protocol::ApplyPatchApprovalRequest{
          .id = id, .call_id = action.call_id, .changes = action.changes, .reason = action.reason, .rule = rule};
    case Action::Kind::kRead:
    case Action::Kind::kOther:
      break;
  }
  return protocol::ApprovalRequest{.id = id,
                                   .call_id = action.call_id,
                                   .tool = action.tool,
                                   .arguments = action.arguments,
                                   .reason = action.reason,
                                   .rule = rule};
}

std::string one_line(const protocol::EventMsg& request) {
  if (const auto* exec = std::get_if<protocol::ExecApprovalRequest>(&request)) return base::shell_join(exec->command);
  if (const auto* patch = std::get_if<protocol::ApplyPatchApprovalRequest>(&request)) {
    std::vector<std::string> paths;
    for (const protocol::FileChange& change : patch->changes) paths.push_back(change.path);
    return "change " + base::join(paths, ", ");
  }
  if (const auto* other = std::get_if<protocol::ApprovalRequest>(&request)) return other->tool + " " + other->arguments;
  if (const auto* question = std::get_if<protocol::UserQuestion>(&request)) {
    return question->questions.empty() ? "" : question->questions.front().question;
  }
  return "";
}

GateAnswer to_gate_answer(const protocol::ApprovalResolved& resolved) {
  GateAnswer answer{.verdict = GateAnswer::Verdict::kDeclined, .note = resolved.note, .amended_arguments = {}};
  switch (resolved.decision) {
    case protocol::Decision::kApproved:
    case protocol::Decision::kApprovedForSession:
    case protocol::Decision::kApprovedAlways:
      answer.verdict = GateAnswer::Verdict::kRun;
      break;
    case protocol::Decision::kDenied:
      break;
    case protocol::Decision::kAbort:
      answer.verdict = GateAnswer::Verdict::kAbort;
      break;
  }
  if (resolved.amended_input) answer.amended_arguments = base::dump_json(*resolved.amended_input);
  return answer;
}

}  // namespace lathe::engine
