#include "lathe/protocol/scopes.h"

#include <fmt/format.h>

#include "lathe/base/strings.h"

namespace lathe::protocol {

using base::Error;
using base::Result;

namespace {

constexpr std::array kScopes = enum_names(Scope());

std::string known_names() {
  std::string names;
  for (const auto& known : kScopes) names.append(names.empty() ? "" : ", ").append(known.name);
  return names;
}

/// What loosens the hold on an agent is for those who may answer its questions.
Scopes needed(const ConfigureSession& op) {
  Scopes scopes{Scope::kPrompt};
  if (op.approval_policy || op.sandbox_mode || op.network || op.allow_hosts) scopes.add(Scope::kApprove);
  return scopes;
}
Scopes needed(const UserInput&) { return {Scope::kPrompt}; }
Scopes needed(const Interrupt&) { return {Scope::kPrompt}; }
Scopes needed(const Approval&) { return {Scope::kApprove}; }
Scopes needed(const ExecApproval&) { return {Scope::kApprove}; }
Scopes needed(const PatchApproval&) { return {Scope::kApprove}; }
Scopes needed(const UserAnswer&) { return {Scope::kPrompt}; }
Scopes needed(const AddContext&) { return {Scope::kPrompt}; }
Scopes needed(const Mention&) { return {Scope::kPrompt}; }
Scopes needed(const TerminalInput&) { return {Scope::kPrompt}; }
Scopes needed(const TerminalResize&) { return {Scope::kPrompt}; }
Scopes needed(const SetModel&) { return {Scope::kPrompt}; }
Scopes needed(const Compact&) { return {Scope::kPrompt}; }
Scopes needed(const Rollback&) { return {Scope::kPrompt}; }
Scopes needed(const Shutdown&) { return {Scope::kPrompt}; }

/// Environment and keys that are lent hold for others too: a backend's URL among them says where prompts go. Limits
/// bound what runs.
Scopes needed(const Hello& call) { return call.environment.empty() && call.process.empty() ? Scopes() : Scopes::all(); }
Scopes needed(const SessionList&) { return {Scope::kRead}; }
Scopes needed(const SessionGet&) { return {Scope::kRead}; }
Scopes needed(const SessionSubscribe&) { return {Scope::kRead}; }
Scopes needed(const SessionUnsubscribe&) { return {Scope::kRead}; }
Scopes needed(const SessionClaim&) { return {Scope::kPrompt}; }
Scopes needed(const SessionFork&) { return {Scope::kPrompt}; }
Scopes needed(const SessionArchive&) { return {Scope::kPrompt}; }
Scopes needed(const SessionTag&) { return {Scope::kPrompt}; }
Scopes needed(const SessionMarkRead&) { return {Scope::kPrompt}; }
Scopes needed(const SessionRemove&) { return {Scope::kAdmin}; }
Scopes needed(const SessionSearch&) { return {Scope::kRead}; }
Scopes needed(const SessionExport&) { return {Scope::kRead}; }
Scopes needed(const ApprovalList&) { return {Scope::kRead}; }
Scopes needed(const ApprovalAnswer&) { return {Scope::kApprove}; }
Scopes needed(const ModelList&) { return {Scope::kRead}; }
Scopes needed(const BackendList&) { return {Scope::kRead}; }
Scopes needed(const BackendTest&) { return {Scope::kAdmin}; }
Scopes needed(const UsageCall&) { return {Scope::kRead}; }
Scopes needed(const IndexRebuild&) { return {Scope::kAdmin}; }
Scopes needed(const Undo&) { return {Scope::kPrompt}; }
// They read files of rules by any path that is named.
Scopes needed(const PolicyExplain&) { return {Scope::kAdmin}; }
Scopes needed(const PolicyTest&) { return {Scope::kAdmin}; }
Scopes needed(const TrustList&) { return {Scope::kAdmin}; }
Scopes needed(const TrustSet&) { return {Scope::kAdmin}; }
// They look at nothing but what they are given.
Scopes needed(const ChainCheck&) { return {Scope::kRead}; }
Scopes needed(const ChainShow&) { return {Scope::kRead}; }
Scopes needed(const ChainSchema&) { return {Scope::kRead}; }
Scopes needed(const DaemonStatus&) { return {Scope::kRead}; }
Scopes needed(const Vitals&) { return {Scope::kRead}; }
Scopes needed(const DaemonReload&) { return {Scope::kAdmin}; }
Scopes needed(const DaemonStop&) { return {Scope::kAdmin}; }
Scopes needed(const DaemonHandOver&) { return {Scope::kAdmin}; }
Scopes needed(const Watch&) { return {Scope::kRead}; }

template <class... M>
Scopes needed_by(std::string_view type, const std::variant<M...>*) {
  Scopes scopes;
  ((M::kType == type ? void(scopes = needed(M{})) : void()), ...);
  return scopes;
}

}  // namespace

std::string Scopes::text() const {
  std::string text;
  for (const auto& known : kScopes) {
    if (name(known.value)) text.append(text.empty() ? "" : ",").append(known.name);
  }
  return text;
}

Result<Scopes> Scopes::parse(std::string_view text) {
  Scopes scopes;
  for (const std::string_view word : base::split(text, ',')) {
    const std::string_view name = base::trim(word);
    bool found = false;
    for (const auto& known : kScopes) {
      if (known.name != name) continue;
      scopes.add(known.value);
      found = true;
    }
    if (!found) {
      return Error{.code = base::codes::kInvalid,
                   .message = fmt::format("\"{}\" is no scope", name),
                   .hint = "one or more of " + known_names()};
    }
  }
  return scopes;
}

Scopes scopes_needed(const ClientFrame& frame) {
  const auto of_variant = [](const auto& any) { return std::visit([](const auto& one) { return needed(one); }, any); };
  if (const auto* submission = std::get_if<Submission>(&frame)) {
    return of_variant(static_cast<const AnyOp&>(submission->op));
  }
  return of_variant(static_cast<const AnyCall&>(std::get<CallFrame>(frame).call));
}

Scopes scopes_of_op(std::string_view type) { return needed_by(type, static_cast<const AnyOp*>(nullptr)); }
Scopes scopes_of_call(std::string_view type) { return needed_by(type, static_cast<const AnyCall*>(nullptr)); }

Result<void> check_scopes(Scopes held, const ClientFrame& frame) { return check_scopes(held, scopes_needed(frame)); }

Result<void> check_scopes(Scopes held, Scopes needed) {
  for (const auto& known : kScopes) {
    if (!needed.name(known.value) || held.hold(known.value)) continue;
    return Error{
        .code = base::codes::kPermission,
        .message = fmt::format("this needs the scope \"{}\", and the token has \"{}\"", known.name, held.text()),
        .hint = "lathe daemon token create --scope …"};
  }
  return {};
}

}  // namespace lathe::protocol
