#include "lathe/undo/restore.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <map>

#include "lathe/base/secret_filter.h"
#include "lathe/runtime/files.h"
#include "lathe/undo/tree.h"

namespace lathe::undo {

using base::errno_error;
using base::Result;
using base::UniqueFd;

namespace {

/// All changes of one path, from the first on.
struct PathHistory {
  FileState first;
  FileState last;
  /// Between two changes of ours it was changed by someone else.
  bool broken = false;
};

std::map<std::string, PathHistory> histories(const std::vector<ChangeRecord>& changes, const std::string& root,
                                             std::int64_t seq) {
  std::map<std::string, PathHistory> paths;
  for (const ChangeRecord& change : changes) {
    if (change.at <= seq || change.root != root) continue;
    const auto [found, fresh] = paths.try_emplace(change.path, PathHistory{change.before, change.after});
    if (fresh) continue;
    PathHistory& history = found->second;
    // A tool's change that a command's snapshot saw again.
    if (same_content(history.last, change.after) && !same_content(history.last, change.before)) continue;
    history.broken = history.broken || !same_content(history.last, change.before);
    history.last = change.after;
  }
  return paths;
}

bool comes_back(const RestoreStep& step) { return step.target.kind != FileKind::kNone; }

Result<void> write_file(int folder, const std::string& name, const RestoreStep& step, const std::string& bytes) {
  static std::atomic<unsigned> count{0};
  const std::string temporary = fmt::format(".lathe-undo-{}-{}.tmp", getpid(), count.fetch_add(1));
  Result<void> done;
  if (step.target.kind == FileKind::kLink) {
    if (symlinkat(bytes.c_str(), folder, temporary.c_str()) != 0) done = errno_error(errno, step.path);
  } else {
    const UniqueFd fd(openat(folder, temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666));
    if (!fd) return errno_error(errno, step.path);
    done = runtime::write_all(fd.get(), bytes, step.path);
    // Best effort: only root may give files away.
    struct stat was{};
    if (fstatat(folder, name.c_str(), &was, AT_SYMLINK_NOFOLLOW) == 0) (void)!fchown(fd.get(), was.st_uid, was.st_gid);
    const auto mode = step.target.mode ? step.target.mode : step.now.mode;
    if (done.ok() && mode && fchmod(fd.get(), static_cast<mode_t>(*mode)) != 0) done = errno_error(errno, step.path);
  }
  if (done.ok() && renameat(folder, temporary.c_str(), folder, name.c_str()) != 0) done = errno_error(errno, step.path);
  if (!done.ok()) unlinkat(folder, temporary.c_str(), 0);
  return done;
}

/// The folder that holds the path, made with those above it when they are missing.
Result<UniqueFd> open_parent(int root, const std::string& folder, bool make) {
  auto opened = open_folder_beneath(root, folder);
  if (opened.ok() || !make || opened.error().code != base::codes::kNotFound) return opened;
  const auto [above, name] = split_name(folder);
  TRY(const UniqueFd parent, open_parent(root, above, make));
  if (mkdirat(parent.get(), name.c_str(), 0777) != 0 && errno != EEXIST) return errno_error(errno, folder);
  return open_folder_beneath(root, folder);
}

Result<StepEnd> remove(int folder, const std::string& name, const RestoreStep& step) {
  const bool is_folder = step.now.kind == FileKind::kFolder;
  if (unlinkat(folder, name.c_str(), is_folder ? AT_REMOVEDIR : 0) == 0 || errno == ENOENT) return StepEnd::kDone;
  if (is_folder && (errno == ENOTEMPTY || errno == EEXIST)) return StepEnd::kLeft;
  return errno_error(errno, step.path);
}

Result<StepEnd> set_mode(int folder, const std::string& name, const RestoreStep& step) {
  if (!step.target.mode) return StepEnd::kDone;
  // Not through a link: it was looked at a moment ago and is a file or folder.
  const UniqueFd fd(openat(folder, name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
  if (!fd) return errno_error(errno, step.path);
  const std::string by_descriptor = fmt::format("/proc/self/fd/{}", fd.get());
  if (chmod(by_descriptor.c_str(), static_cast<mode_t>(*step.target.mode)) != 0) return errno_error(errno, step.path);
  return StepEnd::kDone;
}

/// Known by their hash, so that no others are ever written.
Result<std::string> bytes_of(const FileState& target, ports::BlobStore& blobs) {
  auto bytes = blobs.get(target.content, kMaxFileBytes);
  if (bytes.ok() || target.git.empty() || bytes.error().code != base::codes::kNotFound) return bytes;
  return base::Error{
      .code = base::codes::kNotFound,
      .message = fmt::format("cannot be taken back: git's object {}, which held it, was changed in place or is gone",
                             target.git)};
}

}  // namespace

Result<RestorePlan> plan_restore(const std::vector<ChangeRecord>& changes, const std::string& root, std::int64_t seq) {
  const UniqueFd folder(open(root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!folder) return errno_error(errno, root);
  RestorePlan plan;
  for (const auto& [path, history] : histories(changes, root, seq)) {
    auto now = look_at(folder.get(), path);
    // What cannot be read, or has become too large, is not what a Task left.
    if (!now.ok()) {
      plan.conflicts.push_back(path);
      continue;
    }
    const bool back_already = same_content(*now, history.first);
    if (back_already && (same_mode(*now, history.first) || !same_mode(*now, history.last))) continue;
    if (!back_already && (history.broken || !same_content(*now, history.last))) {
      plan.conflicts.push_back(path);
      continue;
    }
    plan.steps.push_back({.root = root, .path = path, .now = *std::move(now), .target = history.first});
  }
  std::ranges::sort(plan.steps, [](const RestoreStep& a, const RestoreStep& b) {
    if (comes_back(a) != comes_back(b)) return comes_back(b);
    return comes_back(a) ? path_less(a.path, b.path) : path_less(b.path, a.path);
  });
  return plan;
}

Result<StepEnd> carry_out(const RestoreStep& step, ports::BlobStore& blobs, std::span<const std::string> keys) {
  const UniqueFd root_fd(open(step.root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!root_fd) return errno_error(errno, step.root);
  TRY(const FileState now, look_at(root_fd.get(), step.path));
  if (!same_content(now, step.now)) return StepEnd::kConflict;
  const auto [folder_path, name] = split_name(step.path);
  TRY(const UniqueFd folder, open_parent(root_fd.get(), folder_path, comes_back(step)));
  const bool has_bytes = now.kind == FileKind::kFile || now.kind == FileKind::kLink;
  if (has_bytes && !same_content(now, step.target)) {
    TRY(const std::string bytes, read_content(folder.get(), name, now.kind));
    if (base::holds_secret(bytes, keys)) return StepEnd::kConflict;
    TRY_OK(blobs.put(bytes));
  }
  if (!comes_back(step)) return remove(folder.get(), name, step);
  if (same_content(now, step.target)) return set_mode(folder.get(), name, step);
  if (step.target.kind == FileKind::kFolder) {
    if (now.kind != FileKind::kNone) TRY_OK(remove(folder.get(), name, step));
    if (mkdirat(folder.get(), name.c_str(), 0777) != 0) return errno_error(errno, step.path);
    return set_mode(folder.get(), name, step);
  }
  TRY(const std::string bytes, bytes_of(step.target, blobs));
  if (now.kind == FileKind::kFolder) {
    TRY(const StepEnd end, remove(folder.get(), name, step));
    if (end != StepEnd::kDone) return end == StepEnd::kLeft ? StepEnd::kConflict : end;
  }
  TRY_OK(write_file(folder.get(), name, step, bytes));
  return StepEnd::kDone;
}

}  // namespace lathe::undo
