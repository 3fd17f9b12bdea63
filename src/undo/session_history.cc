#include "lathe/undo/session_history.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <map>

#include "lathe/base/secret_filter.h"
#include "lathe/crypto/sha256.h"
#include "lathe/undo/git_objects.h"
#include "lathe/undo/private_objects.h"

namespace lathe::undo {

using base::Error;
using base::Result;
using ports::RestoreMode;
using ports::RestoreReport;
using ports::SnapshotSummary;
using runtime::Async;

namespace {

constexpr std::size_t kShownNotCovered = 100;
/// The root of what lies outside of the working folder.
constexpr const char* kEverything = "/";
constexpr std::size_t kMaxTreeBytes = 1U << 30;
/// Bytes of git objects that are fetched at once.
constexpr std::int64_t kFetchBytes = 32LL << 20;

FileState state_of(const std::optional<std::string_view>& bytes) {
  if (!bytes) return {};
  return {.kind = FileKind::kFile,
          .mode = {},
          .size = static_cast<std::int64_t>(bytes->size()),
          .content = crypto::sha256(*bytes),
          .git = {}};
}

/// The record of an undo's step that did not happen.
ChangeRecord taken_back(ChangeRecord record) {
  std::swap(record.before, record.after);
  return record;
}

/// Where the file really is: links in the path to it, and at its end, followed.
/// Fails where a link leads nowhere, or is swapped while it is looked at.
Result<std::string> real_place(const std::string& path) {
  std::error_code error;
  std::string place = std::filesystem::weakly_canonical(path, error).string();
  if (error) return base::errno_error(error.value(), path);
  return place;
}

}  // namespace

SessionHistory::SessionHistory(runtime::Pool& pool, ports::BlobStore& blobs, HistoryOptions options)
    : pool_(pool), blobs_(blobs), options_(std::move(options)) {
  options_.root = runtime::real_path(options_.root).value_or(options_.root);
  walk_options_.secrets = options_.secrets;
  walk_options_.left_out = options_.left_out;
  walk_options_.objects_folder = objects_folder();
}

std::vector<std::string> SessionHistory::keys() const {
  return options_.keys ? options_.keys() : std::vector<std::string>();
}

std::string SessionHistory::cache_file() const {
  return options_.cache_folder + "/" + crypto::sha256(options_.root).substr(0, 32);
}

ports::ReadSet& SessionHistory::reads() {
  std::call_once(reads_opened_, [this] {
    (void)runtime::make_folders(options_.folder).ok();
    reads_ = FileReadSet::open(options_.folder + "/seen");
  });
  return *reads_;
}

Result<void> SessionHistory::open() {
  if (log_) return {};
  TRY_OK(runtime::make_folders(options_.folder));
  TRY(ChangeLog log, ChangeLog::open(options_.folder + "/changes.ndjson", options_.disk, options_.durability));
  const bool died = log.open_command() && log.open_command()->root == options_.root;
  bool has_tree = false;
  for (const std::string& file : {options_.folder + "/tree", cache_file()}) {
    const auto bytes = runtime::read_file(file, kMaxTreeBytes);
    if (!bytes.ok()) continue;
    auto tree = Tree::decode(*bytes);
    if (!tree.ok() || tree->root != options_.root) continue;
    tree_ = *std::move(tree);
    find_lost_bytes();
    has_tree = true;
    break;
  }
  log_ = std::move(log);
  if (auto settled = settle_what_died(); !settled.ok()) {
    log_.reset();
    return settled;
  }
  if (!died || !has_tree) {
    // In another working folder, where this history does not look, or nobody knows what this one was before: then
    // everything in it would seem to be the command's.
    if (!log_->open_command()) return {};
    auto ended = log_->end_command({});
    if (!ended.ok()) log_.reset();
    return ended;
  }
  const std::int64_t at = at_.exchange(log_->open_command()->at);
  auto closed = take_changes();
  at_.store(at);
  if (!closed.ok()) log_.reset();
  return closed;
}

void SessionHistory::find_lost_bytes() {
  std::optional<PrivateObjects> objects;
  for (TreeEntry& entry : tree_.entries) {
    if (!entry.covered || entry.state.content.empty()) continue;
    if (entry.state.git.empty()) {
      // Its size alone is asked for.
      const auto there = blobs_.get(entry.state.content, 0);
      entry.lost = !there.ok() && there.error().code == base::codes::kNotFound;
      continue;
    }
    if (!objects) {
      const auto repository = Repository::find(options_.root);
      auto opened = PrivateObjects::open(objects_folder(), repository ? repository->objects_folder : "");
      if (!opened.ok()) {
        entry.lost = true;
        continue;
      }
      objects = *std::move(opened);
    }
    entry.lost = !objects->keep(entry.state.git);
  }
}

Result<void> SessionHistory::settle(std::vector<ChangeRecord> not_done, const ChangeRecord& last) {
  ChangeRecord end = last;
  const bool last_not_done =
      !not_done.empty() && not_done.back().root == last.root && not_done.back().path == last.path;
  if (last_not_done) end.after = not_done.back().after;
  end.before = end.after;
  not_done.push_back(std::move(end));
  auto kept = log_->append(not_done);
  // Opened again, it is settled by what is found.
  if (!kept.ok()) log_.reset();
  return kept;
}

Result<void> SessionHistory::settle_what_died() {
  const std::vector<ChangeRecord>& changes = log_->changes();
  const auto of_undo = [](const ChangeRecord& change) {
    return change.by == ChangedBy::kUndo && change.before != change.after;
  };
  const auto begin = std::find_if_not(changes.rbegin(), changes.rend(), of_undo).base();
  // That of another working folder is settled there.
  const auto in_another = [this](const ChangeRecord& change) {
    return change.root != options_.root && change.root != kEverything;
  };
  if (begin == changes.end() || std::any_of(begin, changes.end(), in_another)) return {};
  std::vector<ChangeRecord> not_done;
  for (auto change = begin; change != changes.end(); ++change) {
    const base::UniqueFd root(::open(change->root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!root) return base::errno_error(errno, change->root);
    const auto now = look_at(root.get(), change->path);
    if (now.ok() && same_content(*now, change->before)) not_done.push_back(taken_back(*change));
  }
  return settle(std::move(not_done), changes.back());
}

Result<std::vector<TreeChange>> SessionHistory::sweep() {
  walk_options_.keys = keys();
  TRY(Walked walked, walk_tree(options_.root, std::move(tree_), blobs_, walk_options_));
  tree_ = std::move(walked.tree);
  tree_is_new_ = tree_is_new_ || walked.different;
  return std::move(walked.changes);
}

Result<void> SessionHistory::keep_tree() {
  const std::string file = options_.folder + "/tree";
  if (tree_is_new_ || !runtime::path_exists(file)) {
    TRY_OK(options_.disk.replace_file(file, tree_.encode(), "tree", options_.durability));
    tree_is_new_ = false;
    // A second name for the same bytes; without it the next session reads more.
    const std::string fresh = fmt::format("{}.{}", cache_file(), getpid());
    if (runtime::make_folders(options_.cache_folder).ok() && link(file.c_str(), fresh.c_str()) == 0 &&
        rename(fresh.c_str(), cache_file().c_str()) != 0) {
      unlink(fresh.c_str());
    }
  }
  return {};
}

Result<SnapshotSummary> SessionHistory::snapshot() {
  const std::scoped_lock lock(mutex_);
  TRY_OK(open());
  if (log_->open_command()) {
    TRY_OK(take_changes());
  } else {
    // What changed while no command of ours ran is nobody's here.
    TRY_OK(sweep());
  }
  TRY_OK(keep_tree());
  if (!log_->open_command()) TRY_OK(log_->begin_command({.at = at_.load(), .root = options_.root}));
  return SnapshotSummary{.files = tree_.covered_files(), .not_covered = tree_.not_covered(kShownNotCovered)};
}

Result<void> SessionHistory::take_changes() {
  TRY(const std::vector<TreeChange> changes, sweep());
  std::vector<ChangeRecord> records;
  for (const TreeChange& change : changes) {
    records.push_back({.at = at_.load(),
                       .by = ChangedBy::kCommand,
                       .root = options_.root,
                       .path = change.path,
                       .before = change.before,
                       .after = change.after});
  }
  // The changes come first: a tree that knew them already would not show them to who finds this command unended. It is
  // kept now, and not only before the next command, so that an undo by another process knows what else came of it.
  TRY_OK(jobs_live_.load() ? log_->append(records) : log_->end_command(records));
  return keep_tree();
}

Async<Result<SnapshotSummary>> SessionHistory::before_command() {
  return pool_.run([this] { return snapshot().within("the workspace could not be snapshotted, so nothing was run"); });
}

Async<Result<void>> SessionHistory::after_command() {
  return pool_.run([this]() -> Result<void> {
    const std::scoped_lock lock(mutex_);
    if (!log_ || !log_->open_command()) return {};
    return take_changes();
  });
}

Result<std::vector<ChangeRecord>> SessionHistory::records_of(const ports::FileWrite& write) {
  TRY(const std::string place, real_place(write.path));
  const std::string prefix = options_.root == "/" ? "/" : options_.root + "/";
  const bool inside = place.starts_with(prefix);
  if (write.before && base::holds_secret(*write.before, keys())) return std::vector<ChangeRecord>();
  ChangeRecord record{.at = at_.load(),
                      .by = ChangedBy::kTool,
                      .root = inside ? options_.root : kEverything,
                      .path = place.substr(inside ? prefix.size() : 1),
                      .before = state_of(write.before),
                      .after = state_of(write.after)};
  const base::UniqueFd root(::open(record.root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!root) return base::errno_error(errno, record.root);
  std::vector<ChangeRecord> records;
  if (write.before) {
    TRY_OK(blobs_.put(*write.before));
    TRY(const FileState now, look_at(root.get(), record.path));
    record.before.mode = now.mode;
    if (write.after && now.mode) record.after.mode = *now.mode & 0777;
  } else {
    // Folders that the write will make.
    for (std::string folder = split_name(record.path).first; !folder.empty(); folder = split_name(folder).first) {
      TRY(const FileState now, look_at(root.get(), folder));
      if (now.kind != FileKind::kNone) break;
      ChangeRecord made = record;
      made.path = folder;
      made.before = {};
      made.after = {.kind = FileKind::kFolder};
      records.push_back(std::move(made));
    }
  }
  records.push_back(std::move(record));
  return records;
}

Result<void> SessionHistory::will_write(const std::vector<ports::FileWrite>& writes) {
  const std::scoped_lock lock(mutex_);
  TRY_OK(open());
  std::vector<ChangeRecord> records;
  for (const ports::FileWrite& write : writes) {
    TRY(auto more, records_of(write));
    records.insert(records.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
  }
  return log_->append(records);
}

Result<RestorePlan> SessionHistory::plan(std::int64_t seq) {
  const std::scoped_lock lock(mutex_);
  TRY_OK(open());
  if (log_->open_command()) TRY_OK(take_changes());
  TRY(RestorePlan plan, plan_restore(log_->changes(), options_.root, seq));
  if (options_.root == kEverything) return plan;
  TRY(RestorePlan elsewhere, plan_restore(log_->changes(), kEverything, seq));
  std::ranges::move(elsewhere.steps, std::back_inserter(plan.steps));
  for (const std::string& path : elsewhere.conflicts) plan.conflicts.push_back(shown(kEverything, path));
  return plan;
}

std::string SessionHistory::shown(const std::string& root, const std::string& path) const {
  return root == options_.root ? path : "/" + path;
}

Async<Result<void>> SessionHistory::fetch_from_git(const RestorePlan* plan) {
  const auto repository = Repository::find(options_.root);
  std::map<std::string, const FileState*> wanted;
  for (const RestoreStep& step : plan->steps) {
    if (!step.target.git.empty()) wanted.emplace(step.target.git, &step.target);
  }
  while (options_.run_git && !wanted.empty()) {
    std::vector<std::string> names;
    std::int64_t bytes = 0;
    while (!wanted.empty() && bytes < kFetchBytes) {
      bytes += wanted.begin()->second->size;
      names.push_back(wanted.begin()->first);
      wanted.erase(wanted.begin());
    }
    CO_TRY(const auto objects,
           co_await read_git_objects(options_.run_git, objects_folder(), repository ? repository->objects_folder : "",
                                     std::move(names), static_cast<std::size_t>(bytes)));
    auto keep = [this, &objects]() -> Result<void> {
      for (const auto& [name, content] : objects) TRY_OK(blobs_.put(content));
      return {};
    };
    CO_TRY_OK(co_await pool_.run(std::move(keep)));
  }
  co_return Result<void>();
}

namespace {

/// Folders are told only where they are all that comes back.
void report_step(const RestoreStep& step, const std::string& shown, RestoreReport& report) {
  const bool folder = step.target.kind == FileKind::kFolder || step.now.kind == FileKind::kFolder;
  std::vector<std::string>& list = step.target.kind == FileKind::kNone ? report.removed : report.restored;
  if (!folder || step.target.kind == FileKind::kFile || step.target.kind == FileKind::kLink) {
    list.push_back(shown);
  } else {
    list.push_back(shown + "/");
  }
}

void leave_out_full_folders(std::vector<std::string>& paths) {
  std::ranges::sort(paths, path_less);
  std::vector<std::string> kept;
  for (std::string& path : paths) {
    const auto inside = [&](const std::string& other) { return other.size() > path.size() && other.starts_with(path); };
    if (path.ends_with('/') && std::ranges::any_of(paths, inside)) continue;
    kept.push_back(path);
  }
  paths = std::move(kept);
}

void finish(RestoreReport& report) {
  leave_out_full_folders(report.restored);
  leave_out_full_folders(report.removed);
  std::ranges::sort(report.conflicts, path_less);
}

}  // namespace

Result<RestoreReport> SessionHistory::carry_out_all(const RestorePlan& plan) {
  const std::scoped_lock lock(mutex_);
  RestoreReport report{.restored = {}, .removed = {}, .conflicts = plan.conflicts, .not_covered = {}};
  if (plan.steps.empty()) return report;
  std::vector<ChangeRecord> records;
  for (const RestoreStep& step : plan.steps) {
    records.push_back({.at = at_.load(),
                       .by = ChangedBy::kUndo,
                       .root = step.root,
                       .path = step.path,
                       .before = step.now,
                       .after = step.target});
  }
  TRY_OK(log_->append(records));
  const std::vector<std::string> held_keys = keys();
  std::vector<ChangeRecord> not_done;
  std::optional<Error> failed;
  for (std::size_t i = 0; i < records.size(); ++i) {
    const RestoreStep& step = plan.steps[i];
    const std::string path = shown(step.root, step.path);
    const auto end = carry_out(step, blobs_, held_keys).within(path);
    if (end.ok() && *end == StepEnd::kDone) {
      report_step(step, path, report);
      continue;
    }
    not_done.push_back(taken_back(records[i]));
    if (!end.ok() && !failed) failed = end.error();
    if (!end.ok() || *end == StepEnd::kConflict) report.conflicts.push_back(path);
  }
  TRY_OK(settle(std::move(not_done), records.back()));
  // What came back is told of; only when nothing did, why.
  if (failed && report.restored.empty() && report.removed.empty()) return *std::move(failed);
  return report;
}

Async<Result<RestoreReport>> SessionHistory::restore(std::int64_t seq, RestoreMode mode) {
  CO_TRY(const RestorePlan planned, co_await pool_.run([this, seq] { return plan(seq); }));
  RestoreReport report{.restored = {}, .removed = {}, .conflicts = planned.conflicts, .not_covered = {}};
  if (mode == RestoreMode::kDryRun) {
    for (const RestoreStep& step : planned.steps) report_step(step, shown(step.root, step.path), report);
  } else {
    CO_TRY_OK(co_await fetch_from_git(&planned));
    CO_TRY(report, co_await pool_.run([this, &planned] { return carry_out_all(planned); }));
  }
  report.not_covered = tree_.not_covered(kShownNotCovered);
  finish(report);
  co_return report;
}

}  // namespace lathe::undo
