#include "lathe/sandbox/probe/attempts.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>

// Each attempt does the forbidden thing for real, in a way that leaves no harm behind when it works. System calls that
// seccomp has to deny are made with arguments that the kernel itself would refuse otherwise: only the filter answers
// EPERM (or ENOSYS where it says that the call does not exist).

namespace lathe::sandbox {
namespace {

std::string word_of(int error) { return error == 0 ? "done" : std::strerror(error); }

bool opens(const std::string& path, int flags, std::string& detail) {
  const int fd = open(path.c_str(), flags | O_CLOEXEC, 0600);
  detail = path + ": " + word_of(fd < 0 ? errno : 0);
  if (fd < 0) return false;
  if ((flags & O_CREAT) != 0) unlink(path.c_str());
  close(fd);
  return true;
}

/// Opening an unreadable file is refused; an empty one that stands over it tells nothing either.
bool reads(const std::string& path, std::string& detail) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  char byte = 0;
  const ssize_t got = fd < 0 ? -1 : read(fd, &byte, 1);
  detail = path + ": " + (got > 0 ? "read" : word_of(got < 0 ? errno : ENODATA));
  if (fd >= 0) close(fd);
  return got > 0;
}

bool truncates(const std::string& path, std::string& detail) {
  const bool done = truncate(path.c_str(), 1) == 0;
  detail = path + ": " + word_of(done ? 0 : errno);
  return done;
}

bool changes_mode(const std::string& path, mode_t mode, std::string& detail) {
  const bool done = chmod(path.c_str(), mode) == 0;
  detail = path + ": " + word_of(done ? 0 : errno);
  return done;
}

bool makes_setuid(const Bait& bait, std::string& detail) {
  const std::string path = bait.workspace + "/probe-setuid";
  const int fd = open(path.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0700);
  const bool done = fd >= 0 && fchmod(fd, 04700) == 0;
  detail = "fchmod 04700: " + word_of(done ? 0 : errno);
  if (fd >= 0) close(fd);
  unlink(path.c_str());
  return done;
}

bool is_born_setuid(const Bait& bait, std::string& detail) {
  const std::string path = bait.workspace + "/probe-born";
  bool done = false;
  const auto tried = [&](const char* how, int fd) {
    struct stat status{};
    done = fd >= 0 && fstat(fd, &status) == 0 && (status.st_mode & S_ISUID) != 0;
    detail = std::string(how) + " 04700: " + word_of(fd >= 0 ? 0 : errno);
    if (fd >= 0) close(fd);
    unlink(path.c_str());
    return done;
  };
  struct {
    std::uint64_t flags, mode, resolve;
  } how{.flags = O_CREAT | O_WRONLY | O_CLOEXEC, .mode = 04700, .resolve = 0};
  if (tried("openat2", static_cast<int>(syscall(SYS_openat2, AT_FDCWD, path.c_str(), &how, sizeof how)))) return true;
  if (tried("O_TMPFILE", open(bait.workspace.c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, 04700))) return true;
  if (mknod(path.c_str(), S_IFREG | 04700, 0) == 0 && tried("mknod", open(path.c_str(), O_RDONLY | O_CLOEXEC))) {
    return true;
  }
  return tried("open", open(path.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 04700));
}

/// Left there: what counts is that it is found.
bool makes(const std::string& folder, const std::string& name, std::string& detail) {
  const bool there = mkdir(folder.c_str(), 0700) == 0 || errno == EEXIST;
  const int fd = there ? open((folder + "/" + name).c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600) : -1;
  detail = folder + ": " + word_of(fd >= 0 ? 0 : errno);
  if (fd >= 0) close(fd);
  return fd >= 0;
}

bool links_secret(const Bait& bait, std::string& detail) {
  const std::string other = bait.workspace + "/probe-link";
  if (link((bait.workspace + "/.env").c_str(), other.c_str()) != 0) {
    detail = "link: " + word_of(errno);
    return false;
  }
  const bool done = reads(other, detail);
  unlink(other.c_str());
  return done;
}

bool moves_secret(const Bait& bait, std::string& detail) {
  const std::string secret = bait.workspace + "/.env";
  const std::string other = bait.workspace + "/probe-moved";
  if (rename(secret.c_str(), other.c_str()) != 0) {
    detail = "rename: " + word_of(errno);
    return false;
  }
  const bool done = reads(other, detail);
  (void)rename(other.c_str(), secret.c_str());
  return done;
}

bool moves_git(const Bait& bait, std::string& detail) {
  const std::string git = bait.workspace + "/.git";
  const std::string other = bait.workspace + "/probe-git";
  const bool done = rename(git.c_str(), other.c_str()) == 0;
  detail = "rename: " + word_of(done ? 0 : errno);
  if (done) (void)rename(other.c_str(), git.c_str());
  return done;
}

bool connects(int family, int type, const void* address, socklen_t size, std::string& detail) {
  const int fd = socket(family, type | SOCK_CLOEXEC, 0);
  if (fd < 0) {
    detail = "socket: " + word_of(errno);
    return false;
  }
  const bool done = connect(fd, static_cast<const sockaddr*>(address), size) == 0;
  detail = "connect: " + word_of(done ? 0 : errno);
  close(fd);
  return done;
}

bool connects_tcp(const Bait& bait, std::string& detail) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(bait.tcp_port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return connects(AF_INET, SOCK_STREAM, &address, sizeof address, detail);
}

/// The proxy's first line for a connection; empty when there is none.
std::string proxy_says(const Bait& bait, const std::string& target) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(bait.proxy_port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return "";
  const timeval patience{.tv_sec = 20, .tv_usec = 0};
  (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  const std::string request = "CONNECT " + target + " HTTP/1.1\r\nHost: " + target + "\r\n\r\n";
  std::string line;
  char letter = 0;
  if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
      write(fd, request.data(), request.size()) == static_cast<ssize_t>(request.size())) {
    while (line.size() < 100 && read(fd, &letter, 1) == 1 && letter != '\r') line += letter;
  }
  close(fd);
  return line;
}

bool passes_proxy(const Bait& bait, const std::string& target, std::string& detail) {
  const std::string line = proxy_says(bait, target);
  detail = target + ": " + (line.empty() ? "no answer" : line);
  return line.find(" 200") != std::string::npos;
}

/// Connecting a UDP socket asks for a route; an address of TEST-NET-1 has one only where there is a way out.
bool reaches_out_by_udp(const Bait& bait, std::string& detail) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(bait.tcp_port));
  inet_pton(AF_INET, "192.0.2.1", &address.sin_addr);
  return connects(AF_INET, SOCK_DGRAM, &address, sizeof address, detail);
}

bool connects_unix(const std::string& name, bool abstract, std::string& detail) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::size_t start = abstract ? 1 : 0;
  const std::size_t size = std::min(name.size(), sizeof address.sun_path - 1 - start);
  std::memcpy(address.sun_path + start, name.data(), size);
  const std::size_t length = offsetof(sockaddr_un, sun_path) + start + size + (abstract ? 0 : 1);
  return connects(AF_UNIX, SOCK_STREAM, &address, static_cast<socklen_t>(length), detail);
}

bool opens_rare_socket(std::string& detail) {
  for (const int family : {AF_PACKET, AF_VSOCK, AF_ALG}) {
    const int fd = socket(family, family == AF_ALG ? SOCK_SEQPACKET : SOCK_RAW, 0);
    if (fd >= 0) close(fd);
    // Unconfined, one that the kernel lacks answers EAFNOSUPPORT or that the type is wrong.
    if (fd >= 0 || errno != EPERM) {
      detail = "family " + std::to_string(family) + ": " + word_of(fd >= 0 ? 0 : errno);
      return true;
    }
  }
  detail = word_of(EPERM);
  return false;
}

bool reads_process(const Bait& bait, std::string& detail) {
  const std::string folder = "/proc/" + std::to_string(bait.process);
  if (opens(folder + "/environ", O_RDONLY, detail)) return true;
  std::string more;
  if (opens(folder + "/mem", O_RDONLY, more)) {
    detail = more;
    return true;
  }
  char byte = 0;
  const iovec here{.iov_base = &byte, .iov_len = 1};
  if (process_vm_readv(bait.process, &here, 1, &here, 1, 0) >= 0) {
    detail = "process_vm_readv: done";
    return true;
  }
  return false;
}

/// True when every one of the calls is answered by the filter.
struct Call {
  long number;
  const char* name;
};
template <std::size_t N>
bool any_passes(const std::array<Call, N>& calls, std::string& detail) {
  for (const Call& call : calls) {
    const long result = syscall(call.number, -1L, -1L, -1L, -1L, -1L, -1L);
    if (result < 0 && (errno == EPERM || errno == ENOSYS)) continue;
    detail = std::string(call.name) + ": " + (result < 0 ? word_of(errno) : "done");
    if (result > 2) close(static_cast<int>(result));
    return true;
  }
  detail = "denied";
  return false;
}

bool traces(std::string& detail) {
  // As its own parent's tracee: refused by nothing but a filter.
  const pid_t child = fork();
  if (child == 0) _exit(ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) == 0 ? 0 : errno);
  int status = 0;
  waitpid(child, &status, 0);
  detail = "PTRACE_TRACEME: " + word_of(WEXITSTATUS(status));
  return WEXITSTATUS(status) == 0;
}

bool makes_user_namespace(std::string& detail) {
  const pid_t child = fork();
  if (child == 0) _exit(unshare(CLONE_NEWUSER) == 0 ? 0 : errno);
  int status = 0;
  waitpid(child, &status, 0);
  detail = "unshare: " + word_of(WEXITSTATUS(status));
  if (WEXITSTATUS(status) == 0) return true;
  // clone as the bare system call: its child runs on on this stack's copy.
  const long cloned = syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, nullptr, nullptr, nullptr, nullptr);
  if (cloned == 0) _exit(0);
  if (cloned < 0) return false;
  waitpid(static_cast<pid_t>(cloned), &status, 0);
  detail = "clone: done";
  return true;
}

bool makes_jail(std::string& detail) {
  const pid_t child = fork();
  if (child == 0) {
    const int nowhere = open("/dev/null", O_RDWR);
    dup2(nowhere, 2);
    execl("/usr/bin/bwrap", "bwrap", "--unshare-all", "--ro-bind", "/", "/", "true", nullptr);
    _exit(127);
  }
  int status = 0;
  waitpid(child, &status, 0);
  const bool done = WIFEXITED(status) && WEXITSTATUS(status) == 0;
  detail = done ? "bwrap: done" : "bwrap: failed";
  return done;
}

bool types_into_terminal(std::string& detail) {
  // Not a terminal: the kernel would say EBADF. The upper half of the number is none of the kernel's business.
  for (const unsigned long request : {static_cast<unsigned long>(TIOCSTI), TIOCSTI | (1UL << 32U)}) {
    if (syscall(SYS_ioctl, -1, request, nullptr) < 0 && errno == EPERM) continue;
    detail = "ioctl: " + word_of(errno);
    return true;
  }
  detail = word_of(EPERM);
  return false;
}

bool opens_devices(const Bait& bait, std::string& detail) {
  for (const char* path : {"/dev/mem", "/dev/kmsg", "/dev/vda", "/dev/sda", "/dev/nvme0n1", "/dev/fuse"}) {
    if (opens(path, O_RDONLY, detail)) return true;
  }
  const std::string path = bait.workspace + "/probe-device";
  const bool done = mknod(path.c_str(), S_IFCHR | 0600, makedev(1, 3)) == 0;
  detail = "mknod: " + word_of(done ? 0 : errno);
  unlink(path.c_str());
  return done;
}

bool holds_capabilities(std::string& detail) {
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  __user_cap_data_struct data[2] = {};
  syscall(SYS_capget, &header, data);
  const bool any = (data[0].effective | data[0].permitted | data[0].inheritable | data[1].effective |
                    data[1].permitted | data[1].inheritable) != 0;
  const bool may_gain = prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1;
  detail = any ? "has capabilities" : (may_gain ? "may gain privileges" : "none");
  return any || may_gain;
}

bool done_with_files(std::string_view probe, const Bait& bait, std::string& detail, bool& known) {
  known = true;
  if (probe == "write_outside") return opens(bait.outside + "/probe", O_CREAT | O_EXCL | O_WRONLY, detail);
  if (probe == "truncate_outside") return truncates(bait.outside + "/file", detail);
  if (probe == "change_outside") return opens(bait.outside + "/file", O_WRONLY, detail);
  if (probe == "chmod_outside") return changes_mode(bait.outside + "/file", 0640, detail);
  if (probe == "write_system") {
    return opens("/usr/lathe-probe", O_CREAT | O_EXCL | O_WRONLY, detail) ||
           opens("/etc/lathe-probe", O_CREAT | O_EXCL | O_WRONLY, detail);
  }
  if (probe == "setuid_bit") return makes_setuid(bait, detail);
  if (probe == "setuid_birth") return is_born_setuid(bait, detail);
  if (probe == "new_name") return makes(bait.workspace + "/.vscode", "tasks.json", detail);
  if (probe == "nested_repository") {
    (void)mkdir((bait.workspace + "/nested").c_str(), 0700);
    return makes(bait.workspace + "/nested/.git", "config", detail);
  }
  if (probe == "read_outside") return reads(bait.outside + "/file", detail);
  if (probe == "read_state") return reads(bait.state + "/file", detail);
  if (probe == "read_shadow") return reads("/etc/shadow", detail);
  if (probe == "read_secret") return reads(bait.workspace + "/.env", detail);
  if (probe == "link_secret") return links_secret(bait, detail);
  if (probe == "move_secret") return moves_secret(bait, detail);
  if (probe == "write_hook") return opens(bait.workspace + "/.git/hooks/probe", O_CREAT | O_WRONLY, detail);
  if (probe == "write_git_config") return opens(bait.workspace + "/.git/config", O_WRONLY, detail);
  if (probe == "move_git") return moves_git(bait, detail);
  if (probe == "write_lathe") return opens(bait.workspace + "/.lathe/probe", O_CREAT | O_WRONLY, detail);
  if (probe == "proc_writes") return opens("/proc/sys/kernel/core_pattern", O_WRONLY, detail);
  if (probe == "devices") return opens_devices(bait, detail);
  known = false;
  return false;
}

bool done_otherwise(std::string_view probe, const Bait& bait, std::string& detail) {
  if (probe == "tcp") return connects_tcp(bait, detail);
  if (probe == "udp") return reaches_out_by_udp(bait, detail);
  if (probe == "abstract_socket") return connects_unix(bait.abstract_socket, true, detail);
  if (probe == "unix_socket") return connects_unix(bait.outside + "/socket", false, detail);
  if (probe == "rare_socket") return opens_rare_socket(detail);
  if (probe == "proxy_blocked" || probe == "proxy_allowed") {
    if (bait.proxy_port == 0) {
      detail = "no proxy at this level";
      return false;
    }
    const std::string port = std::to_string(bait.tcp_port);
    return probe == "proxy_blocked" ? passes_proxy(bait, "127.0.0.2:" + port, detail)
                                    : !passes_proxy(bait, "127.0.0.1:" + port, detail);
  }
  if (probe == "nested_jail") return makes_jail(detail);
  if (probe == "see_process") {
    // Inside a process namespace the number belongs to nobody, or to the probe's own kin.
    return opens("/proc/" + std::to_string(bait.process) + "/stat", O_RDONLY, detail);
  }
  if (probe == "read_process") return reads_process(bait, detail);
  if (probe == "signal_process") {
    const bool done = kill(bait.process, 0) == 0;
    detail = "kill: " + word_of(done ? 0 : errno);
    return done;
  }
  if (probe == "ptrace") return traces(detail);
  if (probe == "io_uring") return any_passes(std::array<Call, 1>{{{SYS_io_uring_setup, "io_uring_setup"}}}, detail);
  if (probe == "kernel_interfaces") {
    return any_passes(std::array<Call, 4>{{{SYS_bpf, "bpf"},
                                           {SYS_userfaultfd, "userfaultfd"},
                                           {SYS_keyctl, "keyctl"},
                                           {SYS_perf_event_open, "perf_event_open"}}},
                      detail);
  }
  if (probe == "user_namespace") return makes_user_namespace(detail);
  if (probe == "mount") {
    return any_passes(
        std::array<Call, 4>{
            {{SYS_mount, "mount"}, {SYS_fsopen, "fsopen"}, {SYS_open_tree, "open_tree"}, {SYS_setns, "setns"}}},
        detail);
  }
  if (probe == "tiocsti") return types_into_terminal(detail);
  if (probe == "capabilities") return holds_capabilities(detail);
  detail = "unknown probe";
  return true;
}

}  // namespace

bool refused(std::string_view probe, const Bait& bait, std::string& detail) {
  bool known = false;
  const bool done = done_with_files(probe, bait, detail, known);
  return known ? !done : !done_otherwise(probe, bait, detail);
}

}  // namespace lathe::sandbox
