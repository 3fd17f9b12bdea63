#include "lathe/engine/questions.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "lathe/base/json.h"
#include "lathe/base/strings.h"
#include "lathe/policy/glob.h"
#include "lathe/ports/grant_keys.h"
#include "lathe/protocol/error_codes.h"
#include "lathe/protocol/frames.h"

namespace lathe::engine {

using ports::Action;
using ports::GateAnswer;

namespace {

policy::Action::Kind kind_of(Action::Kind kind) {
  switch (kind) {
    case Action::Kind::kCommand:
      return policy::Action::Kind::kCommand;
    case Action::Kind::kFileChange:
      return policy::Action::Kind::kFileChange;
    case Action::Kind::kRead:
      return policy::Action::Kind::kRead;
    case Action::Kind::kNetwork:
      return policy::Action::Kind::kNetwork;
    case Action::Kind::kOther:
      return policy::Action::Kind::kOther;
  }
  return policy::Action::Kind::kOther;
}

/// One rule per line: each line is a rule of a rule file as it is.
std::string always_text(const std::vector<base::Json>& rules) {
  std::vector<std::string> lines;
  for (const base::Json& rule : rules) lines.push_back(base::dump_json(rule));
  return base::join(lines, "\n");
}

std::string rule_text(const policy::PolicyDecision& decision) {
  std::string text = decision.rule;
  if (decision.source != "built in") text += " (" + decision.source + ")";
  if (!decision.reason.empty()) text += ": " + decision.reason;
  if (!decision.not_understood.empty()) text += "; not all of the command is understood: " + decision.not_understood;
  return text;
}

std::optional<std::int64_t> milliseconds_of(std::optional<std::chrono::milliseconds> span) {
  if (!span) return std::nullopt;
  return span->count();
}

/// The fields that an approval is not bound to.
void forget_unbound(protocol::EventMsg& question) {
  std::visit(
      [](auto& asked) {
        if constexpr (requires { asked.always_rule; }) {
          asked.id.clear();
          asked.always_rule.clear();
          asked.expires_at.reset();
        }
      },
      question);
}

}  // namespace

policy::Action policy_action(const Action& action, const std::string& folder) {
  policy::Action out{.kind = kind_of(action.kind), .tool = action.tool};
  auto arguments = base::parse_json(action.arguments);
  if (arguments.ok() && arguments->is_object()) out.arguments = *std::move(arguments);
  out.script = action.script;
  out.argv = action.command;
  out.cwd = action.cwd.empty() ? folder : action.cwd;
  out.workspace = folder;
  const auto add = [&](const std::string& path) {
    std::string absolute = policy::absolute_path(folder, path);
    if (std::ranges::find(out.paths, absolute) == out.paths.end()) out.paths.push_back(std::move(absolute));
  };
  for (const std::string& path : action.paths) add(path);
  for (const protocol::FileChange& change : action.changes) {
    add(change.path);
    if (!change.move_path.empty()) add(change.move_path);
  }
  const base::Json& path = base::json_at(out.arguments, "path");
  if (path.is_string() && action.changes.empty()) add(path.get<std::string>());
  if (path.is_array()) {
    for (const base::Json& one : path) {
      if (one.is_string()) add(one.get<std::string>());
    }
  }
  out.opened = action.opened;
  for (const std::string& path : action.opened) add(path);
  if (out.paths.empty() && action.kind == Action::Kind::kRead) out.paths.push_back(folder);
  out.hosts = action.hosts;
  out.ask_requested = action.ask_requested;
  out.outside_sandbox = action.outside_sandbox;
  return out;
}

bool is_granted(const ports::SessionState& state, const protocol::EventMsg& question) {
  const std::vector<std::string> keys = ports::grant_keys(question);
  return !keys.empty() && std::ranges::all_of(keys, [&](const std::string& key) {
    return std::ranges::find(state.session_grants, key) != state.session_grants.end();
  });
}

protocol::EventMsg question_about(const Action& action, const std::string& id, const policy::PolicyDecision& decision,
                                  std::optional<std::int64_t> expires_at) {
  if (action.kind == Action::Kind::kCommand) {
    return protocol::ExecApprovalRequest{.id = id,
                                         .call_id = action.call_id,
                                         .command = action.command,
                                         .cwd = action.cwd,
                                         .input = action.input,
                                         .terminal = action.terminal,
                                         .background = !action.job.empty(),
                                         .timeout_ms = milliseconds_of(action.timeout),
                                         .environment = action.environment,
                                         .reason = action.reason,
                                         .rule = rule_text(decision),
                                         .commands = decision.commands,
                                         .outside_sandbox = action.outside_sandbox,
                                         .refused = action.refused,
                                         .always_rule = always_text(decision.always),
                                         .expires_at = expires_at};
  }
  if (action.kind == Action::Kind::kFileChange) {
    return protocol::ApplyPatchApprovalRequest{.id = id,
                                               .call_id = action.call_id,
                                               .changes = action.changes,
                                               .cwd = action.cwd,
                                               .paths = action.opened,
                                               .reason = action.reason,
                                               .rule = rule_text(decision),
                                               .always_rule = always_text(decision.always),
                                               .expires_at = expires_at};
  }
  return protocol::ApprovalRequest{.id = id,
                                   .call_id = action.call_id,
                                   .tool = action.tool,
                                   .arguments = action.arguments,
                                   .paths = action.opened,
                                   .reason = action.reason,
                                   .rule = rule_text(decision),
                                   .always_rule = always_text(decision.always),
                                   .expires_at = expires_at};
}

std::string binding_of(const protocol::EventMsg& question) {
  protocol::EventMsg bound = question;
  forget_unbound(bound);
  return protocol::encode_event(
      {.session = {}, .seq = std::nullopt, .id = {}, .by = {}, .ts = 0, .msg = std::move(bound)});
}

std::optional<std::int64_t> expiry_of(const protocol::EventMsg& question) {
  return std::visit(
      [](const auto& asked) -> std::optional<std::int64_t> {
        if constexpr (requires { asked.expires_at; }) return asked.expires_at;
        return std::nullopt;
      },
      question);
}

std::vector<base::Json> always_rules_of(const protocol::EventMsg& question) {
  const std::string text = std::visit(
      [](const auto& asked) -> std::string {
        if constexpr (requires { asked.always_rule; }) return asked.always_rule;
        return "";
      },
      question);
  std::vector<base::Json> rules;
  for (const std::string_view line : base::split_lines(text)) {
    auto rule = base::parse_json(line);
    if (rule.ok()) rules.push_back(*std::move(rule));
  }
  return rules;
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

base::Error settled_error(const std::string& id, const ports::SettledQuestion& settled) {
  return {.code = protocol::error_codes::kSettled,
          .message = fmt::format("the question \"{}\" is settled: {} by {}", id, settled.answer, settled.by),
          .hint = "lathe approvals list shows those that wait"};
}

}  // namespace lathe::engine
