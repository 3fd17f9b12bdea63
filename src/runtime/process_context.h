#pragma once

#include <string>
#include <vector>

#include "lathe/base/process_context.h"
#include "lathe/base/result.h"

namespace lathe::runtime {

/// This process's own umask, read without changing it: umask() could only set it, for all threads.
[[nodiscard]] unsigned own_file_mode_mask();
[[nodiscard]] base::UserGroups own_groups();
/// Whether this process may give its children other groups.
[[nodiscard]] bool may_set_groups();

/// This process's mask and limits as others are told them: "umask=022", "nofile=1024:524288" (soft:hard, "-" for no
/// limit).
[[nodiscard]] std::vector<std::string> told_process_context();
/// Those of a context, and groups where it names some ("groups=100:4,27").
[[nodiscard]] std::vector<std::string> told(const base::ProcessContext& context);
/// The same, read. Names that are not known are left out: a newer program may tell more. `invalid` for a value that is
/// none.
[[nodiscard]] base::Result<base::ProcessContext> read_process_context(const std::vector<std::string>& told);

/// The groups of the process at the other end of a connected unix socket, as they were when it connected.
[[nodiscard]] base::Result<base::UserGroups> groups_of_peer(int socket);

}  // namespace lathe::runtime
