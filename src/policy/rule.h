#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lathe/policy/action.h"
#include "lathe/policy/glob.h"

namespace lathe::policy {

/// Where something stands in its file; both count from 1.
struct Place {
  std::size_t line = 1;
  std::size_t column = 1;
};

/// One condition on an argument of the call (HITL "when"; `arguments` of our own rules).
struct Condition {
  enum class Op { kEquals, kGlob, kHost, kCommandNames, kSubstitution };
  std::string key;
  Op op = Op::kEquals;
  std::string value;
  /// kGlob.
  std::optional<Glob> glob = std::nullopt;
  /// kHost, kCommandNames.
  std::vector<std::string> names = {};
};

enum class Access { kAny, kRead, kWrite };

/// One checked rule of a file. All that is set must hold.
struct Rule {
  Verdict verdict = Verdict::kAsk;
  /// Names of tools, or of toolsets; empty: any. A HITL rule has one name in each.
  std::vector<std::string> tools = {};
  std::vector<std::string> toolsets = {};
  std::vector<Condition> when = {};
  /// Words that a command begins with; each one of its alternatives.
  std::vector<std::vector<std::string>> command = {};
  /// No more words than these.
  bool exact = false;
  /// Names of programs.
  std::vector<std::string> programs = {};
  /// The very text of a script.
  std::string script = {};
  std::vector<std::string> hosts = {};
  std::vector<Glob> paths = {};
  Access access = Access::kAny;

  /// The rule's own words for people.
  std::string reason = {};
  /// A question that this rule asks is denied after so long.
  std::optional<std::chrono::milliseconds> timeout = std::nullopt;
  /// "command git push: ask".
  std::string text = {};
  Place at = {};

  struct Example {
    std::string text;
    bool matches = true;
    Place at = {};
  };
  std::vector<Example> examples = {};

  /// It looks at commands, not only at the tool.
  [[nodiscard]] bool about_commands() const;
};

/// The rules of one file or preset. A value.
struct RuleSet {
  /// A file's path, or "preset strict".
  std::string source;
  enum class Order {
    /// HITL: the first rule that matches decides, `fallback` when none does.
    kFirstMatch,
    /// Ours: the strictest of those that match.
    kStrictest,
  };
  Order order = Order::kStrictest;
  std::optional<Verdict> fallback = std::nullopt;
  Place fallback_at = {};
  std::vector<Rule> rules = {};
  /// What loads but does not do what its words say.
  std::vector<std::string> warnings = {};

  [[nodiscard]] std::size_t example_count() const;
};

}  // namespace lathe::policy
