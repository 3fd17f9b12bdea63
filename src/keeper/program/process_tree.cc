#include "lathe/keeper/program/process_tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <string>

#include "lathe/keeper/program/wire.h"

namespace lathe::keeper {

std::string read_proc(const char* path, bool* there) {
  std::string text;
  const int fd = ::open(path, O_RDONLY | O_CLOEXEC);
  *there = fd >= 0;
  if (fd < 0) return text;
  char buffer[4096];
  ssize_t got = 0;
  while ((got = ::read(fd, buffer, sizeof buffer)) > 0) text.append(buffer, static_cast<std::size_t>(got));
  ::close(fd);
  return text;
}

namespace {

/// Field 4 of /proc/PID/stat; the name before it may hold anything, so it is counted from the last parenthesis.
pid_t parent_in_stat(const std::string& stat) {
  const std::size_t name_end = stat.rfind(')');
  if (name_end == std::string::npos || name_end + 4 >= stat.size()) return -1;
  return static_cast<pid_t>(std::strtol(stat.c_str() + name_end + 4, nullptr, 10));
}

/// Each group once: a signal to one goes to all of its processes, of which there may be thousands.
void kill_with_groups(const std::vector<pid_t>& children) {
  std::vector<pid_t> killed;
  for (const pid_t child : children) {
    const pid_t group = getpgid(child);
    if (group > 1 && group != getpgrp() && std::ranges::find(killed, group) == killed.end()) {
      ::kill(-group, SIGKILL);
      killed.push_back(group);
    }
    ::kill(child, SIGKILL);
  }
}

bool reap(pid_t child, Watched* watched) {
  int status = 0;
  const pid_t reaped = waitpid(child, &status, WNOHANG);
  if (reaped == child && watched != nullptr && watched->pid == child) watched->status = status;
  return reaped == child || (reaped < 0 && errno == ECHILD);
}

bool has_any_child() {
  siginfo_t info{};
  return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

void add_numbers(const std::string& text, std::vector<pid_t>& numbers) {
  const char* at = text.c_str();
  while (true) {
    char* end = nullptr;
    const long pid = std::strtol(at, &end, 10);
    if (end == at) return;
    numbers.push_back(static_cast<pid_t>(pid));
    at = end;
  }
}

}  // namespace

std::vector<pid_t> children_by_scan(pid_t parent) {
  std::vector<pid_t> children;
  DIR* proc = opendir("/proc");
  if (proc == nullptr) return children;
  while (const dirent* entry = readdir(proc)) {
    const auto pid = static_cast<pid_t>(std::strtol(entry->d_name, nullptr, 10));
    if (pid <= 0) continue;
    bool there = false;
    const std::string stat = read_proc(("/proc/" + std::to_string(pid) + "/stat").c_str(), &there);
    if (there && parent_in_stat(stat) == parent) children.push_back(pid);
  }
  closedir(proc);
  return children;
}

std::vector<pid_t> children_of_self() {
  bool there = false;
  const std::string text = read_proc("/proc/thread-self/children", &there);
  if (!there) return children_by_scan(getpid());
  std::vector<pid_t> children;
  add_numbers(text, children);
  return children;
}

std::vector<pid_t> children_of(pid_t parent) {
  const std::string tasks = "/proc/" + std::to_string(parent) + "/task";
  std::vector<pid_t> children;
  DIR* folder = opendir(tasks.c_str());
  if (folder == nullptr) return children;
  bool listed = false;
  while (const dirent* entry = readdir(folder)) {
    if (entry->d_name[0] == '.') continue;
    bool there = false;
    add_numbers(read_proc((tasks + "/" + entry->d_name + "/children").c_str(), &there), children);
    listed = listed || there;
  }
  closedir(folder);
  return listed ? children : children_by_scan(parent);
}

int end_children(std::span<const pid_t> spared, int patience_ms, Watched* watched) {
  const long long give_up = now_ms() + patience_ms;
  while (true) {
    std::vector<pid_t> children = children_of_self();
    std::erase_if(children, [&](pid_t pid) { return std::ranges::find(spared, pid) != spared.end(); });
    // The list may miss a child while others exit; with nothing to spare the kernel's own answer decides.
    if (children.empty() && (!spared.empty() || !has_any_child())) return 0;
    kill_with_groups(children);
    bool reaped_one = false;
    for (const pid_t child : children) reaped_one = reap(child, watched) || reaped_one;
    if (now_ms() >= give_up) return static_cast<int>(children.size());
    if (!reaped_one) {
      const timespec pause{.tv_sec = 0, .tv_nsec = 200'000};
      nanosleep(&pause, nullptr);
    }
  }
}

}  // namespace lathe::keeper
