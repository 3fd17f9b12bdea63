#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lathe/base/result.h"
#include "lathe/policy/action.h"
#include "lathe/policy/rule.h"
#include "lathe/syntax/shell.h"

namespace lathe::policy {

enum class Match {
  kNo,
  /// It cannot be ruled out: a name or a word is computed, or the script was not understood.
  kPossible,
  kYes,
};

/// One thing of an action that rules look at: a simple command of a script, or the whole action.
struct Subject {
  std::optional<syntax::SimpleCommand> command = std::nullopt;
  /// It stands for the part of a script that was not understood.
  bool unknown = false;
  /// What the command's words and redirections name, absolute, and what they may name besides (command_paths.h).
  std::vector<std::string> paths = {};
  std::vector<std::string> possible = {};
  std::vector<PathPattern> patterns = {};
};

struct Subjects {
  Action action;
  std::vector<Subject> all;
  /// The simple commands as people read them.
  std::vector<std::string> commands;
  /// Why a script was not understood; "" when it was.
  std::string why;
};

/// Takes an action apart. Errors: a command that is empty, too long, or has a NUL byte.
[[nodiscard]] base::Result<Subjects> subjects_of(Action action);

/// An allowing rule must cover all of the subject, and only what is surely it; any other matches at the least part.
[[nodiscard]] Match match_of(const Rule& rule, const Action& action, const Subject& subject);

}  // namespace lathe::policy
