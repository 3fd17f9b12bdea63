#pragma once

#include <string>

#include "lathe/protocol/items.h"

namespace lathe::policy {

/// What the decision depends on.
struct ActionFacts {
  enum class Kind { kCommand, kFileChange, kRead, kOther };
  Kind kind = Kind::kOther;
  /// The model itself asked that a person decide.
  bool ask_requested = false;
};

enum class Verdict { kAllow, kAsk, kDeny };

struct PolicyDecision {
  Verdict verdict = Verdict::kAsk;
  /// The rule that decided, for people: "approval policy untrusted: every command asks".
  std::string rule;
  friend bool operator==(const PolicyDecision&, const PolicyDecision&) = default;
};

/// never: nothing asks, and what the model wants asked is refused. on-request: only what the model wants asked.
/// untrusted: every command and every write.
[[nodiscard]] PolicyDecision decide(protocol::ApprovalPolicy policy, const ActionFacts& action);

}  // namespace lathe::policy
