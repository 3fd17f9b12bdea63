#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "lathe/base/result.h"
#include "lathe/sandbox/command_jail.h"

namespace lathe::sandbox {

/// Whether a path below a root, relative to it, is one of the secrets (globs::SecretFiles).
using IsSecret = std::function<bool(std::string_view)>;

/// Finds the secrets of a tree, again and again: a folder that did not change since is not read again, so that looking
/// before every command costs a stat per folder. Blocking; one thread at a time.
class SecretSearch final {
 public:
  explicit SecretSearch(IsSecret is_secret) : is_secret_(std::move(is_secret)) {}

  /// What is secret below `roots` now, as masks that hide it. A link with a secret's name is followed: what it leads to
  /// is hidden when it lies below the same root. A folder that cannot be looked through is hidden as a whole. Errors:
  /// `limit_exceeded` more folders or secrets than are looked at; what cannot be looked at otherwise.
  [[nodiscard]] base::Result<std::vector<Mask>> find(const std::vector<std::string>& roots);
  /// The unix sockets that the last find() met, as masks that hide them.
  [[nodiscard]] const std::vector<Mask>& sockets() const { return sockets_; }

  /// What the last find() met of repositories within the roots (`…/.git`) and of virtual environments
  /// (`…/pyvenv.cfg`).
  [[nodiscard]] const std::vector<std::string>& nested() const { return nested_; }

 private:
  struct Folder {
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
    std::int64_t changed_ns = 0;
    /// Changed so shortly before it was read that it may have changed again without a new time.
    bool fresh = true;
    std::vector<std::string> folders;
    std::vector<Mask> secrets;
    std::vector<std::string> nested;
    std::vector<Mask> sockets;
  };
  using Folders = std::unordered_map<std::string, Folder>;

  base::Result<void> look(const std::string& root, const std::string& path, Folders& now);
  base::Result<void> read(const std::string& root, const std::string& path, Folder& folder) const;

  const IsSecret is_secret_;
  Folders known_;
  std::vector<std::string> nested_;
  std::vector<Mask> sockets_;
};

}  // namespace lathe::sandbox
