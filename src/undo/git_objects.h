#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "lathe/base/result.h"
#include "lathe/ports/jailed_program.h"
#include "lathe/runtime/async.h"

// What a repository has of the workspace already. A file whose bytes are those of an object need not be kept a second
// time: before the first command of a Task nothing of an unchanged checkout is copied. The repository is only read:
// its index by us, its objects by git, jailed, in a repository of our own that has those of private_objects.h, theirs
// as alternates, and nothing else of them, so no hook, configuration, attribute, filter or fsmonitor of theirs has any
// part in it.

namespace lathe::undo {

/// Path in the repository -> object, of the plain files and links of an index.
using IndexedObjects = std::unordered_map<std::string, std::string>;

/// An index of version 2, 3 or 4 with SHA-1 names (gitformat-index). Bounded by its bytes; `corrupt` otherwise.
[[nodiscard]] base::Result<IndexedObjects> parse_git_index(std::string_view bytes);

/// The repository that a folder lies in.
struct Repository {
  /// Of the work tree.
  std::string root;
  std::string index_file;
  std::string objects_folder;
  std::string exclude_file;

  /// Nothing when there is none. Blocks.
  [[nodiscard]] static std::optional<Repository> find(const std::string& folder);
};

/// Reads objects through git, from `private_folder` (PrivateObjects) and from `objects_folder` unless that is "".
/// Objects that git does not have, or refuses, or dies of because they are damaged, are missing in the answer. Git does
/// not look at every object's hash: whoever uses the bytes does.
[[nodiscard]] runtime::Async<base::Result<std::map<std::string, std::string>>> read_git_objects(
    ports::RunJailed run_git, std::string private_folder, std::string objects_folder, std::vector<std::string> names,
    std::size_t max_bytes);

}  // namespace lathe::undo
