#include "lathe/tools/common/workspace.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <climits>
#include <ranges>
#include <vector>

#include "lathe/base/strings.h"
#include "lathe/base/utf8.h"
#include "lathe/runtime/files.h"
#include "lathe/sandbox/folders.h"
#include "lathe/tools/common/links.h"
#include "lathe/tools/common/protected_place.h"
#include "lathe/tools/common/secret_guard.h"

namespace lathe::tools::common {

using base::errno_error;
using base::Error;
using base::Result;
using base::UniqueFd;

namespace {

constexpr std::size_t kMostNamesCompared = 2'000;

Error invalid(std::string message) { return {.code = base::codes::kInvalid, .message = std::move(message)}; }

Error outside(const std::string& shown) {
  return {.code = base::codes::kPermission,
          .message = fmt::format("{} is outside of the working folder, where nothing is changed undecided", shown)};
}

Error leads_elsewhere(const Place& place) {
  struct stat status{};
  const bool circle = ::stat(place.absolute.c_str(), &status) != 0 && errno == ELOOP;
  if (circle) return errno_error(ELOOP, place.shown());
  return {.code = base::codes::kPermission,
          .message = fmt::format("{} leads elsewhere than when this call was decided about", place.shown()),
          .hint = "call again"};
}

/// ".", ".." and empty parts gone, by text alone; absolute.
std::string plain(std::string_view absolute) {
  std::vector<std::string_view> parts;
  for (const std::string_view part : base::split(absolute, '/')) {
    if (part.empty() || part == ".") continue;
    if (part != "..") {
      parts.push_back(part);
    } else if (!parts.empty()) {
      parts.pop_back();
    }
  }
  std::string out;
  for (const std::string_view part : parts) out.append("/").append(part);
  return out.empty() ? "/" : out;
}

/// The path below `folder`, "." for itself, or nothing.
std::string below(const std::string& path, const std::string& folder) {
  if (path == folder) return ".";
  const std::string prefix = folder == "/" ? folder : folder + "/";
  return path.starts_with(prefix) ? path.substr(prefix.size()) : "";
}

std::pair<std::string, std::string> split_last(const std::string& path) {
  const std::size_t slash = path.find_last_of('/');
  if (slash == std::string::npos) return {".", path};
  return {path.substr(0, slash), path.substr(slash + 1)};
}

Error not_a_file(const std::string& shown, mode_t mode) {
  if (S_ISDIR(mode)) {
    return {.code = base::codes::kInvalid, .message = fmt::format("{} is a folder", shown), .hint = "use list_dir"};
  }
  const char* what = S_ISFIFO(mode) ? "a FIFO" : S_ISSOCK(mode) ? "a socket" : "a device";
  return invalid(fmt::format("{} is {}, not a file", shown, what));
}

/// openat2 that never leaves `folder` and follows no link; -1 with errno.
int open_without_links(int folder, const std::string& path, int flags) {
  open_how how{};
  how.flags = static_cast<std::uint64_t>(flags | O_CLOEXEC);
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS;
  while (true) {
    const long fd = syscall(SYS_openat2, folder, path.c_str(), &how, sizeof how);
    if (fd >= 0 || (errno != EINTR && errno != EAGAIN)) return static_cast<int>(fd);
  }
}

/// Names of its folder that are near the one that is not there. Of folders outside of the working folder, by whatever
/// link, nobody said yes to more than the one name.
std::string near_names(const Place& place) {
  if (!place.inside() || place.relative == ".") return "";
  const std::string cwd = place.absolute.substr(0, place.absolute.size() - place.relative.size());
  const auto [folder_path, name] = split_last(place.relative);
  const UniqueFd root(::open(cwd.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  const UniqueFd folder(open_without_links(root.get(), folder_path, O_RDONLY | O_DIRECTORY));
  std::vector<std::string> names;
  if (!folder || sandbox::read_names(folder.get(), names) != 0) return "";
  if (names.size() > kMostNamesCompared) names.resize(kMostNamesCompared);
  return base::did_you_mean(name, names);
}

Error reading_error(const Place& place, int error) {
  Error told = errno_error(error, place.shown());
  if (error == ENOENT) told.hint = near_names(place);
  return told;
}

Result<UniqueFd> open_folder_beneath(int root, const std::string& relative, const Place& place) {
  UniqueFd folder(open_without_links(root, relative, O_PATH | O_DIRECTORY));
  if (folder) return folder;
  return errno == ELOOP ? leads_elsewhere(place) : errno_error(errno, place.shown());
}

/// A working folder, and with which permissions what is new in it is made.
struct Root {
  int fd = -1;
  /// Absent: as this process has it.
  std::optional<unsigned> file_mode_mask = std::nullopt;
};

/// Gives what was just made in `folder` the usual permissions as the mask leaves them. An access control list of the
/// folder that says what new files get stands above any mask.
Result<void> use_mask(const Root& root, int folder, int made, const std::string& shown) {
  if (!root.file_mode_mask) return {};
  const std::string path = fmt::format("/proc/self/fd/{}", folder);
  if (getxattr(path.c_str(), "system.posix_acl_default", nullptr, 0) > 0) return {};
  struct stat status{};
  if (fstat(made, &status) != 0) return errno_error(errno, shown);
  const mode_t usual = S_ISDIR(status.st_mode) ? 0777 : 0666;
  // A folder has the set-group-ID bit from the one above.
  const mode_t mode = (status.st_mode & 07000U) | (usual & ~*root.file_mode_mask);
  if (fchmod(made, mode) != 0) return errno_error(errno, shown);
  return {};
}

/// Where the path to a file starts, and how it goes on from there without any link.
struct Way {
  Root workspace;
  /// Set for a file outside of the workspace: the root of all paths.
  UniqueFd top = {};
  std::string path;

  [[nodiscard]] int start() const { return top ? top.get() : workspace.fd; }
  [[nodiscard]] std::string made(const std::string& folder) const { return top ? "/" + folder : folder; }
};

Result<UniqueFd> open_top() {
  UniqueFd top(::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!top) return errno_error(errno, "/");
  return top;
}

/// A file's place by the folder that holds it.
struct Target {
  UniqueFd folder;
  std::string name;
  /// Absent: nothing of that name is there.
  std::optional<struct stat> status;
};

/// Opens the folder. What is missing of it is made and added to `made`; null: nothing is made.
Result<UniqueFd> open_folder(const Way& way, const std::string& relative, MadeFolders* made, const Place& place) {
  auto folder = open_folder_beneath(way.start(), relative, place);
  if (folder.ok() || made == nullptr || folder.error().code != base::codes::kNotFound) return folder;
  const auto [parent_path, name] = split_last(relative);
  TRY(const UniqueFd parent, open_folder(way, parent_path, made, place));
  TRY_OK(refuse_protected(way.workspace.fd, parent.get(), name, place.shown()));
  if (mkdirat(parent.get(), name.c_str(), 0777) == 0) {
    made->push_back(way.made(relative));
    const UniqueFd fresh(openat(parent.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!fresh) return errno_error(errno, place.shown());
    TRY_OK(use_mask(way.workspace, parent.get(), fresh.get(), place.shown()));
  } else if (errno != EEXIST) {
    return errno_error(errno, place.shown());
  }
  return open_folder_beneath(way.start(), relative, place);
}

/// The folder that holds the path's last name, which may be changed. Nothing is made for what is protected.
Result<UniqueFd> open_holder(const Way& way, MadeFolders* made, const Place& place) {
  const auto [folder_path, name] = split_last(way.path);
  std::string above = folder_path;
  std::string rest = name;
  auto there = open_folder_beneath(way.start(), above, place);
  while (!there.ok() && there.error().code == base::codes::kNotFound && above != ".") {
    auto [higher, missing] = split_last(above);
    above = std::move(higher);
    rest = missing + "/" + rest;
    there = open_folder_beneath(way.start(), above, place);
  }
  if (!there.ok()) return there;
  TRY_OK(refuse_protected(way.workspace.fd, there->get(), rest, place.shown()));
  TRY(UniqueFd folder, open_folder(way, folder_path, made, place));
  // The folder may have been moved meanwhile; this descriptor is the one that is used.
  TRY_OK(refuse_protected(way.workspace.fd, folder.get(), name, place.shown()));
  return folder;
}

/// The way to where the place leads. Outside of the workspace only to what was looked up, because that is what the gate
/// decided about.
Result<Way> way_to(const Root& root, const Place& place, LastName last) {
  const bool looked_up = !place.real.empty();
  if (!looked_up && !place.inside()) return outside(place.shown());
  const std::string real = looked_up ? place.real : with_links_resolved(place, last).real;
  std::string inside = below(real, real_name(root.fd));
  if (!inside.empty()) return Way{.workspace = root, .path = std::move(inside)};
  if (!looked_up) return outside(place.shown());
  TRY(UniqueFd top, open_top());
  return Way{.workspace = root, .top = std::move(top), .path = below(real, "/")};
}

/// The last name itself, whatever it is, in its folder.
Result<Target> find_name(const Root& root, const Place& place, MadeFolders* made, LastName last) {
  TRY(const Way way, way_to(root, place, last));
  TRY(UniqueFd folder, open_holder(way, made, place));
  Target target{std::move(folder), split_last(way.path).second, std::nullopt};
  struct stat status{};
  if (fstatat(target.folder.get(), target.name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0) {
    target.status = status;
  } else if (errno != ENOENT) {
    return errno_error(errno, place.shown());
  }
  return target;
}

/// The file that the place leads to.
Result<Target> find_target(const Root& root, const Place& place, MadeFolders* made) {
  TRY(Target target, find_name(root, place, made, LastName::kFollowed));
  if (target.status && S_ISLNK(target.status->st_mode)) return leads_elsewhere(place);
  return target;
}

Result<void> check_target(const Target& target, const Place& place) {
  if (!target.status) return {};
  if (!S_ISREG(target.status->st_mode)) return not_a_file(place.shown(), target.status->st_mode);
  if (faccessat(target.folder.get(), target.name.c_str(), W_OK, AT_EACCESS) != 0) {
    return errno_error(errno, place.shown());
  }
  return {};
}

Result<void> fill(int fd, const Target& target, std::string_view bytes, std::optional<mode_t> new_mode,
                  const std::string& shown) {
  // Best effort: only root may give files away.
  if (target.status) (void)!fchown(fd, target.status->st_uid, target.status->st_gid);
  const std::optional<mode_t> mode = target.status ? std::optional(target.status->st_mode) : new_mode;
  if (mode && fchmod(fd, *mode & 0777) != 0) return errno_error(errno, shown);
  return runtime::write_all(fd, bytes, shown);
}

/// A new file in the folder of what it will become. The name is ours alone: process, and a count that two pool threads
/// never share.
struct Temporary {
  UniqueFd fd;
  std::string name;
};
Result<Temporary> make_temporary(int folder, const std::string& shown) {
  static std::atomic<unsigned> count{0};
  std::string name = fmt::format(".lathe-{}-{}.tmp", getpid(), count.fetch_add(1));
  UniqueFd fd(openat(folder, name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666));
  if (!fd) return errno_error(errno, shown);
  return Temporary{std::move(fd), std::move(name)};
}

Result<void> to_disk(int fd, const std::string& shown) {
  if (fsync(fd) != 0) return errno_error(errno, shown);
  return {};
}

/// Bytes, permissions, owner where that can be kept, and time of the last change of `source`, on disk.
Result<void> copy_file(const Target& source, int to, const Target& target, const std::string& shown) {
  const UniqueFd from(openat(source.folder.get(), source.name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!from) return errno_error(errno, shown);
  TRY(const std::string bytes, runtime::read_all(from.get(), kMaxFileBytes, shown));
  (void)!fchown(to, source.status->st_uid, source.status->st_gid);
  TRY_OK(fill(to, target, bytes, source.status->st_mode, shown));
  const std::array<timespec, 2> times{source.status->st_atim, source.status->st_mtim};
  if (futimens(to, times.data()) != 0) return errno_error(errno, shown);
  return to_disk(to, shown);
}

/// A file of one file system becomes one of another: the copy is whole and on disk, under its name, before the file
/// goes. When it cannot go, the copy does.
Result<void> move_across(const Target& source, const Target& target, const Place& from, const Place& to) {
  TRY(const Temporary temporary, make_temporary(target.folder.get(), to.shown()));
  auto done = copy_file(source, temporary.fd.get(), target, to.shown());
  const int folder = target.folder.get();
  if (done.ok() && renameat2(folder, temporary.name.c_str(), folder, target.name.c_str(), RENAME_NOREPLACE) != 0) {
    done = errno_error(errno, to.shown());
  }
  if (!done.ok()) {
    unlinkat(folder, temporary.name.c_str(), 0);
    return done;
  }
  const UniqueFd readable(openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  done = readable ? to_disk(readable.get(), to.shown()) : errno_error(errno, to.shown());
  if (done.ok() && unlinkat(source.folder.get(), source.name.c_str(), 0) != 0) done = errno_error(errno, from.shown());
  if (!done.ok()) unlinkat(folder, target.name.c_str(), 0);
  return done;
}

/// The file that is given another name.
Result<Target> find_file(const Root& root, const Place& place) {
  TRY(Target source, find_name(root, place, /*made=*/nullptr, LastName::kItself));
  if (!source.status) return errno_error(ENOENT, place.shown());
  if (S_ISLNK(source.status->st_mode))
    return invalid(fmt::format("{} is a link; move it with a command", place.shown()));
  if (!S_ISREG(source.status->st_mode)) return not_a_file(place.shown(), source.status->st_mode);
  return source;
}

Result<void> move_to(const Target& source, const Root& root, const Place& from, const Place& to, MadeFolders& made) {
  TRY(const Target target, find_name(root, to, &made, LastName::kItself));
  const int renamed =
      renameat2(source.folder.get(), source.name.c_str(), target.folder.get(), target.name.c_str(), RENAME_NOREPLACE);
  if (renamed == 0) return {};
  return errno == EXDEV ? move_across(source, target, from, to) : errno_error(errno, to.shown());
}

}  // namespace

Result<Place> place_of(const std::string& cwd, std::string_view path) {
  if (path.empty()) return invalid("the path is empty");
  if (path.find('\0') != std::string_view::npos) return invalid("the path holds a NUL byte");
  if (!base::is_utf8(path)) return invalid("the path is not UTF-8");
  if (path.size() > kMaxPathBytes) {
    return invalid(fmt::format("the path is {} bytes long; {} is the limit", path.size(), kMaxPathBytes));
  }
  Place place;
  place.absolute = plain(path.starts_with('/') ? std::string(path) : cwd + "/" + std::string(path));
  place.relative = below(place.absolute, plain(cwd));
  if (!place.inside()) {
    // The model may have seen the folder's name without links.
    if (const auto real = runtime::real_path(cwd); real.ok()) place.relative = below(place.absolute, *real);
  }
  return place;
}

Result<UniqueFd> open_place(const Place& place, int flags) {
  open_how how{};
  how.flags = static_cast<std::uint64_t>(flags | O_CLOEXEC | O_NONBLOCK);
  if ((flags & O_PATH) != 0) how.flags &= ~static_cast<std::uint64_t>(O_NONBLOCK);
  if (!place.real.empty()) how.resolve = RESOLVE_NO_SYMLINKS;
  const std::string& path = place.real.empty() ? place.absolute : place.real;
  while (true) {
    const long fd = syscall(SYS_openat2, AT_FDCWD, path.c_str(), &how, sizeof how);
    if (fd >= 0) return UniqueFd(static_cast<int>(fd));
    if (errno == ELOOP && !place.real.empty()) return leads_elsewhere(place);
    if (errno != EINTR) return reading_error(place, errno);
  }
}

std::string real_name(int fd) {
  std::string name(PATH_MAX, '\0');
  const ssize_t size = readlink(fmt::format("/proc/self/fd/{}", fd).c_str(), name.data(), name.size());
  name.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
  return name;
}

Result<OpenFile> open_for_reading(const Place& place, const SecretGuard* guard) {
  // O_PATH opens nothing yet: a FIFO would block, a device might act.
  TRY(const UniqueFd found, open_place(place, O_PATH));
  struct stat status{};
  if (fstat(found.get(), &status) != 0) return errno_error(errno, place.shown());
  if (!S_ISREG(status.st_mode)) return not_a_file(place.shown(), status.st_mode);
  if (guard != nullptr) TRY_OK(guard->check(place, found.get(), status));
  // Some files of the kernel look regular and have a reader wait all the same.
  UniqueFd fd(::open(fmt::format("/proc/self/fd/{}", found.get()).c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  if (!fd) return errno_error(errno, place.shown());
  return OpenFile{std::move(fd), status.st_mode, static_cast<std::size_t>(status.st_size)};
}

Result<std::string> read_whole(const Place& place, const SecretGuard* guard) {
  TRY(const OpenFile file, open_for_reading(place, guard));
  return runtime::read_all(file.fd.get(), kMaxFileBytes, place.shown());
}

Result<std::optional<std::string>> read_if_there(const Place& place, const SecretGuard* guard) {
  auto bytes = read_whole(place, guard);
  if (bytes.ok()) return std::optional(*std::move(bytes));
  if (bytes.error().code == base::codes::kNotFound) {
    if (guard != nullptr) TRY_OK(guard->check_name(place));
    return std::optional<std::string>();
  }
  return std::move(bytes).error();
}

Result<Workspace> Workspace::open(const std::string& cwd, std::optional<unsigned> file_mode_mask) {
  UniqueFd root(::open(cwd.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!root) return errno_error(errno, fmt::format("working folder {}", cwd));
  return Workspace(std::move(root), file_mode_mask);
}

Result<void> Workspace::check_writable(const Place& place) const {
  auto target = find_target({.fd = root_.get()}, place, /*made=*/nullptr);
  if (target.ok()) return check_target(*target, place);
  // A folder that is not there yet will be made.
  if (target.error().code == base::codes::kNotFound) return {};
  return std::move(target).error();
}

Result<void> Workspace::write(const Place& place, std::string_view bytes, std::optional<mode_t> new_mode,
                              MadeFolders* made) const {
  MadeFolders unasked;
  const Root root{.fd = root_.get(), .file_mode_mask = file_mode_mask_};
  TRY(const Target target, find_target(root, place, made == nullptr ? &unasked : made));
  TRY_OK(check_target(target, place));
  const int folder = target.folder.get();
  TRY(const Temporary temporary, make_temporary(folder, place.shown()));
  auto done = use_mask(root, folder, temporary.fd.get(), place.shown());
  if (done.ok()) done = fill(temporary.fd.get(), target, bytes, new_mode, place.shown());
  if (done.ok() && renameat(folder, temporary.name.c_str(), folder, target.name.c_str()) != 0) {
    done = errno_error(errno, place.shown());
  }
  if (!done.ok()) unlinkat(folder, temporary.name.c_str(), 0);
  return done;
}

void Workspace::remove_made(const MadeFolders& made) const {
  for (const std::string& folder : made | std::views::reverse) {
    const auto [holder_path, name] = split_last(folder);
    const bool elsewhere = folder.starts_with('/');
    const auto top = elsewhere ? open_top() : UniqueFd();
    if (!top.ok()) continue;
    const std::string way = elsewhere ? below(holder_path.empty() ? "/" : holder_path, "/") : holder_path;
    const UniqueFd holder(open_without_links(elsewhere ? top->get() : root_.get(), way, O_PATH | O_DIRECTORY));
    if (holder) (void)unlinkat(holder.get(), name.c_str(), AT_REMOVEDIR);
  }
}

Result<void> Workspace::remove(const Place& place) const {
  TRY(const Target target, find_name({.fd = root_.get()}, place, /*made=*/nullptr, LastName::kItself));
  if (unlinkat(target.folder.get(), target.name.c_str(), 0) == 0) return {};
  if (errno == EISDIR) return invalid(fmt::format("{} is a folder; only files can be deleted", place.shown()));
  return errno_error(errno, place.shown());
}

Result<void> Workspace::move(const Place& from, const Place& to) const {
  const Root root{.fd = root_.get(), .file_mode_mask = file_mode_mask_};
  TRY(const Target source, find_file(root, from));
  MadeFolders made;
  auto moved = move_to(source, root, from, to, made);
  if (!moved.ok()) remove_made(made);
  return moved;
}

}  // namespace lathe::tools::common
