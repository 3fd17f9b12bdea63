#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lathe/base/result.h"
#include "lathe/globs/secret_files.h"
#include "lathe/ports/blob_store.h"
#include "lathe/undo/tree.h"

namespace lathe::undo {

struct WalkOptions {
  /// Names that are left out, with what they hold.
  globs::SecretFiles secrets;
  /// Files that hold one of these are not covered, so that no copy of it is made.
  std::vector<std::string> keys;
  /// A folder of ours that may lie in the workspace; absolute, without links.
  std::string left_out;
  std::size_t max_file_bytes = kMaxFileBytes;
  /// What one walk copies at most; what is beyond is not covered.
  std::uint64_t max_new_bytes = 1ULL << 30;
  /// What one walk reads at most.
  std::uint64_t max_read_bytes = 8ULL << 30;
  /// What one walk looks at; what comes after is not covered, and told (Tree::end).
  std::size_t max_entries = 500'000;
  /// Where the repository's objects are kept for us (private_objects.h); "": every file is copied.
  std::string objects_folder;
};

struct Walked {
  Tree tree;
  /// Against the tree that was known, covered paths only.
  std::vector<TreeChange> changes;
  /// Stamps or states differ from those of the known tree.
  bool different = false;
};

/// What the workspace is now. `known` is what it was at some earlier moment: what has the same stamp since is not read
/// again. The bytes of everything new are in `blobs`, or in an object of the repository that is kept in the objects
/// folder, when this returns. Names in one folder are taken in byte order; links are never followed, other file systems
/// not entered. Errors: the root cannot be opened, a blob cannot be kept. Blocks.
[[nodiscard]] base::Result<Walked> walk_tree(const std::string& root, Tree known, ports::BlobStore& blobs,
                                             const WalkOptions& options);

}  // namespace lathe::undo
