#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "lathe/base/json.h"
#include "lathe/policy/action.h"
#include "lathe/policy/rule.h"

// Rules and an action -> a decision with what decided it. Pure: no clock, no disk, no network.
//
// Each simple command of a script, or the action as a whole, is decided for itself; the strictest wins:
//
//   the person's rules   first match inside a HITL file, else the strictest that matches; strictest across files.
//                        Where none says anything, the matrix of approval policy and sandbox mode (matrix.h).
//   approved for always  turns a question of the two above into yes. It never undoes a refusal.
//   project, chain       may only make it stricter: what they allow counts for nothing.
//
// Then what the model asked for: a person (unless a rule of the person's allows it), or to run outside the sandbox,
// which always asks. Under `never` a question is a refusal. An allowing rule skips the question, never the sandbox.

namespace lathe::policy {

struct Source {
  enum class Kind { kPerson, kApproved, kProject, kChain };
  Kind kind = Kind::kPerson;
  std::shared_ptr<const RuleSet> rules;  // shared by all sessions of an engine; never changed
};

struct PolicyDecision {
  Verdict verdict = Verdict::kAsk;
  /// The rule that decided, for people.
  std::string rule;
  /// Where it stands: "file:line", "preset strict:12", or "built in".
  std::string source;
  /// The rule's own words.
  std::string reason;
  /// The simple commands that a shell makes of it.
  std::vector<std::string> commands;
  /// Why they may not be all; "" when they are.
  std::string not_understood;
  std::optional<std::chrono::milliseconds> timeout;
  /// Of a command that leaves the sandbox and asks: absolute paths that its words may mean.
  std::vector<std::string> named_paths;
  /// The rules that would let just this through from now on; empty when no rule can.
  std::vector<base::Json> always;
};

[[nodiscard]] PolicyDecision decide(std::span<const Source> sources, const Circumstances& circumstances, Action action);

/// Whether a tool that was allowed to search a folder may show something of a file below it: not of one that a rule
/// about its path refuses or asks about.
[[nodiscard]] bool may_show(std::span<const Source> sources, const std::string& workspace, const std::string& tool,
                            const std::string& path);

}  // namespace lathe::policy
