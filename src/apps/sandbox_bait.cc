#include "lathe/apps/sandbox_bait.h"

#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <utility>

#include "lathe/runtime/files.h"
#include "lathe/sandbox/folders.h"

namespace lathe::apps {

using base::Result;
using base::UniqueFd;

namespace {

Result<UniqueFd> listening(int family, const void* address, std::size_t size) {
  UniqueFd fd(socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd || bind(fd.get(), static_cast<const sockaddr*>(address), static_cast<socklen_t>(size)) != 0 ||
      ::listen(fd.get(), 8) != 0) {
    return base::errno_error(errno, "a socket for the probes");
  }
  return fd;
}

/// `name` begins with a NUL byte for an abstract socket.
Result<UniqueFd> listening_at(const std::string& name) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (name.size() >= sizeof address.sun_path) {
    return base::errno_error(ENAMETOOLONG, "a socket for the probes below the temporary folder (TMPDIR)");
  }
  name.copy(address.sun_path, name.size());
  return listening(AF_UNIX, &address, offsetof(sockaddr_un, sun_path) + name.size() + (name[0] == '\0' ? 0 : 1));
}

}  // namespace

Result<TemporaryFolder> TemporaryFolder::create(const std::string& name) {
  TRY(const std::string base, runtime::real_path(std::filesystem::temp_directory_path().string()));
  std::string pattern = base + "/" + name + "-XXXXXX";
  if (mkdtemp(pattern.data()) == nullptr) return base::errno_error(errno, pattern);
  return TemporaryFolder(pattern);
}

TemporaryFolder::TemporaryFolder(TemporaryFolder&& other) noexcept : path_(std::exchange(other.path_, {})) {}

TemporaryFolder::~TemporaryFolder() {
  if (!path_.empty()) (void)sandbox::remove_tree(path_);
}

Result<SandboxBait> SandboxBait::lay(const std::string& folder) {
  SandboxBait bait;
  bait.folder_ = folder;
  for (const char* name : {"/workspace/.git/hooks", "/workspace/.lathe", "/outside", "/state"}) {
    TRY_OK(runtime::make_folders(folder + name));
  }
  for (const char* name : {"/workspace/.env", "/workspace/.git/config", "/outside/file", "/state/file"}) {
    TRY_OK(runtime::replace_file(folder + name, "bait\n", 0600, runtime::Durability::kProcess));
  }
  TRY_OK(bait.listen());
  const pid_t parent = getpid();
  bait.process_ = fork();
  if (bait.process_ == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    while (getppid() == parent) pause();
    _exit(0);
  }
  if (bait.process_ < 0) return base::errno_error(errno, "a process for the probes");
  return bait;
}

Result<void> SandboxBait::listen() {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  TRY(tcp_, listening(AF_INET, &address, sizeof address));
  socklen_t size = sizeof address;
  if (getsockname(tcp_.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    return base::errno_error(errno, "a socket for the probes");
  }
  tcp_port_ = ntohs(address.sin_port);
  abstract_socket_ = "lathe-probe-" + std::to_string(getpid());
  TRY(abstract_, listening_at(std::string(1, '\0') + abstract_socket_));
  TRY(local_, listening_at(folder_ + "/outside/socket"));
  return {};
}

SandboxBait::SandboxBait(SandboxBait&& other) noexcept
    : folder_(std::move(other.folder_)),
      abstract_socket_(std::move(other.abstract_socket_)),
      tcp_port_(other.tcp_port_),
      tcp_(std::move(other.tcp_)),
      abstract_(std::move(other.abstract_)),
      local_(std::move(other.local_)),
      process_(std::exchange(other.process_, -1)) {}

SandboxBait::~SandboxBait() {
  if (process_ <= 0) return;
  kill(process_, SIGKILL);
  waitpid(process_, nullptr, 0);
}

std::vector<std::string> SandboxBait::probe_command(const std::string& program, int proxy_port) const {
  return {program,
          workspace(),
          folder_ + "/outside",
          state(),
          std::to_string(tcp_port_),
          abstract_socket_,
          std::to_string(process_),
          std::to_string(proxy_port)};
}

}  // namespace lathe::apps
