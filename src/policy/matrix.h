#pragma once

#include <array>
#include <span>
#include <string>
#include <string_view>

#include "lathe/policy/action.h"

// What happens where no rule says anything: approval policy x sandbox mode x class, as a table. Its rows stand in
// docs/reference/policy.md, and a test holds every one.

namespace lathe::policy {

enum class ActionClass {
  kSafeCommand,
  kCommand,
  kDangerousCommand,
  /// A command that asks to run outside the sandbox.
  kOutsideSandbox,
  /// The model itself asked for a person.
  kAskedFor,
  kReadInside,
  /// What commands in the sandbox could not read either.
  kReadOutside,
  kWriteInside,
  kWriteOutside,
  /// A host that no rule names.
  kNetwork,
  /// A host of the session's allow-hosts, which commands reach through the proxy unasked.
  kNamedHost,
  kOther,
};

struct MatrixRow {
  ActionClass action;
  /// "a dangerous command", for people.
  std::string_view what;
  /// untrusted, on-request, never; in each read-only, workspace-write, full-access.
  std::array<Verdict, 9> verdicts;
};

[[nodiscard]] std::span<const MatrixRow> matrix();
[[nodiscard]] Verdict matrix_verdict(const Circumstances& circumstances, ActionClass action);
/// "approval policy on-request, workspace-write: a dangerous command asks".
[[nodiscard]] std::string matrix_rule(const Circumstances& circumstances, ActionClass action);

}  // namespace lathe::policy
