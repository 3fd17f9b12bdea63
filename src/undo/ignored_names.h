#pragma once

#include <optional>
#include <string>
#include <vector>

#include "lathe/globs/ignore_rules.h"

namespace lathe::undo {

/// The .gitignore files from the repository's root down to the folder that is being walked, innermost last. They are
/// read when a name is asked about that was not known before, so that a walk of an unchanged tree reads none.
class IgnoredNames final {
 public:
  /// The rules above the root of the walk: those of the repository, from its outermost folder down. Gives what they
  /// say, to be compared with what they said the last time. Blocks.
  std::string read_above(const std::string& root);

  void enter(std::string folder, bool has_rules);
  void leave();
  [[nodiscard]] bool ignores(const std::string& absolute, globs::EntryKind kind);

 private:
  struct Level {
    std::string folder;
    bool has_rules = false;
    std::optional<globs::IgnoreRules> rules;
  };
  std::vector<Level> levels_;
};

}  // namespace lathe::undo
