#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lathe/policy/glob.h"
#include "lathe/syntax/shell.h"

// Which files the words of commands may name: advice like all that is read from a command's text.

namespace lathe::policy {

struct NamedPaths {
  /// Absolute; surely these.
  std::vector<std::string> paths;
  /// Absolute; maybe these: the same names in folders that the command may run in instead.
  std::vector<std::string> possible;
  /// Maybe these: what a pattern or a computed word stands for, and names where the folder is not known.
  std::vector<PathPattern> patterns;
};

/// What each command names, in order; `cwd` is where the script begins, `homes` what "~" and $HOME stand for, by each
/// name of that folder. Nothing in them: any folder, as for ~user.
[[nodiscard]] std::vector<NamedPaths> named_by(const syntax::Script& script, const std::string& cwd,
                                               std::span<const std::string> homes);

/// Whether a script, whose text that is, may give "~" and $HOME another meaning.
[[nodiscard]] bool may_change_home(const syntax::Script& script, std::string_view text);

/// What of a word may be a path: all of it, what follows "=" (--file=x), "@" (-d @x), ":" or a letter (-fx), what
/// stands before ":", and what stands between these and "," or "<" (-F f=@x, src=x,dst=y).
[[nodiscard]] std::vector<std::string_view> path_candidates(std::string_view word);

}  // namespace lathe::policy
