#include "lathe/sandbox/apply.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/openat2.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "lathe/sandbox/landlock.h"
#include "lathe/sandbox/path_order.h"

// The order is that of ARCHITECTURE 7.1, and it is forced: mounting needs the capability that is dropped next; Landlock
// and seccomp need no_new_privs; Landlock still opens files; seccomp comes last, because it forbids what the steps
// before it do. The descriptors that are opened here are closed by exec.
//
// A path that is masked is opened without following any symbolic link, compared with what the plan found there, and
// mounted on by descriptor: a process of an earlier command may be swapping folders meanwhile.

namespace lathe::sandbox {
namespace {

/// 0, or an errno.
using Errno = int;

class Fd final {
 public:
  explicit Fd(long fd) : fd_(static_cast<int>(fd)) {}
  ~Fd() {
    if (fd_ >= 0) close(fd_);
  }
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  [[nodiscard]] int get() const { return fd_; }
  [[nodiscard]] bool ok() const { return fd_ >= 0; }

 private:
  const int fd_;
};

int open_without_links(const char* path) {
  open_how how{};
  how.flags = O_PATH | O_NOFOLLOW | O_CLOEXEC;
  how.resolve = RESOLVE_NO_SYMLINKS;
  return static_cast<int>(syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof how));
}

/// A copy of the mount at `path`, or at the descriptor `at` when `path` is empty.
long copied_mount(int at, const char* path) {
  return syscall(SYS_open_tree, at, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);
}

Errno mount_over(const CommandJail& jail, const Mask& mask) {
  const Fd target(open_without_links(mask.path.c_str()));
  if (!target.ok()) {
    // Swapped for a link, or gone.
    if (errno == ELOOP || ((errno == ENOENT || errno == ENOTDIR) && mask.inode != 0)) return EAGAIN;
    return errno == ENOENT || errno == ENOTDIR ? 0 : errno;
  }
  struct stat status{};
  if (fstat(target.get(), &status) != 0) return errno;
  if (mask.inode != 0 && status.st_ino != mask.inode) return EAGAIN;

  const bool hidden = mask.kind == Mask::Kind::kHidden;
  const std::string& cover = S_ISDIR(status.st_mode) ? jail.hidden_folder : jail.hidden_file;
  const Fd mount(hidden ? copied_mount(AT_FDCWD, cover.c_str()) : copied_mount(target.get(), ""));
  if (!mount.ok()) return errno;
  if (mask.kind != Mask::Kind::kPinned) {
    mount_attr read_only{};
    read_only.attr_set = MOUNT_ATTR_RDONLY;
    if (syscall(SYS_mount_setattr, mount.get(), "", AT_EMPTY_PATH, &read_only, sizeof read_only) != 0) return errno;
  }
  constexpr unsigned kByDescriptors = MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH;
  if (syscall(SYS_move_mount, mount.get(), "", target.get(), "", kByDescriptors) != 0) return errno;
  return 0;
}

Errno set_limit(__rlimit_resource_t resource, std::uint64_t most) {
  rlimit limit{};
  if (getrlimit(resource, &limit) != 0) return errno;
  limit.rlim_max = std::min<rlim_t>(limit.rlim_max, most);
  limit.rlim_cur = std::min(limit.rlim_cur, limit.rlim_max);
  return setrlimit(resource, &limit) == 0 ? 0 : errno;
}

Errno set_limits(const Limits& limits) {
  if (limits.file_bytes) {
    if (const Errno error = set_limit(RLIMIT_FSIZE, *limits.file_bytes); error != 0) return error;
  }
  if (limits.open_files) {
    if (const Errno error = set_limit(RLIMIT_NOFILE, *limits.open_files); error != 0) return error;
  }
  // A core file would hold what the command read.
  return set_limit(RLIMIT_CORE, 0);
}

Errno drop_privileges() {
  // Only a process that may change the bounding set can; with no_new_privs nothing is gained from it by exec anyway.
  for (int capability = 0; capability <= 63; ++capability) {
    if (prctl(PR_CAPBSET_DROP, capability) != 0) break;
  }
  if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0 && errno != EINVAL) return errno;
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  const __user_cap_data_struct nothing[2] = {};
  if (syscall(SYS_capset, &header, nothing) != 0) return errno;
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 ? 0 : errno;
}

/// struct landlock_path_beneath_attr, which the kernel reads packed.
struct [[gnu::packed]] PathBeneath {
  std::uint64_t access;
  std::int32_t fd;
};

Errno grant(int ruleset, const std::string& path, std::uint64_t access) {
  const Fd place(open(path.c_str(), O_PATH | O_CLOEXEC));
  if (!place.ok()) return errno == ENOENT || errno == ENOTDIR || errno == EACCES || errno == ELOOP ? 0 : errno;
  struct stat status{};
  if (fstat(place.get(), &status) != 0) return errno;
  if (!S_ISDIR(status.st_mode)) access &= landlock::kFileRights;
  if (access == 0) return 0;
  const PathBeneath rule{.access = access, .fd = place.get()};
  return syscall(landlock::kAddRule, ruleset, landlock::kRulePathBeneath, &rule, 0) == 0 ? 0 : errno;
}

/// Grants on the path, or on each of its children but the exceptions.
Errno grant_except(int ruleset, const std::string& path, std::uint64_t access, const std::vector<std::string>& except) {
  const auto is_here = [&](const std::string& exception) { return exception == path; };
  if (std::ranges::any_of(except, is_here)) return 0;
  const auto is_inside = [&](const std::string& exception) { return is_below(exception, path); };
  if (std::ranges::none_of(except, is_inside)) return grant(ruleset, path, access);
  DIR* folder = opendir(path.c_str());
  if (folder == nullptr) return errno == ENOENT || errno == ENOTDIR || errno == EACCES ? 0 : errno;
  Errno error = 0;
  while (const dirent* entry = error == 0 ? readdir(folder) : nullptr) {
    const std::string_view name = entry->d_name;
    if (name == "." || name == "..") continue;
    error = grant_except(ruleset, (path == "/" ? "" : path) + "/" + std::string(name), access, except);
  }
  closedir(folder);
  return error;
}

Errno restrict_paths(const CommandJail& jail) {
  const Fd ruleset(syscall(landlock::kCreateRuleset, &jail.ruleset, sizeof jail.ruleset, 0));
  if (!ruleset.ok()) return errno;
  for (const PathRule& rule : jail.rules) {
    const std::uint64_t access = rule.access & jail.ruleset.handled_fs;
    if (const Errno error = grant_except(ruleset.get(), rule.path, access, rule.except); error != 0) return error;
  }
  return syscall(landlock::kRestrictSelf, ruleset.get(), 0) == 0 ? 0 : errno;
}

Errno install_filter(const std::string& filter) {
  if (filter.size() % sizeof(sock_filter) != 0) return EINVAL;
  std::vector<sock_filter> program(filter.size() / sizeof(sock_filter));
  std::memcpy(program.data(), filter.data(), filter.size());
  const sock_fprog handed{.len = static_cast<unsigned short>(program.size()), .filter = program.data()};
  return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &handed) == 0 ? 0 : errno;
}

Applied mount_masks(const CommandJail& jail) {
  if (unshare(CLONE_NEWNS) != 0) return {Stage::kMounts, errno};
  if (mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return {Stage::kMounts, errno};
  for (const Mask& mask : jail.masks) {
    if (const Errno error = mount_over(jail, mask); error != 0) return {Stage::kMask, error};
  }
  return {};
}

}  // namespace

std::string_view name_of(Stage stage) {
  switch (stage) {
    case Stage::kDone:
      return "done";
    case Stage::kMounts:
      return "mounts";
    case Stage::kMask:
      return "mask";
    case Stage::kLimits:
      return "limits";
    case Stage::kPrivileges:
      return "privileges";
    case Stage::kLandlock:
      return "landlock";
    case Stage::kSeccomp:
      return "seccomp";
  }
  return "done";
}

Applied apply(const CommandJail& jail) {
  if (!jail.masks.empty()) {
    if (const Applied failed = mount_masks(jail); failed.stage != Stage::kDone) return failed;
  }
  if (const Errno error = set_limits(jail.limits); error != 0) return {Stage::kLimits, error};
  if (jail.level == Level::kNone) return {};
  if (const Errno error = drop_privileges(); error != 0) return {Stage::kPrivileges, error};
  if (jail.ruleset != Ruleset{}) {
    if (const Errno error = restrict_paths(jail); error != 0) return {Stage::kLandlock, error};
  }
  if (const Errno error = install_filter(jail.filter); error != 0) return {Stage::kSeccomp, error};
  return {};
}

}  // namespace lathe::sandbox
