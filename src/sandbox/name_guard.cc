#include "lathe/sandbox/name_guard.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "lathe/base/unique_fd.h"
#include "lathe/sandbox/protected_names.h"

namespace lathe::sandbox {

using base::Result;
using base::UniqueFd;

namespace {

constexpr std::size_t kMostEntries = 4'000;
constexpr std::int64_t kMostFileBytes = 4LL << 20;
constexpr int kMostDepth = 16;

/// Virtual environments are large, and may be made anew; of an old one this is what redirects.
bool is_environment(const std::string& name) { return name.ends_with("venv"); }

UniqueFd open_below(int root, const std::string& path, int flags) {
  open_how how{};
  how.flags = static_cast<std::uint64_t>(flags) | O_CLOEXEC;
  how.resolve = RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  return UniqueFd(static_cast<int>(syscall(SYS_openat2, root, path.c_str(), &how, sizeof how)));
}

UniqueFd open_root(const std::string& root) {
  return UniqueFd(open(root.c_str(), O_DIRECTORY | O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
}

/// The folder that a path lies in, and its last name.
struct Place {
  UniqueFd folder;
  std::string name;
};

Place place_of(int root, const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return {open_below(root, ".", O_DIRECTORY | O_RDONLY), path};
  return {open_below(root, path.substr(0, slash), O_DIRECTORY | O_RDONLY), path.substr(slash + 1)};
}

std::vector<std::string> names_in(int folder) {
  std::vector<std::string> names;
  DIR* stream = fdopendir(dup(folder));
  if (stream == nullptr) return names;
  rewinddir(stream);
  while (const dirent* entry = readdir(stream)) {
    const std::string name = entry->d_name;
    if (name != "." && name != "..") names.push_back(name);
  }
  closedir(stream);
  std::ranges::sort(names);
  return names;
}

std::optional<std::string> bytes_of(int folder, const std::string& name, const struct stat& status) {
  if (S_ISLNK(status.st_mode)) {
    std::array<char, 4096> target{};
    const ssize_t size = readlinkat(folder, name.c_str(), target.data(), target.size());
    if (size < 0) return std::nullopt;
    return std::string(target.data(), static_cast<std::size_t>(size));
  }
  if (!S_ISREG(status.st_mode) || status.st_size > kMostFileBytes) return std::nullopt;
  const UniqueFd file(openat(folder, name.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (!file) return std::nullopt;
  std::string bytes(static_cast<std::size_t>(kMostFileBytes) + 1, '\0');
  std::size_t have = 0;
  for (ssize_t got = 0; have < bytes.size(); have += static_cast<std::size_t>(got)) {
    got = read(file.get(), bytes.data() + have, bytes.size() - have);
    if (got <= 0) break;
  }
  bytes.resize(have);
  return bytes;
}

/// Removes a file, or a folder with all that is in it; gives 0 or an errno.
int remove_tree(int folder, const std::string& name, int depth = 0) {
  if (unlinkat(folder, name.c_str(), 0) == 0 || errno == ENOENT) return 0;
  if (errno != EISDIR && errno != EPERM) return errno;
  if (depth > 256) return ELOOP;
  const UniqueFd inside(openat(folder, name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
  if (!inside) return errno;
  for (const std::string& child : names_in(inside.get())) {
    if (const int error = remove_tree(inside.get(), child, depth + 1); error != 0) return error;
  }
  return unlinkat(folder, name.c_str(), AT_REMOVEDIR) == 0 ? 0 : errno;
}

/// What is kept of something put aside: a file's bytes as they are, of a folder one text with every file in it.
void gather(int folder, const std::string& name, const std::string& shown, int depth, std::string& into) {
  struct stat status{};
  if (fstatat(folder, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) return;
  if (!S_ISDIR(status.st_mode)) {
    const auto bytes = bytes_of(folder, name, status);
    into += fmt::format("--- {} mode {:o}{}\n", shown, status.st_mode & 07777U,
                        bytes ? fmt::format(" {} bytes", bytes->size()) : " not kept");
    if (bytes) into += *bytes + "\n";
    return;
  }
  const UniqueFd inside(openat(folder, name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
  if (!inside || depth > kMostDepth || into.size() > static_cast<std::size_t>(kMostFileBytes)) return;
  for (const std::string& child : names_in(inside.get())) {
    gather(inside.get(), child, shown + "/" + child, depth + 1, into);
  }
}

}  // namespace

void NameGuard::add(int folder, const std::string& name, const std::string& path, bool with_bytes,
                    Entries& into) const {
  struct stat status{};
  if (into.size() >= kMostEntries || fstatat(folder, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) return;
  Entry entry{.mode = status.st_mode,
              .inode = status.st_ino,
              .size = status.st_size,
              .changed_ns = status.st_ctim.tv_sec * 1'000'000'000 + status.st_ctim.tv_nsec};
  const bool folder_entry = S_ISDIR(status.st_mode);
  if (folder_entry) entry.inode = entry.changed_ns = entry.size = 0;
  if (scope_ == Scope::kAllNames && with_bytes && !folder_entry) {
    const auto old = before_ ? before_->find(path) : Entries::const_iterator();
    const bool same = before_ && old != before_->end() && old->second.inode == entry.inode &&
                      old->second.changed_ns == entry.changed_ns;
    entry.bytes = same ? old->second.bytes : bytes_of(folder, name, status);
  }
  into[path] = std::move(entry);
  if (!folder_entry || scope_ == Scope::kNewNames || is_environment(path)) return;
  if (std::ranges::count(path, '/') > kMostDepth) return;
  const UniqueFd inside(openat(folder, name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
  if (!inside) return;
  for (const std::string& child : names_in(inside.get())) {
    add(inside.get(), child, path + "/" + child, with_bytes, into);
  }
}

Result<NameGuard::Entries> NameGuard::look(bool with_bytes) const {
  const UniqueFd root = open_root(root_);
  if (!root) return base::errno_error(errno, root_);
  Entries entries;
  struct stat git{};
  // A repository's folder is nobody's business but git's; a file or link in its place leads elsewhere.
  if (fstatat(root.get(), ".git", &git, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISDIR(git.st_mode)) {
    add(root.get(), ".git", ".git", with_bytes, entries);
  }
  for (const std::string_view protected_name : kProtectedNames) {
    const std::string path(protected_name);
    const Place place = place_of(root.get(), path);
    if (!place.folder) continue;
    add(place.folder.get(), place.name, path, with_bytes, entries);
    if (!is_environment(path) || !entries.contains(path)) continue;
    const UniqueFd inside = open_below(root.get(), path, O_DIRECTORY | O_RDONLY);
    if (inside) add(inside.get(), "pyvenv.cfg", path + "/pyvenv.cfg", with_bytes, entries);
  }
  return entries;
}

Result<void> NameGuard::remember() {
  TRY(Entries now, look(true));
  before_ = std::move(now);
  return {};
}

NameGuard::Finding NameGuard::put_back(int root, const std::string& path, const Entry& before) const {
  const auto failed = [&](int error) { return Finding{Finding::Kind::kFailed, path, std::strerror(error)}; };
  if (S_ISDIR(before.mode)) {
    const Place place = place_of(root, path);
    if (!place.folder) return failed(errno);
    (void)remove_tree(place.folder.get(), place.name);
    if (mkdirat(place.folder.get(), place.name.c_str(), before.mode & 0777U) != 0) return failed(errno);
    return {Finding::Kind::kRestored, path, ""};
  }
  if (!before.bytes) return {Finding::Kind::kFailed, path, "too large to be kept"};
  const Place place = place_of(root, path);
  if (!place.folder) return failed(errno);
  if (const int error = remove_tree(place.folder.get(), place.name); error != 0) return failed(error);
  if (S_ISLNK(before.mode)) {
    if (symlinkat(before.bytes->c_str(), place.folder.get(), place.name.c_str()) != 0) return failed(errno);
    return {Finding::Kind::kRestored, path, ""};
  }
  const UniqueFd file(openat(place.folder.get(), place.name.c_str(),
                             O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC | O_NOFOLLOW, before.mode & 0777U));
  if (!file) return failed(errno);
  std::string_view rest = *before.bytes;
  while (!rest.empty()) {
    const ssize_t put = write(file.get(), rest.data(), rest.size());
    if (put < 0 && errno != EINTR) return failed(errno);
    if (put > 0) rest.remove_prefix(static_cast<std::size_t>(put));
  }
  (void)fchmod(file.get(), before.mode & 0777U);
  return {Finding::Kind::kRestored, path, ""};
}

NameGuard::Finding NameGuard::put_aside(int root, const std::string& path, const Keep& keep) const {
  const Place place = place_of(root, path);
  if (!place.folder) return {Finding::Kind::kFailed, path, std::strerror(errno)};
  std::string content;
  gather(place.folder.get(), place.name, path, 0, content);
  auto kept = keep(content);
  // What cannot be kept must not stay either.
  const int error = remove_tree(place.folder.get(), place.name);
  if (error != 0) return {Finding::Kind::kFailed, path, std::strerror(error)};
  return {Finding::Kind::kQuarantined, path, kept.ok() ? *std::move(kept) : "not kept: " + kept.error().message};
}

Result<std::vector<NameGuard::Finding>> NameGuard::check(const Keep& keep) {
  std::vector<Finding> findings;
  if (!before_) return findings;
  const UniqueFd root = open_root(root_);
  if (!root) return base::errno_error(errno, root_);
  TRY(const Entries now, look(false));
  std::string covered;
  for (const auto& [path, entry] : now) {
    if (before_->contains(path) || (!covered.empty() && path.starts_with(covered))) continue;
    covered = path + "/";
    if (is_environment(path) || path.ends_with("venv/pyvenv.cfg")) {
      findings.push_back({Finding::Kind::kTainted, path, ""});
      continue;
    }
    findings.push_back(put_aside(root.get(), path, keep));
  }
  if (scope_ == Scope::kNewNames) return findings;
  // Folders come before what lies in them.
  for (const auto& [path, before] : *before_) {
    const auto at = now.find(path);
    const bool same = at != now.end() && at->second.mode == before.mode && at->second.inode == before.inode &&
                      at->second.size == before.size && at->second.changed_ns == before.changed_ns;
    if (same) continue;
    findings.push_back(put_back(root.get(), path, before));
  }
  return findings;
}

}  // namespace lathe::sandbox
