#include "lathe/sandbox/host_facts.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <vector>

#include "lathe/base/strings.h"
#include "lathe/base/unique_fd.h"
#include "lathe/sandbox/bubblewrap.h"
#include "lathe/sandbox/landlock.h"

namespace lathe::sandbox {
namespace {

/// Never by PATH, which a project's environment may lead anywhere.
constexpr std::array<const char*, 3> kBubblewraps = {"/usr/bin/bwrap", "/usr/local/bin/bwrap",
                                                     "/run/current-system/sw/bin/bwrap"};
constexpr int kPatienceMs = 2'000;

std::string found_bubblewrap() {
  for (const char* path : kBubblewraps) {
    if (access(path, X_OK) == 0) return path;
  }
  return {};
}

/// The first line of a small file of the kernel's; empty when there is none.
std::string kernel_line(const char* path) {
  const base::UniqueFd file(open(path, O_RDONLY | O_CLOEXEC));
  std::array<char, 128> bytes{};
  const ssize_t got = file ? read(file.get(), bytes.data(), bytes.size()) : 0;
  return got <= 0 ? std::string()
                  : std::string(base::trim(std::string_view(bytes.data(), static_cast<std::size_t>(got))));
}

/// True when the program ends with 0 in time; `in_time` says whether it ended by itself. It gets no environment, no
/// input, and its output is dropped.
bool succeeds(const std::vector<std::string>& words, bool& in_time) {
  std::vector<char*> argv;
  argv.reserve(words.size() + 1);
  for (const std::string& word : words) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  std::array<char*, 1> environment = {nullptr};
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDWR, 0);
  posix_spawn_file_actions_adddup2(&files, 0, 1);
  posix_spawn_file_actions_adddup2(&files, 0, 2);
  pid_t pid = -1;
  const int error = posix_spawn(&pid, argv[0], &files, nullptr, argv.data(), environment.data());
  posix_spawn_file_actions_destroy(&files);
  in_time = error == 0;
  if (error != 0) return false;
  const base::UniqueFd process(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  pollfd wait{.fd = process.get(), .events = POLLIN, .revents = 0};
  int ready = 0;
  do {
    ready = process ? poll(&wait, 1, kPatienceMs) : 1;
  } while (ready < 0 && errno == EINTR);
  in_time = ready > 0;
  if (!in_time) kill(pid, SIGKILL);
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

bool namespaces_work(const std::string& bubblewrap, bool& certain) {
  if (bubblewrap.empty()) return false;
  // Masks are mounted by descriptor, since Linux 5.12.
  if (syscall(SYS_mount_setattr, -1, nullptr, 0, nullptr, 0) != 0 && errno == ENOSYS) return false;
  std::vector<std::string> words = {bubblewrap};
  const std::vector<std::string> namespaces = namespace_arguments(Network::kNone);
  words.insert(words.end(), namespaces.begin(), namespaces.end());
  words.insert(words.end(), {"--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev", "--", "/bin/true"});
  return succeeds(words, certain);
}

int landlock_abi() {
  const long abi = syscall(landlock::kCreateRuleset, nullptr, 0, landlock::kCreateRulesetVersion);
  return abi < 0 ? 0 : static_cast<int>(abi);
}

bool has_seccomp() {
  const std::uint32_t action = SECCOMP_RET_ERRNO;
  return syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
}

std::string link_of(const char* path) {
  std::array<char, 64> target{};
  const ssize_t size = readlink(path, target.data(), target.size());
  return size <= 0 ? std::string() : std::string(target.data(), static_cast<std::size_t>(size));
}

}  // namespace

Level HostFacts::best_level() const {
  if (!seccomp) return Level::kNone;
  if (namespaces) return landlock_abi > 0 ? Level::kFull : Level::kNamespaces;
  return landlock_abi > 0 ? Level::kLandlock : Level::kNone;
}

std::string HostFacts::encode() const {
  return fmt::format("{} {} {} {} {}", namespaces ? 1 : 0, landlock_abi, seccomp ? 1 : 0, root ? 1 : 0,
                     bubblewrap.empty() ? "-" : bubblewrap);
}

std::optional<HostFacts> HostFacts::decode(std::string_view line) {
  const auto words = base::split(line, ' ');
  if (words.size() != 5) return std::nullopt;
  std::array<int, 4> numbers{};
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    const char* const end = words[i].data() + words[i].size();
    const auto [stopped, error] = std::from_chars(words[i].data(), end, numbers[i]);
    if (error != std::errc() || stopped != end) return std::nullopt;
  }
  return HostFacts{.bubblewrap = words[4] == "-" ? std::string() : std::string(words[4]),
                   .namespaces = numbers[0] == 1,
                   .landlock_abi = numbers[1],
                   .seccomp = numbers[2] == 1,
                   .root = numbers[3] == 1};
}

std::string host_facts_key() {
  struct stat program{};
  const std::string bubblewrap = found_bubblewrap();
  if (!bubblewrap.empty()) (void)stat(bubblewrap.c_str(), &program);
  return fmt::format("1 {} {} {} {}:{}:{} {} {} {}", kernel_line("/proc/sys/kernel/random/boot_id"), geteuid(),
                     link_of("/proc/self/ns/user"), program.st_dev, program.st_ino, program.st_ctim.tv_sec,
                     kernel_line("/proc/sys/user/max_user_namespaces"),
                     kernel_line("/proc/sys/kernel/unprivileged_userns_clone"),
                     kernel_line("/proc/sys/kernel/apparmor_restrict_unprivileged_userns"));
}

HostFacts detect_host_facts() {
  HostFacts facts;
  facts.bubblewrap = found_bubblewrap();
  facts.namespaces = namespaces_work(facts.bubblewrap, facts.certain);
  facts.landlock_abi = landlock_abi();
  facts.seccomp = has_seccomp();
  facts.root = geteuid() == 0;
  return facts;
}

}  // namespace lathe::sandbox
