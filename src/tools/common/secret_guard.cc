#include "lathe/tools/common/secret_guard.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "lathe/runtime/files.h"

namespace lathe::tools::common {

using base::Error;
using base::Result;

namespace {

constexpr int kMaxDepth = 64;
constexpr std::size_t kMaxNames = 1'000'000;

Error secret(const Place& place) {
  return {.code = base::codes::kPermission,
          .message = fmt::format("{} holds secrets, which tools may not read", place.shown()),
          .hint = "go on without it; the person can change the setting secret-files"};
}

bool lies_in(const std::string& path, const std::string& folder) {
  return path == folder || (path.starts_with(folder) && path[folder.size()] == '/');
}

/// The working folder: the place without its part below it.
std::string root_of(const Place& place) {
  if (!place.inside() || place.relative == ".") return place.inside() ? place.absolute : "";
  if (!place.absolute.ends_with("/" + place.relative)) return "";
  return place.absolute.substr(0, place.absolute.size() - place.relative.size() - 1);
}

/// With and without links.
void add_both_names(std::vector<std::string>& folders, const std::string& path) {
  folders.push_back(path);
  if (auto real = runtime::real_path(path); real.ok() && *real != path) folders.push_back(*std::move(real));
}

/// What /proc tells of a process: its environment, memory and open files, those of Lathe itself among them.
bool is_of_process(const std::string& path) {
  constexpr std::string_view kProcesses = "/proc/";
  if (!path.starts_with(kProcesses) || path.size() == kProcesses.size()) return false;
  const std::string_view name = std::string_view(path).substr(kProcesses.size());
  const bool number = name.front() >= '0' && name.front() <= '9';
  return number || name.starts_with("self") || name.starts_with("thread-self");
}

class InodeSearch final {
 public:
  InodeSearch(const globs::SecretFiles& names, SecretGuard::Inodes& found) : names_(names), found_(found) {}

  void search(int parent, const char* name, const std::string& path, int depth) {
    const int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR* stream = fd < 0 ? nullptr : fdopendir(fd);
    if (stream == nullptr) return;
    while (const dirent* entry = readdir(stream)) {
      const std::string_view here = entry->d_name;
      if (here == "." || here == ".." || here == ".git" || ++seen_ > kMaxNames) continue;
      const std::string inner = path.empty() ? std::string(here) : path + "/" + std::string(here);
      if (names_.matches(inner)) {
        struct stat status{};
        if (fstatat(fd, entry->d_name, &status, 0) == 0) found_.emplace(status.st_dev, status.st_ino);
      }
      const bool folder = entry->d_type == DT_DIR || entry->d_type == DT_UNKNOWN;
      if (folder && depth < kMaxDepth) search(fd, entry->d_name, inner, depth + 1);
    }
    closedir(stream);
  }

 private:
  const globs::SecretFiles& names_;
  SecretGuard::Inodes& found_;
  std::size_t seen_ = 0;
};

}  // namespace

SecretGuard::SecretGuard(globs::SecretFiles project, const std::string& home, const std::vector<std::string>& folders,
                         const std::vector<std::string>& open)
    : project_(std::move(project)) {
  if (home.starts_with('/')) {
    for (const std::string& path : globs::home_secret_paths()) add_both_names(outside_, home + "/" + path);
  }
  for (const std::string& folder : folders) add_both_names(outside_, folder);
  for (const std::string& folder : open) add_both_names(open_, folder);
}

SecretGuard SecretGuard::with_open(const std::string& folder) const {
  SecretGuard guard = *this;
  add_both_names(guard.open_, folder);
  return guard;
}

bool SecretGuard::lies_outside(const std::string& path, const std::string& real_root) const {
  const auto holds = [&](const std::string& folder) {
    // Who works in such a folder has chosen to.
    return lies_in(path, folder) && (real_root.empty() || !lies_in(real_root, folder));
  };
  const auto is_open = [&](const std::string& folder) { return lies_in(path, folder); };
  return std::ranges::any_of(outside_, holds) && std::ranges::none_of(open_, is_open);
}

bool SecretGuard::names_secret(const std::string& path, const std::string& absolute) const {
  return project_.matches(path) || is_of_process(absolute) || lies_outside(absolute, "");
}

Result<void> SecretGuard::check(const Place& place, int fd, const struct stat& status) const {
  const std::string real = real_name(fd);
  const std::string root = root_of(place);
  const std::string real_root = root.empty() ? "" : runtime::real_path(root).value_or(root);
  if (is_of_process(real)) return secret(place);
  // A link out of an open folder is judged by where it leads.
  if (lies_outside(place.absolute, real_root) || lies_outside(real, real_root)) return secret(place);
  const bool real_inside = !real_root.empty() && lies_in(real, real_root) && real != real_root;
  if (project_.matches(place.inside() ? place.relative : place.absolute) ||
      project_.matches(real_inside ? real.substr(real_root.size() + 1) : real)) {
    return secret(place);
  }
  if (status.st_nlink > 1 && S_ISREG(status.st_mode) && !root.empty() &&
      inodes_below(root).contains({status.st_dev, status.st_ino})) {
    return secret(place);
  }
  return {};
}

Result<void> SecretGuard::check_name(const Place& place) const {
  const std::string& real = place.real.empty() ? place.absolute : place.real;
  const std::string root = root_of(place);
  const std::string real_root = root.empty() ? "" : runtime::real_path(root).value_or(root);
  const bool secret_place =
      is_of_process(real) || lies_outside(place.absolute, real_root) || lies_outside(real, real_root);
  if (secret_place) return secret(place);
  return {};
}

SecretGuard::Inodes SecretGuard::inodes_below(const std::string& folder) const {
  Inodes found;
  InodeSearch(project_, found).search(AT_FDCWD, folder.c_str(), "", 0);
  return found;
}

}  // namespace lathe::tools::common
