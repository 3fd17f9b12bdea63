#include "lathe/sandbox/name_guard.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <iterator>

#include "lathe/base/unique_fd.h"
#include "lathe/sandbox/folders.h"
#include "lathe/sandbox/git_store.h"
#include "lathe/sandbox/path_order.h"
#include "lathe/sandbox/protected_names.h"
#include "lathe/sandbox/real_path.h"

namespace lathe::sandbox {

using base::Result;
using base::UniqueFd;

namespace {

/// Below one protected name.
constexpr std::size_t kMostEntries = 4'000;
constexpr std::int64_t kMostFileBytes = 4LL << 20;
constexpr int kMostDepth = 16;

/// Virtual environments are large, and may be made anew; of an old one this is what redirects.
bool is_environment(const std::string& name) { return name.ends_with("venv"); }

/// Nothing is there, or nothing that is a folder.
bool is_absent(int error) { return error == ENOENT || error == ENOTDIR || error == ELOOP; }

UniqueFd open_root(const std::string& root) {
  return UniqueFd(open(root.c_str(), O_DIRECTORY | O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
}

/// The folder that a path lies in, and its last name.
struct Place {
  UniqueFd folder;
  std::string name;
};

/// Follows no link. Without a folder errno says why; `opened` gets the folders that were given their rights back.
Place place_of(int root, const std::string& path, mode_t needed, std::vector<std::string>& opened) {
  UniqueFd folder(openat(root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  std::size_t from = 0;
  for (std::size_t slash = 0; folder && (slash = path.find('/', from)) != std::string::npos; from = slash + 1) {
    bool given = false;
    folder = open_folder(folder.get(), path.substr(from, slash - from), needed, given);
    if (given) opened.push_back(path.substr(0, slash));
  }
  return {std::move(folder), path.substr(path.rfind('/') + 1)};
}

Place place_of(int root, const std::string& path, mode_t needed) {
  std::vector<std::string> opened;
  return place_of(root, path, needed, opened);
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
  // One more than it has, to see the end with the last bytes; it may grow meanwhile.
  std::string bytes(static_cast<std::size_t>(status.st_size) + 1, '\0');
  std::size_t have = 0;
  for (ssize_t got = 0; have < bytes.size(); have += static_cast<std::size_t>(got)) {
    got = read(file.get(), bytes.data() + have, bytes.size() - have);
    if (got <= 0) break;
  }
  bytes.resize(have);
  return bytes;
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
  const UniqueFd inside = open_folder(folder, name, kLook);
  if (!inside || depth > kMostDepth || into.size() > static_cast<std::size_t>(kMostFileBytes)) return;
  std::vector<std::string> names;
  (void)read_names(inside.get(), names);
  for (const std::string& child : names) {
    gather(inside.get(), child, shown + "/" + child, depth + 1, into);
  }
}

}  // namespace

void NameGuard::Entry::become(const struct stat& status) {
  mode = status.st_mode;
  inode = status.st_ino;
  size = status.st_size;
  changed_ns = status.st_ctim.tv_sec * 1'000'000'000 + status.st_ctim.tv_nsec;
}

void NameGuard::Entry::save(FieldWriter& out) const {
  out.number(mode);
  out.number(static_cast<std::int64_t>(inode));
  out.number(size);
  out.number(changed_ns);
  out.number(bytes ? 1 : 0);
  if (bytes) out.text(*bytes);
}

NameGuard::Entry NameGuard::Entry::load(FieldReader& in) {
  Entry entry;
  entry.mode = static_cast<std::uint32_t>(in.number());
  entry.inode = static_cast<std::uint64_t>(in.number());
  entry.size = in.number();
  entry.changed_ns = in.number();
  if (in.number() == 1) entry.bytes = in.text();
  return entry;
}

void NameGuard::save(FieldWriter& out) const {
  out.text(root_);
  out.number(static_cast<int>(scope_));
  out.all(stores_, [&](const std::string& store) { out.text(store); });
  out.all(led_to_, [&](const std::string& path) { out.text(path); });
  out.all(bare_parts_, [&](const std::string& part) { out.text(part); });
  out.all(cut_before_, [&](const std::string& name) { out.text(name); });
  out.all(*before_, [&](const auto& entry) {
    out.text(entry.first);
    entry.second.save(out);
  });
}

bool NameGuard::load(FieldReader& in) {
  if (in.text() != root_ || in.number() != static_cast<int>(scope_)) return false;
  std::vector<std::string> stores;
  std::vector<std::string> led_to;
  std::set<std::string> bare_parts;
  std::set<std::string> cut;
  Entries entries;
  in.all([&] { stores.push_back(in.text()); });
  in.all([&] { led_to.push_back(in.text()); });
  in.all([&] { bare_parts.insert(in.text()); });
  in.all([&] { cut.insert(in.text()); });
  in.all([&] {
    std::string path = in.text();
    entries[std::move(path)] = Entry::load(in);
  });
  if (!in.intact()) return false;
  set_stores(std::move(stores));
  led_to_ = std::move(led_to);
  bare_parts_ = std::move(bare_parts);
  cut_before_ = std::move(cut);
  before_ = std::move(entries);
  return true;
}

std::set<std::string> NameGuard::Entry::orders(const std::string& path) const {
  if (S_ISDIR(mode)) return {};
  if (!S_ISREG(mode) || !bytes) return {"-> " + bytes.value_or("")};
  return orders_in(path.substr(path.rfind('/') + 1), *bytes);
}

Result<void> NameGuard::add(int folder, const std::string& name, const std::string& path, Look& into) const {
  struct stat status{};
  if (into.entries.size() - into.entries_before >= kMostEntries) {
    into.cut.insert(into.name);
    return {};
  }
  if (fstatat(folder, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
    if (is_absent(errno)) return {};
    return base::errno_error(errno, root_ + "/" + path);
  }
  Entry entry;
  entry.become(status);
  const bool folder_entry = S_ISDIR(status.st_mode);
  if (folder_entry) entry.inode = entry.changed_ns = entry.size = 0;
  const bool step = steps_.contains(path);
  // A link cannot be mounted on, so that it may change where names are read-only by mounts.
  const bool watched = scope_ == Scope::kAllNames || S_ISLNK(status.st_mode);
  if ((step || (watched && into.with_bytes)) && !folder_entry) {
    const auto old = before_ ? before_->find(path) : Entries::const_iterator();
    const bool same = before_ && old != before_->end() && old->second.inode == entry.inode &&
                      old->second.changed_ns == entry.changed_ns;
    entry.bytes = same ? old->second.bytes : bytes_of(folder, name, status);
  }
  into.entries[path] = std::move(entry);
  if (!folder_entry || step || scope_ == Scope::kNewNames || is_environment(path)) return {};
  if (std::ranges::count(path, '/') > kMostDepth) {
    into.cut.insert(into.name);
    return {};
  }
  bool opened = false;
  const UniqueFd inside = open_folder(folder, name, kLook, opened);
  if (opened) into.opened.push_back(path);
  std::vector<std::string> names;
  const int error = inside ? read_names(inside.get(), names) : errno;
  if (error != 0 && !is_absent(error)) return base::errno_error(error, root_ + "/" + path);
  for (const std::string& child : names) TRY_OK(add(inside.get(), child, path + "/" + child, into));
  return {};
}

Result<NameGuard::Look> NameGuard::look(bool with_bytes) const {
  const UniqueFd root = open_root(root_);
  if (!root) return base::errno_error(errno, root_);
  Look look{.with_bytes = with_bytes, .entries = {}, .opened = {}, .name = ".git", .entries_before = 0, .cut = {}};
  struct stat git{};
  // A repository's folder is nobody's business but git's; a file or link in its place leads elsewhere.
  if (fstatat(root.get(), ".git", &git, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISDIR(git.st_mode)) {
    TRY_OK(add(root.get(), ".git", ".git", look));
  }
  std::vector<std::string> paths = all_names();
  paths.insert(paths.end(), led_to_.begin(), led_to_.end());
  paths.insert(paths.end(), steps_.begin(), steps_.end());
  std::string missing;
  for (const std::string& path : paths) {
    if (!missing.empty() && path.starts_with(missing)) continue;
    look.name = path;
    look.entries_before = look.entries.size();
    const Place place = place_of(root.get(), path, kLook, look.opened);
    if (!place.folder) {
      if (is_absent(errno)) continue;
      return base::errno_error(errno, root_ + "/" + path);
    }
    TRY_OK(add(place.folder.get(), place.name, path, look));
    if (steps_.contains(path) && !look.entries.contains(path)) missing = path + "/";
    if (!is_environment(path) || !look.entries.contains(path)) continue;
    const UniqueFd inside = open_folder(root.get(), path, kLook);
    if (inside) TRY_OK(add(inside.get(), "pyvenv.cfg", path + "/pyvenv.cfg", look));
  }
  return look;
}

void NameGuard::set_stores(std::vector<std::string> stores) {
  stores_ = std::move(stores);
  steps_ = git_step_paths(is_worktrees_own(root_) ? "" : ".git");
  for (const std::string& store : stores_) steps_.merge(git_step_paths(store));
}

std::vector<std::string> NameGuard::all_names() const {
  std::vector<std::string> names(names_.begin(), names_.end());
  std::vector<std::string> in_stores = protected_names_in(stores_);
  std::ranges::move(in_stores, std::back_inserter(names));
  return names;
}

std::vector<std::string> NameGuard::targets_of_links() const {
  std::vector<std::string> targets;
  for (const std::string& name : all_names()) {
    const std::string path = root_ + "/" + name;
    const std::string target = real_path(path);
    const bool leads_elsewhere = target != path && is_below(target, root_);
    if (leads_elsewhere && !is_environment(path)) targets.push_back(target.substr(root_.size() + 1));
  }
  return targets;
}

Result<void> NameGuard::remember() {
  // A command still runs, and may have put something there since the last check: what was before it stays what counts.
  if (before_) return {};
  bare_parts_.clear();
  for (std::string& part : bare_repository_parts(root_)) {
    if (!failed_.contains(part)) bare_parts_.insert(std::move(part));
  }
  std::vector<std::string> stores = git_stores(root_);
  if (bare_parts_.size() < kBareRepositoryParts) std::erase(stores, "");
  set_stores(std::move(stores));
  // With mounts they are read-only.
  if (scope_ == Scope::kAllNames) led_to_ = targets_of_links();
  TRY(Look now, look(true));
  // What could not be undone stays what it was, so that the next check tries again.
  for (const auto& [path, before] : failed_) {
    std::erase_if(now.entries,
                  [&](const auto& entry) { return entry.first == path || entry.first.starts_with(path + "/"); });
    if (before) now.entries[path] = *before;
  }
  before_ = std::move(now.entries);
  cut_before_ = std::move(now.cut);
  return {};
}

bool NameGuard::orders_nothing_new(const std::string& path, const Entries& now) const {
  if (!steps_.contains(path)) return false;
  const bool with_content = !before_->contains(path);
  for (auto at = now.lower_bound(path); at != now.end() && at->first.starts_with(path); ++at) {
    if (at->first != path && !(with_content && at->first[path.size()] == '/')) continue;
    const auto before = before_->find(at->first);
    const std::set<std::string> allowed =
        before == before_->end() ? std::set<std::string>() : before->second.orders(at->first);
    if (!std::ranges::includes(allowed, at->second.orders(at->first))) return false;
  }
  return true;
}

NameGuard::Finding NameGuard::put_back(int root, const std::string& path, Entry& before) const {
  const auto failed = [&](int error) { return Finding{Finding::Kind::kFailed, path, std::strerror(error)}; };
  if (S_ISDIR(before.mode)) {
    const Place place = place_of(root, path, kChange);
    if (!place.folder) return failed(errno);
    (void)remove_tree(place.folder.get(), place.name);
    if (mkdirat(place.folder.get(), place.name.c_str(), before.mode & 0777U) != 0) return failed(errno);
    // Whatever the mask of new files says.
    const UniqueFd made(
        openat(place.folder.get(), place.name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
    if (made) (void)fchmod(made.get(), before.mode & 07777U);
    return {Finding::Kind::kRestored, path, ""};
  }
  if (!before.bytes) return {Finding::Kind::kFailed, path, "too large to be kept"};
  const Place place = place_of(root, path, kChange);
  if (!place.folder) return failed(errno);
  if (const int error = remove_tree(place.folder.get(), place.name); error != 0) return failed(error);
  if (S_ISLNK(before.mode)) {
    struct stat status{};
    if (symlinkat(before.bytes->c_str(), place.folder.get(), place.name.c_str()) != 0) return failed(errno);
    if (fstatat(place.folder.get(), place.name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0) before.become(status);
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
  struct stat status{};
  if (fstat(file.get(), &status) == 0) before.become(status);
  return {Finding::Kind::kRestored, path, ""};
}

NameGuard::Finding NameGuard::put_aside(int root, const std::string& path, const Keep& keep) const {
  const Place place = place_of(root, path, kChange);
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
  TRY(const Look seen, look(false));
  const Entries& now = seen.entries;
  failed_.clear();
  for (const std::string& path : seen.opened) findings.push_back({Finding::Kind::kRestored, path, ""});
  std::set<std::string> cut = cut_before_;
  cut.insert(seen.cut.begin(), seen.cut.end());
  for (const std::string& name : cut) findings.push_back({Finding::Kind::kUnchecked, name, ""});
  // What lies in it may only have come within, or out of, what is looked at.
  const auto is_uncertain = [&cut](const std::string& path) {
    return std::ranges::any_of(cut, [&](const std::string& name) { return path.starts_with(name + "/"); });
  };
  std::string covered;
  for (const auto& [path, entry] : now) {
    if (before_->contains(path) || is_uncertain(path) || (!covered.empty() && path.starts_with(covered))) continue;
    if (orders_nothing_new(path, now)) continue;
    covered = path + "/";
    if (is_environment(path) || path.ends_with("venv/pyvenv.cfg")) {
      if (tainted_.insert(path).second) findings.push_back({Finding::Kind::kTainted, path, ""});
      continue;
    }
    findings.push_back(put_aside(root.get(), path, keep));
    if (findings.back().kind == Finding::Kind::kFailed) failed_[path] = std::nullopt;
  }
  // Folders come before what lies in them.
  std::string emptied;
  for (auto& [path, before] : *before_) {
    const bool step = steps_.contains(path);
    if (scope_ == Scope::kNewNames && !S_ISLNK(before.mode) && !step) continue;
    const auto at = now.find(path);
    const bool same = at != now.end() && at->second.mode == before.mode && at->second.inode == before.inode &&
                      at->second.size == before.size && at->second.changed_ns == before.changed_ns;
    if (same || (at == now.end() && is_uncertain(path))) continue;
    const bool lost = !emptied.empty() && path.starts_with(emptied);
    if (step && !lost && orders_nothing_new(path, now)) continue;
    if (step && S_ISDIR(before.mode)) emptied = path + "/";
    findings.push_back(put_back(root.get(), path, before));
    if (findings.back().kind == Finding::Kind::kFailed) failed_[path] = before;
  }
  undo_bare_repository(root.get(), keep, findings);
  return findings;
}

void NameGuard::undo_bare_repository(int root, const Keep& keep, std::vector<Finding>& findings) {
  const std::vector<std::string> parts = bare_repository_parts(root_);
  if (parts.size() < kBareRepositoryParts) return;
  const auto made = std::ranges::find_if(parts, [&](const std::string& part) { return !bare_parts_.contains(part); });
  if (made == parts.end()) return;
  findings.push_back(put_aside(root, *made, keep));
  if (findings.back().kind == Finding::Kind::kFailed) failed_[*made] = std::nullopt;
}

}  // namespace lathe::sandbox
