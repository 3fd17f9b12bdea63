#include "lathe/daemon/client_folder.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>
#include <filesystem>
#include <string_view>
#include <system_error>

#include "lathe/base/utf8.h"

namespace lathe::daemon {

using base::Error;
using base::Result;

namespace {

/// What the kernel writes behind the path of a folder that was removed.
constexpr std::string_view kRemoved = " (deleted)";

bool is_at(const struct stat& folder, const std::string& path) {
  struct stat there{};
  return path.starts_with('/') && ::stat(path.c_str(), &there) == 0 && there.st_dev == folder.st_dev &&
         there.st_ino == folder.st_ino;
}

Error no_path_to(const std::string& path, const std::string& named) {
  if (path.ends_with(kRemoved)) {
    return {.code = base::codes::kNotFound,
            .message = fmt::format("the folder that the client names as {} is gone: {}", named, path),
            .hint = "go to another one, or name one with --cwd"};
  }
  return {.code = base::codes::kUnsupported,
          .message = fmt::format("the daemon has no path to the folder that the client names as {} and the system as "
                                 "{}: it has other mounts",
                                 named, path),
          .hint = "work without the daemon: --embedded"};
}

}  // namespace

Result<std::string> path_of_sent_folder(int descriptor, const std::string& named) {
  struct stat folder{};
  if (::fstat(descriptor, &folder) != 0) return base::errno_error(errno, "look at what came as the folder");
  if (!S_ISDIR(folder.st_mode)) {
    return Error{.code = base::codes::kInvalid,
                 .message = fmt::format("cwd: the descriptor that came with {} is not of a folder", named),
                 .hint = "send the folder's, or none"};
  }
  std::error_code unknown;
  std::string path = std::filesystem::read_symlink(fmt::format("/proc/self/fd/{}", descriptor), unknown).string();
  if (!is_at(folder, path)) {
    if (!is_at(folder, named)) return no_path_to(base::to_utf8(path), named);
    path = named;
  }
  if (base::is_utf8(path)) return path;
  return Error{.code = base::codes::kInvalid,
               .message = fmt::format("cwd: {}: its name is not UTF-8 text", base::to_utf8(path)),
               .hint = "give the folder another name, or work in one whose path is UTF-8"};
}

Result<void> check_same_folder(pid_t client, const std::string& folder) {
  struct stat ours{};
  struct stat theirs{};
  const std::string seen = fmt::format("/proc/{}/root{}", client, folder);
  const bool known =
      client > 0 && folder.starts_with('/') && ::stat(folder.c_str(), &ours) == 0 && ::stat(seen.c_str(), &theirs) == 0;
  if (!known || (ours.st_dev == theirs.st_dev && ours.st_ino == theirs.st_ino)) return {};
  return Error{.code = base::codes::kUnsupported,
               .message = fmt::format("{} is another folder for the daemon than here: it has other mounts", folder),
               .hint = "work without the daemon: --embedded"};
}

}  // namespace lathe::daemon
