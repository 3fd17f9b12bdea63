#include "lathe/undo/tree_walk.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <ctime>
#include <optional>
#include <unordered_map>

#include "lathe/base/secret_filter.h"
#include "lathe/base/strings.h"
#include "lathe/base/unique_fd.h"
#include "lathe/crypto/git_blob_id.h"
#include "lathe/crypto/sha256.h"
#include "lathe/runtime/files.h"
#include "lathe/undo/git_objects.h"
#include "lathe/undo/ignored_names.h"
#include "lathe/undo/private_objects.h"

// Both the known tree and the walk go in the order of path_less(), so the two are merged in one pass: a known path that
// the walk has passed is gone, one that it meets is compared by its stamp.

namespace lathe::undo {

using base::errno_error;
using base::Result;
using base::UniqueFd;

namespace {

constexpr int kMaxDepth = 200;
constexpr std::size_t kMaxIndexBytes = 256U << 20;
/// The kernel stamps with the time of its last tick; a file that was changed so shortly ago may change again unseen.
constexpr std::int64_t kTickNanos = 20'000'000;
constexpr std::string_view kRulesName = ".gitignore";

std::int64_t now_ns() {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  return now.tv_sec * 1'000'000'000 + now.tv_nsec;
}

/// Sorted, without ".", ".." and ".git".
std::vector<std::string> names_of(const UniqueFd& folder) {
  std::vector<std::string> names;
  DIR* stream = fdopendir(fcntl(folder.get(), F_DUPFD_CLOEXEC, 3));
  if (stream == nullptr) return names;
  while (const dirent* entry = readdir(stream)) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != ".." && name != ".git") names.emplace_back(name);
  }
  closedir(stream);
  std::ranges::sort(names);
  return names;
}

std::string joined(const std::string& folder, const std::string& name) {
  return folder.empty() ? name : folder + "/" + name;
}

class Walk final {
 public:
  Walk(const std::string& root, Tree known, ports::BlobStore& blobs, const WalkOptions& options)
      : root_(root), known_(std::move(known)), blobs_(blobs), options_(options) {
    tree_.root = root;
    tree_.entries.reserve(known_.entries.size() + 16);
  }

  Result<Walked> run() {
    UniqueFd folder(open(root_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    struct stat status{};
    if (!folder || fstat(folder.get(), &status) != 0) return errno_error(errno, root_);
    device_ = status.st_dev;
    tree_.rules = crypto::sha256(ignored_.read_above(root_) + '\0' + base::join(options_.secrets.patterns(), "\n"));
    for (const TreeEntry& entry : known_.entries) {
      if (split_name(entry.path).second == kRulesName) known_rules_.emplace(entry.path, entry.stamp);
    }
    const bool fresh = known_.root != root_ || known_.rules != tree_.rules;
    if (fresh) different_ = true;
    TRY_OK(walk(folder, "", fresh, 0));
    // What lies beyond the end is not gone.
    while (next_ < known_.entries.size() && !is_at_or_beyond(tree_.end, known_.entries[next_].path)) {
      forget(known_.entries[next_++]);
    }
    different_ = different_ || tree_.end != known_.end;
    return Walked{std::move(tree_), std::move(changes_), different_};
  }

 private:
  Result<void> walk(const UniqueFd& folder, const std::string& path, bool rules_changed, int depth) {
    const std::vector<std::string> names = names_of(folder);
    const std::string rules_path = joined(path, std::string(kRulesName));
    struct stat status{};
    const bool has_rules = std::ranges::binary_search(names, kRulesName) &&
                           fstatat(folder.get(), kRulesName.data(), &status, AT_SYMLINK_NOFOLLOW) == 0 &&
                           S_ISREG(status.st_mode);
    const auto before = known_rules_.find(rules_path);
    rules_changed = rules_changed || has_rules != (before != known_rules_.end()) ||
                    (has_rules && before->second != stamp_of(status));
    ignored_.enter(path.empty() ? root_ : root_ + "/" + path, has_rules);
    for (const std::string& name : names) {
      if (tree_.entries.size() >= options_.max_entries && tree_.end.empty()) tree_.end = joined(path, name);
      if (!tree_.end.empty()) break;
      TRY_OK(visit(folder, joined(path, name), name, rules_changed, depth));
    }
    ignored_.leave();
    return {};
  }

  Result<void> visit(const UniqueFd& folder, std::string path, const std::string& name, bool rules_changed, int depth) {
    struct stat status{};
    if (fstatat(folder.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) return {};
    const FileStamp stamp = stamp_of(status);
    TreeEntry* const known = known_at(path);
    const bool asked_before = known != nullptr && !rules_changed && known->state.kind == kind_of(status.st_mode);
    const bool covered = asked_before && is_named_out(*known) ? false
                         : asked_before && known->covered     ? true
                                                              : may_be_covered(path, status);
    if (!covered) {
      pass_over(known, std::move(path), kind_of(status.st_mode));
      return {};
    }
    if (S_ISDIR(status.st_mode)) return enter(folder, std::move(path), name, stamp, known, rules_changed, depth);
    if (known != nullptr && known->stamp == stamp && !known->lost) {
      tree_.entries.push_back(std::move(*known));
      return {};
    }
    return take(folder, std::move(path), name, stamp, known);
  }

  /// Left out by its name alone, so that its stamp says nothing.
  static bool is_named_out(const TreeEntry& entry) { return !entry.covered && entry.stamp == FileStamp{}; }

  bool may_be_covered(const std::string& path, const struct stat& status) {
    const bool folder = S_ISDIR(status.st_mode);
    const std::string absolute = root_ + "/" + path;
    if (!folder && !S_ISREG(status.st_mode) && !S_ISLNK(status.st_mode)) return false;
    if (status.st_dev != device_ || absolute == options_.left_out) return false;
    if (!folder && options_.secrets.matches(path)) return false;
    return !ignored_.ignores(absolute, folder ? globs::EntryKind::kFolder : globs::EntryKind::kFile) ||
           (!folder && indexed().contains(in_repository(path)));
  }

  Result<void> enter(const UniqueFd& parent, std::string path, const std::string& name, const FileStamp& stamp,
                     TreeEntry* known, bool rules_changed, int depth) {
    TreeEntry entry{.path = path, .covered = true, .state = {.kind = FileKind::kFolder}, .stamp = {}};
    entry.state.mode = stamp.mode & 07777U;
    const UniqueFd folder(openat(parent.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!folder || depth >= kMaxDepth) {
      pass_over(known, std::move(path), FileKind::kFolder);
      return {};
    }
    put(known, std::move(entry));
    return walk(folder, path, rules_changed, depth + 1);
  }

  Result<void> take(const UniqueFd& folder, std::string path, const std::string& name, const FileStamp& stamp,
                    TreeEntry* known) {
    TreeEntry entry{.path = std::move(path), .covered = true, .state = {}, .stamp = stamp};
    const FileKind kind = kind_of(stamp.mode);
    const auto size = static_cast<std::uint64_t>(std::max<std::int64_t>(stamp.size, 0));
    entry.state.kind = kind;
    if (kind == FileKind::kFile) entry.state.mode = stamp.mode & 07777U;
    auto bytes = fits(entry.path, size) ? read_content(folder.get(), name, kind)
                                        : Result<std::string>(base::Error{.code = base::codes::kLimit, .message = {}});
    if (!bytes.ok() && bytes.error().code == base::codes::kNotFound) return {};
    if (!bytes.ok() || base::holds_secret(*bytes, options_.keys)) {
      entry.covered = false;
      put(known, std::move(entry));
      return {};
    }
    entry.state.size = static_cast<std::int64_t>(bytes->size());
    entry.state.content = crypto::sha256(*bytes);
    if (stamp.changed_ns + kTickNanos > now_ns()) entry.stamp.changed_ns = 0;
    TRY(entry.covered, keep(entry, *bytes, known));
    put(known, std::move(entry));
    return {};
  }

  /// Whether one walk may read, and copy, that much more.
  bool fits(const std::string& path, std::uint64_t size) {
    read_bytes_ += size;
    if (size > options_.max_file_bytes || read_bytes_ > options_.max_read_bytes) return false;
    return new_bytes_ + size <= options_.max_new_bytes || indexed().contains(in_repository(path));
  }

  /// Makes sure that the bytes can be had again; false when that would be more than one walk may copy.
  Result<bool> keep(TreeEntry& entry, const std::string& bytes, const TreeEntry* known) {
    if (known != nullptr && known->covered && !known->lost && known->state.content == entry.state.content) {
      entry.state.git = known->state.git;
      return true;
    }
    const auto object = indexed().find(in_repository(entry.path));
    if (object != indexed().end() && crypto::git_blob_id(bytes) == object->second && is_kept(object->second)) {
      entry.state.git = object->second;
      return true;
    }
    if (new_bytes_ + bytes.size() > options_.max_new_bytes) return false;
    new_bytes_ += bytes.size();
    TRY_OK(blobs_.put(bytes));
    return true;
  }

  void pass_over(const TreeEntry* known, std::string path, FileKind kind) {
    put(known, {.path = std::move(path), .covered = false, .state = {.kind = kind}, .stamp = {}});
  }

  void put(const TreeEntry* known, TreeEntry entry) {
    if (known == nullptr || *known != entry) {
      different_ = true;
      const FileState before = known != nullptr && known->covered ? known->state : FileState{};
      const FileState after = entry.covered ? entry.state : FileState{};
      // What comes under or out of the rules was not changed by anyone, nor what was not looked at before.
      const bool seen = (known == nullptr ? !is_at_or_beyond(known_.end, entry.path) : known->covered) && entry.covered;
      if (seen && (!same_content(before, after) || !same_mode(before, after))) {
        changes_.push_back({entry.path, before, after});
      }
    }
    tree_.entries.push_back(std::move(entry));
  }

  /// Whether looking that ended at `end` did not get to the path.
  static bool is_at_or_beyond(const std::string& end, const std::string& path) {
    return !end.empty() && !path_less(path, end);
  }

  void forget(const TreeEntry& gone) {
    different_ = true;
    if (gone.covered) changes_.push_back({gone.path, gone.state, FileState{}});
  }

  /// The known entry of the path, after those that come before it, which are gone.
  TreeEntry* known_at(const std::string& path) {
    auto& entries = known_.entries;
    while (next_ < entries.size() && path_less(entries[next_].path, path)) forget(entries[next_++]);
    if (next_ == entries.size() || entries[next_].path != path) return nullptr;
    return &entries[next_++];
  }

  std::string in_repository(const std::string& path) const { return prefix_ + path; }
  /// Read when something new is met, so not at all in an unchanged workspace.
  const IndexedObjects& indexed() {
    if (indexed_) return *indexed_;
    indexed_.emplace();
    const auto repository = Repository::find(root_);
    if (!repository) return *indexed_;
    if (root_ != repository->root) prefix_ = root_.substr(repository->root.size() + 1) + "/";
    const auto bytes = read_regular_file(repository->index_file, kMaxIndexBytes);
    if (!bytes.ok()) return *indexed_;
    if (auto objects = parse_git_index(*bytes); objects.ok()) indexed_ = *std::move(objects);
    repository_objects_ = repository->objects_folder;
    return *indexed_;
  }

  /// Whether the object stays, whatever becomes of the repository.
  bool is_kept(const std::string& name) {
    if (!objects_ && !options_.objects_folder.empty()) {
      auto opened = PrivateObjects::open(options_.objects_folder, repository_objects_);
      if (!opened.ok()) return false;
      objects_ = *std::move(opened);
    }
    return objects_ && objects_->keep(name);
  }

  const std::string& root_;
  Tree known_;
  std::size_t next_ = 0;
  ports::BlobStore& blobs_;
  const WalkOptions& options_;
  dev_t device_ = 0;
  IgnoredNames ignored_;
  std::unordered_map<std::string, FileStamp> known_rules_;
  std::optional<IndexedObjects> indexed_;
  std::string repository_objects_;
  std::optional<PrivateObjects> objects_;
  /// Of paths in the repository, when the root is a folder in it.
  std::string prefix_;
  std::uint64_t new_bytes_ = 0;
  std::uint64_t read_bytes_ = 0;
  Tree tree_;
  std::vector<TreeChange> changes_;
  bool different_ = false;
};

}  // namespace

Result<Walked> walk_tree(const std::string& root, Tree known, ports::BlobStore& blobs, const WalkOptions& options) {
  return Walk(root, std::move(known), blobs, options).run();
}

}  // namespace lathe::undo
