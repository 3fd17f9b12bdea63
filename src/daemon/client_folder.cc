#include "lathe/daemon/client_folder.h"

#include <fmt/format.h>
#include <sys/stat.h>

namespace lathe::daemon {

base::Result<void> check_same_folder(pid_t client, const std::string& folder) {
  struct stat ours{};
  struct stat theirs{};
  const std::string seen = fmt::format("/proc/{}/root{}", client, folder);
  const bool known =
      client > 0 && folder.starts_with('/') && ::stat(folder.c_str(), &ours) == 0 && ::stat(seen.c_str(), &theirs) == 0;
  if (!known || (ours.st_dev == theirs.st_dev && ours.st_ino == theirs.st_ino)) return {};
  return base::Error{
      .code = base::codes::kUnsupported,
      .message = fmt::format("{} is another folder for the daemon than here: it has other mounts", folder),
      .hint = "work without the daemon: --embedded"};
}

}  // namespace lathe::daemon
