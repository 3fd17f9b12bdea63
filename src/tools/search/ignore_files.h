#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "lathe/globs/ignore_rules.h"

namespace lathe::tools::search {

/// What files of rules leave out of searches, as ripgrep has it: .gitignore files from the repository's root (the
/// nearest folder with a `.git`) on down, without one from "/"; .ignore and .rgignore files always from "/". What any
/// .rgignore says counts before any .ignore, and that before any .gitignore; among files of one name the nearest that
/// says anything decides. Follows the folders of a walk. Blocks.
class IgnoreFiles final {
 public:
  /// Those in the folders above `root`, which is absolute and without links.
  void enter_above(const std::string& root);
  /// Those in an open folder, which lies in the one that was entered before. Links are no files of rules.
  void enter(int folder, const std::string& absolute);
  void leave() { levels_.pop_back(); }
  /// Whether something called like a file of rules, in a folder that was entered, is one or leads to one that has
  /// whoever opens it wait: a FIFO or a device. Its rules are none here; other programs wait.
  [[nodiscard]] bool has_waiting() const { return has_waiting_; }

  /// Of an entry of the folder that was entered last; `path` is absolute.
  [[nodiscard]] bool ignores(const std::string& path, globs::EntryKind kind) const;

 private:
  static constexpr std::size_t kNames = 3;
  struct Level {
    /// By name, the one that counts most first.
    std::array<std::optional<globs::IgnoreRules>, kNames> rules;
    bool repository = false;
  };
  std::vector<Level> levels_;
  bool has_waiting_ = false;
};

}  // namespace lathe::tools::search
