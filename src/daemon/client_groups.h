#pragma once

#include <optional>

#include "lathe/base/process_context.h"
#include "lathe/base/result.h"

namespace lathe::daemon {

/// What runs for a client with these groups is to have: nothing where they are the daemon's own, else the client's; an
/// error when this process may not give its children others (`may_set`).
[[nodiscard]] base::Result<std::optional<base::UserGroups>> groups_to_use(const base::UserGroups& ours,
                                                                          const base::UserGroups& client, bool may_set);

/// The same of who is at the other end of a unix socket. Where the system does not tell, they are taken to be ours.
[[nodiscard]] base::Result<std::optional<base::UserGroups>> groups_of_client(int socket);

}  // namespace lathe::daemon
