#include "lathe/sandbox/workspace_guard.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <string_view>
#include <system_error>

#include "lathe/base/check.h"
#include "lathe/sandbox/git_steps.h"

namespace lathe::sandbox {

using base::Result;

namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostInFolder = 2'000;
/// What encode() begins with.
constexpr std::string_view kFormat = "names 3";
/// Below `.git`: what makes git run something or look elsewhere.
constexpr std::array<std::string_view, 5> kOfGit = {"config", "config.worktree", "commondir", "info/attributes",
                                                    "objects/info/alternates"};
constexpr std::array<std::string_view, 3> kOfEnvironment = {"bin/activate", "bin/python", "bin/python3"};

std::int64_t in_ns(const timespec& time) { return time.tv_sec * 1'000'000'000 + time.tv_nsec; }

/// Empty when there is nothing. A folder's own times say nothing that its content does not.
std::string mark_of(const std::string& path) {
  struct stat status{};
  if (lstat(path.c_str(), &status) != 0) return "";
  if (S_ISDIR(status.st_mode)) return fmt::format("{:o};", status.st_mode);
  return fmt::format("{:o} {} {} {};", status.st_mode, status.st_ino, status.st_size, in_ns(status.st_ctim));
}

template <class Each>
void each_in(const std::string& folder, Each each) {
  std::error_code error;
  std::size_t count = 0;
  for (fs::directory_iterator at(folder, error); !error && at != fs::directory_iterator(); at.increment(error)) {
    if (++count > kMostInFolder) return;
    each(at->path().string());
  }
}

/// Of a repository's `.git`, or of an environment's pyvenv.cfg and what is run from it.
std::string marks_of(const std::string& path) {
  std::string marks = mark_of(path);
  if (!path.ends_with("/.git")) {
    const std::string folder = path.substr(0, path.rfind('/') + 1);
    for (const std::string_view name : kOfEnvironment) marks += mark_of(folder + std::string(name)) + "|";
    return marks;
  }
  for (const std::string_view name : kOfGit) marks += mark_of(path + "/" + std::string(name)) + "|";
  for (const std::string& step : git_step_paths("")) marks += mark_of(path + "/" + step) + "|";
  std::map<std::string, std::string> hooks;
  each_in(path + "/hooks", [&](const std::string& hook) { hooks[hook] = mark_of(hook); });
  for (const auto& [hook, mark] : hooks) marks += hook + mark;
  return marks;
}

/// What the folder's own guard looks at.
bool is_own(const std::string& path, const std::string& root) {
  return path == root + "/.venv/pyvenv.cfg" || path == root + "/venv/pyvenv.cfg";
}

}  // namespace

WorkspaceGuard::WorkspaceGuard(SessionJail& jail, std::vector<std::string> persons)
    : jail_(jail), persons_(std::move(persons)) {
  const bool mounts = !jail.plan().outer_argv.empty();
  for (const std::string& root : jail.spec().writable) {
    guards_.push_back(
        std::make_unique<NameGuard>(root, mounts ? NameGuard::Scope::kNewNames : NameGuard::Scope::kAllNames));
  }
}

WorkspaceGuard::Marks WorkspaceGuard::look_within(const std::vector<std::string>& nested) const {
  Marks marks;
  for (const std::string& path : nested) {
    const auto owns = [&](const std::unique_ptr<NameGuard>& guard) { return is_own(path, guard->root()); };
    if (std::ranges::none_of(guards_, owns)) marks[path] = marks_of(path);
  }
  return marks;
}

WorkspaceGuard::Outside WorkspaceGuard::look_outside() const {
  Outside outside;
  if (jail_.plan().level != Level::kLandlock) return outside;
  const auto add = [&](const std::string& path) {
    struct stat status{};
    if (lstat(path.c_str(), &status) != 0) return;
    outside[path] = {.mode = status.st_mode, .owner = status.st_uid, .modified_ns = in_ns(status.st_mtim)};
  };
  const std::string& home = jail_.spec().home;
  if (!home.empty()) {
    add(home);
    each_in(home, add);
  }
  for (const std::string& path : persons_) {
    add(path);
    each_in(path, add);
  }
  for (const auto& guard : guards_) outside.erase(guard->root());
  return outside;
}

Result<void> WorkspaceGuard::remember() {
  for (const auto& guard : guards_) TRY_OK(guard->remember());
  within_ = look_within(jail_.nested());
  outside_ = look_outside();
  return {};
}

void WorkspaceGuard::compare_within(const Marks& now, std::vector<Finding>& findings) const {
  const std::string start = guards_.empty() ? "" : guards_.front()->root() + "/";
  for (const auto& [path, mark] : now) {
    const auto before = within_->find(path);
    if (before != within_->end() && before->second == mark) continue;
    const std::string shown = !start.empty() && path.starts_with(start) ? path.substr(start.size()) : path;
    findings.push_back({Finding::Kind::kTainted, shown, before == within_->end() ? "" : "changed"});
  }
}

void WorkspaceGuard::compare_outside(const Outside& now, std::vector<Finding>& findings) const {
  for (const auto& [path, times] : now) {
    const auto before = outside_.find(path);
    if (before == outside_.end()) continue;
    std::string what;
    if (times.mode != before->second.mode) {
      what = fmt::format("mode {:o} is now {:o}", before->second.mode & 07777U, times.mode & 07777U);
    } else if (times.owner != before->second.owner) {
      what = "it has another owner";
    } else if (times.modified_ns < before->second.modified_ns) {
      // Others write there as well, but no time goes back by that.
      what = "its time of change was set back";
    }
    if (!what.empty()) findings.push_back({Finding::Kind::kOutside, path, what});
  }
}

Result<std::vector<WorkspaceGuard::Finding>> WorkspaceGuard::check(const NameGuard::Keep& keep) {
  std::vector<Finding> all;
  if (!within_) return all;
  for (const auto& guard : guards_) {
    TRY(const std::vector<Finding> found, guard->check(keep));
    for (Finding finding : found) {
      if (guard != guards_.front()) finding.path = guard->root() + "/" + finding.path;
      all.push_back(std::move(finding));
    }
  }
  TRY(const std::vector<std::string> nested, jail_.find_nested());
  Marks within = look_within(nested);
  compare_within(within, all);
  Outside outside = look_outside();
  compare_outside(outside, all);
  // Told once; what a name guard could not undo it remembers itself.
  within_ = std::move(within);
  outside_ = std::move(outside);
  return all;
}

std::string WorkspaceGuard::encode() const {
  CHECK(within_);
  FieldWriter out;
  out.text(kFormat);
  out.all(guards_, [&](const std::unique_ptr<NameGuard>& guard) { guard->save(out); });
  out.all(*within_, [&](const auto& mark) {
    out.text(mark.first);
    out.text(mark.second);
  });
  out.all(outside_, [&](const auto& entry) {
    out.text(entry.first);
    out.number(entry.second.mode);
    out.number(entry.second.owner);
    out.number(entry.second.modified_ns);
  });
  return std::move(out).take();
}

Result<void> WorkspaceGuard::restore(std::string_view bytes) {
  FieldReader in(bytes);
  Marks within;
  Outside outside;
  bool mine = in.text() == kFormat && in.number() == static_cast<std::int64_t>(guards_.size());
  for (const auto& guard : guards_) mine = mine && guard->load(in);
  if (mine) {
    in.all([&] {
      std::string path = in.text();
      within[std::move(path)] = in.text();
    });
    in.all([&] {
      std::string path = in.text();
      Times& times = outside[std::move(path)];
      times.mode = static_cast<std::uint32_t>(in.number());
      times.owner = static_cast<std::uint32_t>(in.number());
      times.modified_ns = in.number();
    });
  }
  if (!mine || !in.at_end()) {
    forget();
    return base::Error{
        .code = base::codes::kCorrupt,
        .message = "what was remembered of protected names is damaged, or of another workspace or level"};
  }
  within_ = std::move(within);
  outside_ = std::move(outside);
  return {};
}

void WorkspaceGuard::forget() {
  for (const auto& guard : guards_) guard->forget();
  within_.reset();
}

std::string in_words(const WorkspaceGuard::Finding& finding) {
  using Kind = WorkspaceGuard::Finding::Kind;
  switch (finding.kind) {
    case Kind::kRestored:
      return fmt::format("a command changed {}, which has its previous content again", finding.path);
    case Kind::kQuarantined:
      return fmt::format("a command made {}, which was put aside (blob {})", finding.path, finding.kept);
    case Kind::kTainted:
      return fmt::format("a command {} {}: nothing in it is to be trusted outside of the sandbox",
                         finding.kept.empty() ? "made" : finding.kept, finding.path);
    case Kind::kFailed:
      return fmt::format("a command changed {}, which could not be undone ({})", finding.path, finding.kept);
    case Kind::kUnchecked:
      return fmt::format("{} holds more than is looked at: what a command did in it is not known", finding.path);
    case Kind::kOutside:
      return fmt::format("a command changed {}, outside of the workspace: {}", finding.path, finding.kept);
  }
  return {};
}

}  // namespace lathe::sandbox
