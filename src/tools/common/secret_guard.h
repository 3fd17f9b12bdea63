#pragma once

#include <sys/stat.h>

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "lathe/base/result.h"
#include "lathe/globs/secret_files.h"
#include "lathe/tools/common/workspace.h"

namespace lathe::tools::common {

/// Keeps secrets from the file tools: files of the project that `secret-files` names, by whatever name they are reached
/// (a link, a second hard link), the secrets of the person's home and of Lathe itself, and what /proc tells of
/// processes. Names are looked at anew on every use, so a file that appears later is as secret. Immutable; any thread.
/// Everything blocks.
class SecretGuard final {
 public:
  /// `folders`: absolute places that are secret with all that is in them, besides globs::home_secret_paths() of `home`.
  /// `open`: what lies in those and is for models all the same, such as skills.
  SecretGuard(globs::SecretFiles project, const std::string& home, const std::vector<std::string>& folders,
              const std::vector<std::string>& open = {});

  /// The same, but this folder may be read although it lies in a secret one: a session's own home, where its commands'
  /// package managers keep the sources of dependencies.
  [[nodiscard]] SecretGuard with_open(const std::string& folder) const;

  /// By name alone: `path` from the working folder on, and where it is.
  [[nodiscard]] bool names_secret(const std::string& path, const std::string& absolute) const;
  /// `permission_denied` when the open file is a secret. `fd` may be O_PATH.
  [[nodiscard]] base::Result<void> check(const Place& place, int fd, const struct stat& status) const;

  /// `permission_denied` where a file that is not there yet would be among the secrets of the person or of Lathe.
  [[nodiscard]] base::Result<void> check_name(const Place& place) const;

  /// Device and inode of every file that the secret names of a folder lead to.
  using Inodes = std::set<std::pair<dev_t, ino_t>>;
  [[nodiscard]] Inodes inodes_below(const std::string& folder) const;

 private:
  [[nodiscard]] bool lies_outside(const std::string& path, const std::string& real_root) const;

  globs::SecretFiles project_;
  std::vector<std::string> outside_;
  std::vector<std::string> open_;
};

}  // namespace lathe::tools::common
