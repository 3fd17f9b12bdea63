#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lathe/globs/glob_pattern.h"

namespace lathe::globs {

enum class EntryKind { kFile, kFolder };

/// Who reads the lines. ripgrep takes {one,two} for either and leaves out a tab at the end.
enum class IgnoreReader { kGit, kRipgrep };

/// The rules of one .gitignore (gitignore(5)), or of another file of the kind: the last rule that matches decides, "!"
/// takes back, a slash at the end means folders only, a slash elsewhere binds the rule to the file's folder.
class IgnoreRules final {
 public:
  /// `folder`: where the file lies, absolute. Lines that cannot be understood are skipped.
  [[nodiscard]] static IgnoreRules parse(std::string folder, std::string_view text, IgnoreReader reader);

  /// Whether the rules ignore the entry (absolute path below the folder); nothing when no rule is about it.
  [[nodiscard]] std::optional<bool> ignores(std::string_view path, EntryKind kind) const;

 private:
  struct Rule {
    GlobPattern pattern;
    bool ignore;
    bool folders_only;
  };
  explicit IgnoreRules(std::string folder) : folder_(std::move(folder)) {}

  std::string folder_;
  std::vector<Rule> rules_;
};

}  // namespace lathe::globs
