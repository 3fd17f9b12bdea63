#include "lathe/tools/search/walk.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <ranges>
#include <vector>

#include "lathe/base/unique_fd.h"
#include "lathe/globs/ignore_rules.h"
#include "lathe/runtime/files.h"

namespace lathe::tools::search {

using base::Result;
using base::UniqueFd;
using globs::EntryKind;
using globs::IgnoreRules;

namespace {

constexpr int kMaxDepth = 100;
constexpr std::size_t kMaxRulesBytes = 1U << 20;

struct Entry {
  std::string name;
  EntryKind kind;
};

constexpr int kFolderFlags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

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
    if (name == "." || name == ".." || name == ".git") continue;
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
  Walker(const std::atomic<bool>& stop, const std::function<Visit(const FoundFile&)>& visit)
      : stop_(stop), visit_(visit) {}

  /// The rules above `root`, outermost first.
  void read_parents(const std::string& root) {
    std::vector<std::string> folders;
    for (std::string folder = root; folder != "/" && !runtime::path_exists(folder + "/.git");) {
      const std::size_t slash = folder.find_last_of('/');
      folder = slash == 0 ? "/" : folder.substr(0, slash);
      folders.push_back(folder);
    }
    for (const std::string& folder : folders | std::views::reverse) {
      const UniqueFd open(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
      if (open) read_rules(open.get(), folder);
    }
  }

  /// `folder` is open; `absolute` and `relative` name it.
  Visit walk(int folder, const std::string& absolute, const std::string& relative, int depth) {
    if (stop_.load(std::memory_order_relaxed)) return Visit::kStop;
    const std::size_t rules_before = rules_.size();
    read_rules(folder, absolute);
    Visit result = Visit::kGoOn;
    for (const Entry& entry : entries_of(folder)) {
      const std::string path = (absolute == "/" ? "" : absolute) + "/" + entry.name;
      if (ignored(path, entry.kind)) continue;
      const std::string shown = relative.empty() ? entry.name : relative + "/" + entry.name;
      if (entry.kind == EntryKind::kFile) {
        result = visit_({.path = shown, .folder = folder, .name = entry.name});
      } else if (depth < kMaxDepth) {
        const UniqueFd inner(openat(folder, entry.name.c_str(), kFolderFlags));
        if (inner) result = walk(inner.get(), path, shown, depth + 1);
      }
      if (result == Visit::kStop) break;
    }
    rules_.erase(rules_.begin() + static_cast<std::ptrdiff_t>(rules_before), rules_.end());
    return result;
  }

 private:
  void read_rules(int folder, const std::string& absolute) {
    const UniqueFd file(openat(folder, ".gitignore", O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC));
    struct stat status{};
    if (!file || fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode)) return;
    const auto text = runtime::read_all(file.get(), kMaxRulesBytes, absolute);
    if (text.ok()) rules_.push_back(IgnoreRules::parse(absolute, *text));
  }
  /// The nearest file that says anything decides.
  [[nodiscard]] bool ignored(const std::string& path, EntryKind kind) const {
    for (const IgnoreRules& rules : rules_ | std::views::reverse) {
      if (const auto decided = rules.ignores(path, kind)) return *decided;
    }
    return false;
  }

  const std::atomic<bool>& stop_;
  const std::function<Visit(const FoundFile&)>& visit_;
  std::vector<IgnoreRules> rules_;
};

}  // namespace

Result<void> walk_files(const common::Place& root, const std::atomic<bool>& stop,
                        const std::function<Visit(const FoundFile& file)>& visit) {
  TRY(const UniqueFd there, common::open_place(root, O_RDONLY | O_DIRECTORY));
  const std::string& name = root.real.empty() ? root.absolute : root.real;
  Walker walker(stop, visit);
  walker.read_parents(name);
  (void)walker.walk(there.get(), name, "", 0);
  return {};
}

}  // namespace lathe::tools::search
