#include "lathe/keeper/command_group.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <utility>

#include "lathe/base/strings.h"
#include "lathe/runtime/files.h"

namespace lathe::keeper {

using base::UniqueFd;

namespace {

namespace fs = std::filesystem;

constexpr std::string_view kNameStart = "lathe-";
constexpr std::size_t kMostBytes = 1U << 20;
/// Folders above our own group that are tried.
constexpr int kMostSteps = 5;

std::string text_of(const std::string& file) { return runtime::read_file(file, kMostBytes).value_or(""); }

bool has_word(std::string_view text, std::string_view word, char separator) {
  const auto words = base::split(base::trim(text), separator);
  return std::ranges::find(words, word) != words.end();
}

/// One line of mountinfo: "36 25 0:31 ROOT POINT OPTIONS [FIELDS] - TYPE SOURCE SUPER".
struct Mount {
  std::string root;
  std::string point;
  std::string type;
  std::string options;
};

std::vector<Mount> mounts_in(std::string_view text) {
  std::vector<Mount> mounts;
  for (const std::string_view line : base::split_lines(text)) {
    const auto words = base::split(line, ' ');
    const auto dash = std::ranges::find(words, "-");
    if (words.size() < 6 || words.end() - dash < 4) continue;
    mounts.push_back({.root = std::string(words[3]),
                      .point = std::string(words[4]),
                      .type = std::string(dash[1]),
                      .options = std::string(dash[3])});
  }
  return mounts;
}

/// Where the group at `path` of its hierarchy is seen below a mount; empty when it is not.
std::string seen_at(const Mount& mount, std::string_view path) {
  if (mount.root == "/") return mount.point + (path == "/" ? "" : std::string(path));
  if (path == mount.root) return mount.point;
  if (path.starts_with(mount.root + "/")) return mount.point + std::string(path.substr(mount.root.size()));
  return "";
}

bool may_make_in(const std::string& folder) { return access(folder.c_str(), W_OK | X_OK) == 0; }

/// The nearest folder that hands both controllers on to groups within.
std::string handing_on(const Mount& mount, std::string folder) {
  for (int step = 0; step < kMostSteps && folder.starts_with(mount.point); ++step) {
    const std::string handed = text_of(folder + "/cgroup.subtree_control");
    if (has_word(handed, "memory", ' ') && has_word(handed, "pids", ' ') && may_make_in(folder)) return folder;
    folder.resize(folder.rfind('/'));
  }
  return "";
}

bool put(const std::string& file, const std::string& text) {
  const UniqueFd fd(open(file.c_str(), O_WRONLY | O_CLOEXEC));
  return fd && write(fd.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

std::uint64_t with_room(std::uint64_t limit) { return limit + limit / 8; }

/// Where the command's process, which has one thread then, moves itself in. With version 1 by its thread: a move by
/// process has the kernel wait for every processor (15 ms were measured), one of the thread alone does not.
const char* entry_file(const GroupFolders& folders) { return folders.version_2 ? "/cgroup.procs" : "/tasks"; }

/// Groups of processes that are gone.
void remove_left_behind(const std::string& folder) {
  std::error_code error;
  for (fs::directory_iterator at(folder, error); !error && at != fs::directory_iterator(); at.increment(error)) {
    const std::string name = at->path().filename().string();
    if (!name.starts_with(kNameStart)) continue;
    const auto pid = static_cast<pid_t>(std::strtol(name.c_str() + kNameStart.size(), nullptr, 10));
    // Refused while a process is in it.
    if (pid > 0 && kill(pid, 0) != 0 && errno == ESRCH) (void)rmdir(at->path().c_str());
  }
}

}  // namespace

GroupFolders GroupFolders::find(std::string_view mounts, std::string_view own_groups) {
  GroupFolders folders;
  const std::vector<Mount> all = mounts_in(mounts);
  for (const std::string_view line : base::split_lines(own_groups)) {
    const auto fields = base::split(line, ':');
    if (fields.size() < 3) continue;
    const std::string_view path = line.substr(fields[0].size() + fields[1].size() + 2);
    for (const Mount& mount : all) {
      if (fields[1].empty() && mount.type == "cgroup2") {
        const std::string folder = handing_on(mount, seen_at(mount, path));
        if (!folder.empty()) return {.memory = folder, .processes = folder, .version_2 = true};
      }
      if (mount.type != "cgroup") continue;
      const std::string folder = seen_at(mount, path);
      if (folder.empty() || !may_make_in(folder)) continue;
      const auto holds = [&](std::string_view controller) {
        return has_word(fields[1], controller, ',') && has_word(mount.options, controller, ',');
      };
      if (holds("memory")) folders.memory = folder;
      if (holds("pids")) folders.processes = folder;
    }
  }
  return folders;
}

std::optional<CommandGroup> CommandGroup::create(const Limits& limits) {
  static const GroupFolders kFolders = [] {
    GroupFolders found = GroupFolders::find(text_of("/proc/self/mountinfo"), text_of("/proc/self/cgroup"));
    for (const std::string& folder : {found.memory, found.processes}) {
      if (!folder.empty()) remove_left_behind(folder);
    }
    return found;
  }();
  return create_in(kFolders, limits);
}

std::optional<CommandGroup> CommandGroup::create_in(const GroupFolders& folders, const Limits& limits) {
  static std::atomic<unsigned> count{0};
  const std::string name = fmt::format("/{}{}-{}", kNameStart, getpid(), count.fetch_add(1));
  CommandGroup group;
  const auto make = [&](const std::string& parent) -> std::string {
    std::string folder = parent + name;
    if (std::ranges::find(group.folders_, folder) != group.folders_.end()) return folder;
    if (mkdir(folder.c_str(), 0700) != 0) return "";
    UniqueFd entry(open((folder + entry_file(folders)).c_str(), O_WRONLY | O_CLOEXEC));
    if (!entry) {
      (void)rmdir(folder.c_str());
      return "";
    }
    group.entries_.push_back(std::move(entry));
    group.folders_.push_back(folder);
    return folder;
  };
  if (limits.memory_bytes && !folders.memory.empty()) {
    const std::string folder = make(folders.memory);
    const std::string bytes = std::to_string(with_room(*limits.memory_bytes));
    if (folders.version_2) {
      (void)put(folder + "/memory.max", bytes);
      (void)put(folder + "/memory.swap.max", "0");
      (void)put(folder + "/memory.oom.group", "1");
    } else {
      (void)put(folder + "/memory.limit_in_bytes", bytes);
    }
  }
  if (limits.processes && !folders.processes.empty()) {
    (void)put(make(folders.processes) + "/pids.max", std::to_string(with_room(*limits.processes)));
  }
  if (group.entries_.empty()) return std::nullopt;
  return group;
}

CommandGroup::CommandGroup(CommandGroup&& other) noexcept
    : folders_(std::exchange(other.folders_, {})), entries_(std::exchange(other.entries_, {})) {}

CommandGroup& CommandGroup::operator=(CommandGroup&& other) noexcept {
  remove();
  folders_ = std::exchange(other.folders_, {});
  entries_ = std::exchange(other.entries_, {});
  return *this;
}

CommandGroup::~CommandGroup() { remove(); }

void CommandGroup::remove() {
  entries_.clear();
  for (const std::string& folder : folders_) (void)rmdir(folder.c_str());
  folders_.clear();
}

std::vector<int> CommandGroup::entries() const {
  std::vector<int> fds;
  for (const UniqueFd& entry : entries_) fds.push_back(entry.get());
  return fds;
}

bool CommandGroup::ran_out_of_memory() const {
  const auto killed = [](const std::string& folder) {
    for (const char* file : {"/memory.events", "/memory.oom_control"}) {
      for (const std::string_view line : base::split_lines(text_of(folder + file))) {
        if (line.starts_with("oom_kill ") && line != "oom_kill 0") return true;
      }
    }
    return false;
  };
  return std::ranges::any_of(folders_, killed);
}

}  // namespace lathe::keeper
