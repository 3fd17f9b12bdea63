#include "lathe/sandbox/seccomp_filter.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <memory>
#include <string_view>

#include "lathe/base/unique_fd.h"

// libseccomp compares arguments as 64 bits where the kernel looks at 32 of them. Every comparison here is therefore
// either of single bits, or such that a number with further bits set is denied too.

namespace lathe::sandbox {

using base::Error;
using base::Result;

namespace {

constexpr auto kDenied = std::to_array<std::string_view>(
    {// Other processes.
     "ptrace", "process_vm_readv", "process_vm_writev", "process_madvise", "process_mrelease", "kcmp", "pidfd_getfd",
     "perf_event_open", "lookup_dcookie",
     // Mounts and namespaces.
     "mount", "umount", "umount2", "pivot_root", "chroot", "move_mount", "open_tree", "fsopen", "fsconfig", "fsmount",
     "fspick", "mount_setattr", "setns", "open_by_handle_at", "name_to_handle_at", "fanotify_init",
     // Interfaces that kernels were broken with.
     "bpf", "userfaultfd", "keyctl", "add_key", "request_key", "vmsplice", "modify_ldt", "vm86", "vm86old", "uselib",
     "nfsservctl", "sysfs", "_sysctl",
     // The machine.
     "init_module", "finit_module", "delete_module", "create_module", "kexec_load", "kexec_file_load", "reboot",
     "swapon", "swapoff", "acct", "quotactl", "quotactl_fd", "settimeofday", "clock_settime", "stime", "iopl", "ioperm",
     "syslog", "vhangup", "sethostname", "setdomainname"});
constexpr std::array<std::string_view, 6> kAttributes = {"setxattr",    "lsetxattr",    "fsetxattr",
                                                         "removexattr", "lremovexattr", "fremovexattr"};
/// Memory and queues that have no place among files: without a namespace they are every process's of the same user.
constexpr auto kMachineWide =
    std::to_array<std::string_view>({"shmget", "shmat", "shmctl", "semget", "semctl", "semop", "semtimedop", "msgget",
                                     "msgsnd", "msgrcv", "msgctl", "mq_open", "mq_unlink"});
/// Newer than the list of libseccomp 2.5; the same number on every architecture.
constexpr int kFchmodat2 = 452;
constexpr int kSetxattrat = 463;
constexpr int kRemovexattrat = 466;
constexpr int kOpenTreeAttr = 467;
/// openat2 has the mode of a new file in memory, where no filter sees it; whoever uses it does without where it is not.
constexpr std::array<std::string_view, 5> kNotThere = {"io_uring_setup", "io_uring_enter", "io_uring_register",
                                                       "clone3", "openat2"};
/// The bit of O_TMPFILE that is its own.
constexpr std::uint64_t kUnnamed = O_TMPFILE & ~O_DIRECTORY;
constexpr unsigned kNewTime = 0x80;
constexpr std::array<unsigned, 7> kNewNamespaces = {CLONE_NEWNS,   CLONE_NEWCGROUP, CLONE_NEWUTS, CLONE_NEWIPC,
                                                    CLONE_NEWUSER, CLONE_NEWPID,    CLONE_NEWNET};
constexpr int kLastFamily = 63;
constexpr std::uint64_t kLow32 = 0xffffffff;

class Filter final {
 public:
  Filter() : context_(seccomp_init(SCMP_ACT_ALLOW), &seccomp_release) {
    if (context_ == nullptr) {
      status_ = -ENOMEM;
      return;
    }
    keep(seccomp_attr_set(context_.get(), SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS));
    // Searched as a tree: a call that is allowed costs a handful of comparisons.
    keep(seccomp_attr_set(context_.get(), SCMP_FLTATR_CTL_OPTIMIZE, 2));
  }

  template <class... Conditions>
  void deny(int call, int error, Conditions... conditions) {
    if (status_ != 0 || call == __NR_SCMP_ERROR) return;
    const std::array<scmp_arg_cmp, sizeof...(Conditions)> all = {conditions...};
    // A call that this architecture does not have cannot be made.
    const int status = seccomp_rule_add_array(context_.get(), SCMP_ACT_ERRNO(static_cast<unsigned>(error)), call,
                                              static_cast<unsigned>(all.size()), all.data());
    if (call >= 0) keep(status);
  }
  template <class... Conditions>
  void deny(std::string_view name, int error, Conditions... conditions) {
    deny(seccomp_syscall_resolve_name(std::string(name).c_str()), error, conditions...);
  }

  [[nodiscard]] Result<std::string> bytes() {
    base::UniqueFd file(memfd_create("lathe-seccomp", MFD_CLOEXEC));
    if (!file) return base::errno_error(errno, "memory file for a seccomp filter");
    if (status_ == 0) keep(seccomp_export_bpf(context_.get(), file.get()));
    if (status_ != 0) {
      return Error{.code = base::codes::kInternal, .message = fmt::format("seccomp filter: error {}", -status_)};
    }
    std::string out(static_cast<std::size_t>(lseek(file.get(), 0, SEEK_END)), '\0');
    if (pread(file.get(), out.data(), out.size(), 0) != static_cast<ssize_t>(out.size())) {
      return base::errno_error(errno, "memory file for a seccomp filter");
    }
    return out;
  }

 private:
  void keep(int status) {
    if (status != 0 && status_ == 0) status_ = status;
  }

  std::unique_ptr<void, decltype(&seccomp_release)> context_;
  int status_ = 0;
};

void deny_new_namespaces(Filter& filter) {
  for (const unsigned flag : kNewNamespaces) {
    filter.deny("clone", EPERM, SCMP_A0_64(SCMP_CMP_MASKED_EQ, flag, flag));
    filter.deny("unshare", EPERM, SCMP_A0_64(SCMP_CMP_MASKED_EQ, flag, flag));
  }
  // The same bit is a signal number's for clone.
  filter.deny("unshare", EPERM, SCMP_A0_64(SCMP_CMP_MASKED_EQ, kNewTime, kNewTime));
}

void deny_sockets(Filter& filter, Sockets sockets) {
  filter.deny("socketpair", EPERM, SCMP_A0_64(SCMP_CMP_NE, AF_UNIX));
  if (sockets == Sockets::kNone) {
    filter.deny("socket", EPERM);
    return;
  }
  for (int family = 0; family <= kLastFamily; ++family) {
    if (family == AF_UNIX || family == AF_INET || family == AF_INET6 || family == AF_NETLINK) continue;
    filter.deny("socket", EPERM, SCMP_A0_64(SCMP_CMP_EQ, static_cast<unsigned>(family)));
  }
  filter.deny("socket", EPERM, SCMP_A0_64(SCMP_CMP_GT, kLastFamily));
  filter.deny("socket", EPERM, SCMP_A0_64(SCMP_CMP_EQ, AF_NETLINK), SCMP_A2_64(SCMP_CMP_NE, 0));
}

void deny_terminal_input(Filter& filter) {
  for (const std::uint64_t request : {std::uint64_t{TIOCSTI}, std::uint64_t{TIOCLINUX}}) {
    filter.deny("ioctl", EPERM, SCMP_A1_64(SCMP_CMP_MASKED_EQ, kLow32, request));
  }
}

void deny_attributes(Filter& filter) {
  for (const std::string_view call : kAttributes) filter.deny(call, EPERM);
  filter.deny(kSetxattrat, EPERM);
  filter.deny(kRemovexattrat, EPERM);
}

/// A file that everyone may execute with its owner's or group's rights. A filter sees the mode and an address or a
/// descriptor, so that nothing tells the calls for folders, where the group's bit only hands down the group, from those
/// for files. A new folder gets it from the one above all the same.
void deny_set_id_bits(Filter& filter) {
  for (const std::uint64_t bit : {std::uint64_t{S_ISUID}, std::uint64_t{S_ISGID}}) {
    filter.deny("chmod", EPERM, SCMP_A1_64(SCMP_CMP_MASKED_EQ, bit, bit));
    filter.deny("fchmod", EPERM, SCMP_A1_64(SCMP_CMP_MASKED_EQ, bit, bit));
    filter.deny("fchmodat", EPERM, SCMP_A2_64(SCMP_CMP_MASKED_EQ, bit, bit));
    filter.deny(kFchmodat2, EPERM, SCMP_A2_64(SCMP_CMP_MASKED_EQ, bit, bit));
    // A file can be born with it. Without one of these flags the mode is whatever a register holds.
    for (const std::uint64_t flag : {std::uint64_t{O_CREAT}, kUnnamed}) {
      filter.deny("open", EPERM, SCMP_A1_64(SCMP_CMP_MASKED_EQ, flag, flag), SCMP_A2_64(SCMP_CMP_MASKED_EQ, bit, bit));
      filter.deny("openat", EPERM, SCMP_A2_64(SCMP_CMP_MASKED_EQ, flag, flag),
                  SCMP_A3_64(SCMP_CMP_MASKED_EQ, bit, bit));
    }
    filter.deny("creat", EPERM, SCMP_A1_64(SCMP_CMP_MASKED_EQ, bit, bit));
    filter.deny("mknod", EPERM, SCMP_A1_64(SCMP_CMP_MASKED_EQ, bit, bit));
    filter.deny("mknodat", EPERM, SCMP_A2_64(SCMP_CMP_MASKED_EQ, bit, bit));
  }
}

}  // namespace

Result<std::string> seccomp_filter(FilterOptions options) {
  Filter filter;
  for (const std::string_view call : kDenied) filter.deny(call, EPERM);
  filter.deny(kOpenTreeAttr, EPERM);
  for (const std::string_view call : kNotThere) filter.deny(call, ENOSYS);
  deny_new_namespaces(filter);
  deny_sockets(filter, options.sockets);
  deny_terminal_input(filter);
  deny_set_id_bits(filter);
  if (options.without_namespaces) {
    deny_attributes(filter);
    for (const std::string_view call : kMachineWide) filter.deny(call, EPERM);
  }
  return filter.bytes();
}

}  // namespace lathe::sandbox
