#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lathe/policy/glob.h"
#include "lathe/syntax/shell.h"

// Which files the words of commands may name: advice like all that is read from a command's text.

namespace lathe::policy {

/// The folders that the commands of a script run in.
struct Folders {
  /// Where the commands so far lead when all of them do what they say.
  std::string current;
  /// That, where it began, and all between, as a command may fail or change the folder of a part only.
  std::vector<std::string> possible;
  /// A folder is computed, or is a person's home, which is not known here.
  bool any = false;
  /// Patterns find names that begin with a dot too.
  bool dotted = false;
};

struct NamedPaths {
  /// Absolute; surely these.
  std::vector<std::string> paths;
  /// Maybe these: what a pattern or a computed word stands for, and names in folders other than the current one.
  std::vector<PathPattern> patterns;
};

/// What each command names, in order; `cwd` is where the script begins.
[[nodiscard]] std::vector<NamedPaths> named_by(std::span<const syntax::SimpleCommand> commands, const std::string& cwd);

/// What of a word may be a path: all of it, what follows "=" (--file=x), "@" (-d @x), ":" or a letter (-fx), and what
/// stands before ":".
[[nodiscard]] std::vector<std::string_view> path_candidates(std::string_view word);

}  // namespace lathe::policy
