#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "lathe/base/result.h"
#include "lathe/base/unique_fd.h"

namespace lathe::apps {

/// A folder below the system's temporary folder that goes with this object.
class TemporaryFolder final {
 public:
  static base::Result<TemporaryFolder> create(const std::string& name);
  ~TemporaryFolder();
  TemporaryFolder(TemporaryFolder&& other) noexcept;
  TemporaryFolder& operator=(TemporaryFolder&&) = delete;

  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  explicit TemporaryFolder(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

/// What the probes of `lathe sandbox test` reach for: a workspace with a secret and a repository, files, sockets and a
/// process outside of it. Sockets and process end with this object; the files are its folder's.
class SandboxBait final {
 public:
  static base::Result<SandboxBait> lay(const std::string& folder);
  ~SandboxBait();
  SandboxBait(SandboxBait&& other) noexcept;
  SandboxBait& operator=(SandboxBait&&) = delete;

  [[nodiscard]] std::string workspace() const { return folder_ + "/workspace"; }
  [[nodiscard]] std::string state() const { return folder_ + "/state"; }
  /// lathe-probe with its arguments; `proxy_port` 0: there is none.
  [[nodiscard]] std::vector<std::string> probe_command(const std::string& program, int proxy_port) const;

 private:
  SandboxBait() = default;

  base::Result<void> listen();

  std::string folder_;
  std::string abstract_socket_;
  int tcp_port_ = 0;
  base::UniqueFd tcp_;
  base::UniqueFd abstract_;
  base::UniqueFd local_;
  pid_t process_ = -1;
};

}  // namespace lathe::apps
