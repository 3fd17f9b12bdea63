#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lathe/base/result.h"
#include "lathe/undo/file_state.h"

namespace lathe::undo {

/// One name of a workspace.
struct TreeEntry {
  /// From the root on.
  std::string path;
  /// Not covered: ignored, secret, too large, or nothing that has bytes. Then `state` only tells the kind.
  bool covered = true;
  FileState state;
  /// What `state` was read with; never equal when it must be read again.
  FileStamp stamp;
  /// The bytes are no longer kept, so that it must be read again whatever the stamp says. Never in a file.
  bool lost = false;
  friend bool operator==(const TreeEntry&, const TreeEntry&) = default;
};

/// What a workspace was at one moment: every file, link and folder, in the order of path_less(). A value.
struct Tree {
  /// Absolute.
  std::string root;
  /// What the ignore rules from outside the root, and the secret names, came to; another one makes all names looked at
  /// anew.
  std::string rules;
  std::vector<TreeEntry> entries;
  /// Where looking ended, because there were too many names; "" when all was looked at.
  std::string end;

  [[nodiscard]] std::int64_t covered_files() const;
  /// Paths that are not covered, folders with "/" at their end; at most `limit`, and then how many more. Where looking
  /// ended comes last.
  [[nodiscard]] std::vector<std::string> not_covered(std::size_t limit) const;

  /// As a file, with a checksum.
  [[nodiscard]] std::string encode() const;
  /// `corrupt` unless it is what encode() gave.
  [[nodiscard]] static base::Result<Tree> decode(std::string_view bytes);
};

/// Name by name, so that a folder comes right before what is in it.
[[nodiscard]] bool path_less(std::string_view a, std::string_view b);

/// A path whose state is not what it was.
struct TreeChange {
  std::string path;
  FileState before;
  FileState after;
};

}  // namespace lathe::undo
