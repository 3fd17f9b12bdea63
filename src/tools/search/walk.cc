#include "lathe/tools/search/walk.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

#include "lathe/base/unique_fd.h"

namespace lathe::tools::search {

using base::Result;
using base::UniqueFd;
using globs::EntryKind;

namespace {

constexpr std::size_t kMaxDepth = 100;
constexpr std::string_view kGit = ".git";

struct Entry {
  std::string name;
  EntryKind kind;
};

constexpr int kFolderFlags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

std::string below(const std::string& folder, const std::string& name) {
  return (folder == "/" ? "" : folder) + "/" + name;
}

/// What is searched for when the path leads to it through links.
const std::string& real_name_of(const common::Place& root) { return root.real.empty() ? root.absolute : root.real; }

/// Regular files and folders by name; nothing for a folder that cannot be read.
std::vector<Entry> entries_of(int folder) {
  std::vector<Entry> entries;
  const int own = fcntl(folder, F_DUPFD_CLOEXEC, 0);
  DIR* stream = own < 0 ? nullptr : fdopendir(own);
  if (stream == nullptr) {
    if (own >= 0) close(own);
    return entries;
  }
  while (const dirent* entry = readdir(stream)) {
    const std::string_view name = entry->d_name;
    if (name == "." || name == ".." || name == kGit) continue;
    unsigned char type = entry->d_type;
    if (type == DT_UNKNOWN) {
      struct stat status{};
      if (fstatat(dirfd(stream), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0) continue;
      type = S_ISDIR(status.st_mode) ? DT_DIR : S_ISREG(status.st_mode) ? DT_REG : DT_UNKNOWN;
    }
    if (type == DT_DIR || type == DT_REG) {
      entries.push_back({std::string(name), type == DT_DIR ? EntryKind::kFolder : EntryKind::kFile});
    }
  }
  closedir(stream);
  std::ranges::sort(entries, {}, &Entry::name);
  return entries;
}

class Walker {
 public:
  Walker(const std::string& root, const std::atomic<bool>& stop, const std::function<Visit(const FoundFile&)>& visit)
      : stop_(stop), visit_(visit) {
    ignore_.enter_above(root);
  }
  /// Nothing else is looked for.
  void end_at_waiting_rules() { ends_at_waiting_rules_ = true; }
  [[nodiscard]] bool came_by_waiting_rules() const { return ignore_.has_waiting(); }

  /// `folder` is open; `absolute` and `relative` name it.
  Visit walk(int folder, const std::string& absolute, const std::string& relative, std::size_t depth) {
    if (stop_.load(std::memory_order_relaxed)) return Visit::kStop;
    ignore_.enter(folder, absolute);
    if (ends_at_waiting_rules_ && ignore_.has_waiting()) return Visit::kStop;
    Visit result = Visit::kGoOn;
    for (const Entry& entry : entries_of(folder)) {
      const std::string path = below(absolute, entry.name);
      if (ignore_.ignores(path, entry.kind)) continue;
      const std::string shown = relative.empty() ? entry.name : relative + "/" + entry.name;
      if (entry.kind == EntryKind::kFile) {
        result = visit_({.path = shown, .folder = folder, .name = entry.name});
      } else if (depth < kMaxDepth) {
        const UniqueFd inner(openat(folder, entry.name.c_str(), kFolderFlags));
        if (inner) result = walk(inner.get(), path, shown, depth + 1);
      }
      if (result == Visit::kStop) break;
    }
    ignore_.leave();
    return result;
  }

 private:
  const std::atomic<bool>& stop_;
  const std::function<Visit(const FoundFile&)>& visit_;
  IgnoreFiles ignore_;
  bool ends_at_waiting_rules_ = false;
};

}  // namespace

Result<void> walk_files(const common::Place& root, const std::atomic<bool>& stop,
                        const std::function<Visit(const FoundFile& file)>& visit) {
  TRY(const UniqueFd there, common::open_place(root, O_RDONLY | O_DIRECTORY));
  const std::string& name = real_name_of(root);
  (void)Walker(name, stop, visit).walk(there.get(), name, "", 0);
  return {};
}

bool has_waiting_rules(const common::Place& root, const std::atomic<bool>& stop) {
  const auto there = common::open_place(root, O_RDONLY | O_DIRECTORY);
  if (!there.ok()) return false;
  const std::function<Visit(const FoundFile&)> pass = [](const FoundFile&) { return Visit::kGoOn; };
  const std::string& name = real_name_of(root);
  Walker walker(name, stop, pass);
  walker.end_at_waiting_rules();
  (void)walker.walk(there->get(), name, "", 0);
  return walker.came_by_waiting_rules();
}

UniqueFd open_found(const FoundFile& file) {
  return UniqueFd(openat(file.folder, file.name.c_str(), O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC));
}

Result<WalkedFiles> WalkedFiles::create(const common::Place& root) {
  TRY(UniqueFd there, common::open_place(root, O_RDONLY | O_DIRECTORY));
  return WalkedFiles(std::move(there), real_name_of(root));
}

WalkedFiles::WalkedFiles(UniqueFd root, std::string absolute) : root_(std::move(root)), absolute_(std::move(absolute)) {
  ignore_.enter_above(absolute_);
  ignore_.enter(root_.get(), absolute_);
}

UniqueFd WalkedFiles::open(const std::string& path) {
  while (!folders_.empty() && !path.starts_with(folders_.back().path + "/")) {
    folders_.pop_back();
    ignore_.leave();
  }
  std::size_t from = folders_.empty() ? 0 : folders_.back().path.size() + 1;
  for (std::size_t slash = path.find('/', from); slash != std::string::npos; slash = path.find('/', from)) {
    if (!enter(path.substr(0, slash), path.substr(from, slash - from))) return {};
    from = slash + 1;
  }
  const std::string name = path.substr(from);
  if (name == kGit || ignore_.ignores(below(absolute_, path), EntryKind::kFile)) return {};
  return open_found({.path = path, .folder = here(), .name = name});
}

bool WalkedFiles::enter(const std::string& path, const std::string& name) {
  const std::string absolute = below(absolute_, path);
  if (name == kGit || folders_.size() == kMaxDepth || ignore_.ignores(absolute, EntryKind::kFolder)) return false;
  UniqueFd inner(openat(here(), name.c_str(), kFolderFlags));
  if (!inner) return false;
  ignore_.enter(inner.get(), absolute);
  folders_.push_back({path, std::move(inner)});
  return true;
}

}  // namespace lathe::tools::search
