#include "lathe/daemon/client_groups.h"

#include <fmt/format.h>

#include <string>
#include <utility>

#include "lathe/runtime/process_context.h"

namespace lathe::daemon {

using base::Error;
using base::Result;
using base::UserGroups;

namespace {

std::string words_of(const UserGroups& groups) {
  std::string words = std::to_string(groups.primary);
  for (const std::uint32_t group : groups.others) words += fmt::format(" {}", group);
  return words;
}

}  // namespace

Result<std::optional<UserGroups>> groups_to_use(const UserGroups& ours, const UserGroups& client, bool may_set) {
  if (ours == client) return std::optional<UserGroups>();
  if (may_set) return std::optional(client);
  return Error{.code = base::codes::kPermission,
               .message = fmt::format("the groups of this client ({}) are not the daemon's ({}), and what runs in the "
                                      "daemon's sessions cannot have them",
                                      words_of(client), words_of(ours)),
               .hint = "work without the daemon: --embedded; or start it from here: lathe daemon restart"};
}

Result<std::optional<UserGroups>> groups_of_client(int socket) {
  const Result<UserGroups> client = runtime::groups_of_peer(socket);
  if (!client.ok()) return std::optional<UserGroups>();
  return groups_to_use(runtime::own_groups(), *client, runtime::may_set_groups());
}

}  // namespace lathe::daemon
