#pragma once

#include <sys/types.h>

#include <cstddef>
#include <string>
#include <string_view>

#include "lathe/base/result.h"
#include "lathe/base/unique_fd.h"

// Whole files, by descriptor. Everything here blocks; on a loop it goes through a Pool.

namespace lathe::runtime {

/// Opens with O_CLOEXEC; errors name the path.
[[nodiscard]] base::Result<base::UniqueFd> open_file(const std::string& path, int flags, mode_t mode = 0600);
/// Reads to the end. More than `max_bytes` is a `limit_exceeded` error that names the limit.
[[nodiscard]] base::Result<std::string> read_file(const std::string& path, std::size_t max_bytes = 64U << 20);
[[nodiscard]] base::Result<std::string> read_all(int fd, std::size_t max_bytes, std::string_view name);
/// Writes everything or returns an error; short writes and EINTR are gone on with.
[[nodiscard]] base::Result<void> write_all(int fd, std::string_view bytes, std::string_view name);

enum class Durability {
  /// Survives the death of our process.
  kProcess,
  /// Survives power loss too (fsync of file and folder).
  kPower,
};
/// Replaces the file in one step: a temporary file beside it, then rename. Readers see the old or the new bytes.
[[nodiscard]] base::Result<void> replace_file(const std::string& path, std::string_view bytes, mode_t mode,
                                              Durability durability);
/// Creates the folder and its parents (0700) unless it is there.
[[nodiscard]] base::Result<void> make_folders(const std::string& path, mode_t mode = 0700);
/// The absolute path without links; the path must exist.
[[nodiscard]] base::Result<std::string> real_path(const std::string& path);
[[nodiscard]] bool path_exists(const std::string& path);
/// The value of an environment variable, or "" when it is not set.
[[nodiscard]] std::string env(const char* name);

}  // namespace lathe::runtime
