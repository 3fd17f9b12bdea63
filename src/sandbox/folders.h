#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "lathe/base/unique_fd.h"

// Folders that commands write to, as their owner may always have them: a command may have taken away the rights of one,
// to hide what lies in it. By descriptor, following no link; everything blocks.

namespace lathe::sandbox {

/// What it takes to look into a folder, and to change what is in it.
inline constexpr mode_t kLook = 0500;
inline constexpr mode_t kChange = 0700;

/// Rights that are missing are given back first; `opened` is set then. Without a folder errno says why.
[[nodiscard]] base::UniqueFd open_folder(int parent, const std::string& name, mode_t needed, bool& opened);
[[nodiscard]] base::UniqueFd open_folder(int parent, const std::string& name, mode_t needed);

/// What lies in it, sorted. Gives 0, or why it cannot be known.
[[nodiscard]] int read_names(int folder, std::vector<std::string>& names);

/// Removes a file, or a folder with all that is in it, however deep it goes; gives 0 or an errno.
int remove_tree(int folder, const std::string& name);
int remove_tree(const std::string& path);

}  // namespace lathe::sandbox
