#include "lathe/sandbox/session_jail.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <sstream>

#include "lathe/sandbox/probes.h"
#include "lathe/sandbox/protected_names.h"
#include "lathe/sandbox/readable_roots.h"

// Real jails on this machine: bubblewrap, the probes, and a stand-in for the keeper that does nothing but apply().

namespace lathe::sandbox {
namespace {

namespace fs = std::filesystem;

constexpr uid_t kNobody = 65534;

enum class User { kSelf, kNobody };

struct Case {
  Level level;
  User user;
};

std::string show(const Case& with) {
  return std::string(name_of(with.level)) + (with.user == User::kNobody ? "_nobody" : "_self");
}

/// Runs `body` in a process of the user, because rights do not come back. Gives what it returned.
std::string as_user(User user, const std::function<std::string()>& body) {
  int ends[2];
  EXPECT_EQ(pipe2(ends, O_CLOEXEC), 0);
  const pid_t child = fork();
  if (child == 0) {
    if (user == User::kNobody && (setgroups(0, nullptr) != 0 || setresgid(kNobody, kNobody, kNobody) != 0 ||
                                  setresuid(kNobody, kNobody, kNobody) != 0)) {
      _exit(1);
    }
    const std::string said = body();
    (void)!write(ends[1], said.data(), said.size());
    _exit(0);
  }
  close(ends[1]);
  std::string out;
  char part[4096];
  for (ssize_t got = 0; (got = read(ends[0], part, sizeof part)) > 0;) out.append(part, static_cast<std::size_t>(got));
  close(ends[0]);
  waitpid(child, nullptr, 0);
  return out;
}

/// The folders of a test, below a folder that is not private inside a jail; usable by any user.
class Folders final {
 public:
  Folders() {
    std::string pattern = "/var/lib/lathe-test-XXXXXX";
    if (mkdtemp(pattern.data()) == nullptr) {
      pattern = "/tmp/lathe-test-XXXXXX";
      if (mkdtemp(pattern.data()) == nullptr) std::abort();
    }
    root = pattern;
    for (const char* name :
         {"", "/w", "/outside", "/state", "/home", "/bin", "/w/.git", "/w/.git/hooks", "/w/.lathe", "/w/sub"}) {
      fs::create_directories(root + name);
      chmod((root + name).c_str(), 0777);
    }
    for (const char* name : {"/w/.env", "/w/.git/config", "/w/readme", "/outside/file", "/state/file"}) {
      std::ofstream(root + name) << "secret\n";
      chmod((root + name).c_str(), 0666);
    }
    for (const char* name : {"jailed", "lathe-probe"}) {
      const std::string folder = std::string(name) == "jailed" ? "/bin/" : "/libexec/lathe/";
      fs::copy_file(LATHE_BINARY_DIR + folder + name, root + "/bin/" + name);
      chmod((root + "/bin/" + name).c_str(), 0755);
    }
  }
  ~Folders() {
    std::error_code ignored;
    fs::remove_all(root, ignored);
  }
  Folders(const Folders&) = delete;
  Folders& operator=(const Folders&) = delete;

  [[nodiscard]] SessionFacts facts(Level level) const {
    SessionFacts facts{.workspace = root + "/w",
                       .home = root + "/home",
                       .path_variable = "/usr/bin:/bin",
                       .our_folders = {root + "/state"},
                       .jails_folder = root + "/jails",
                       .session = "s1",
                       .keeper_program = root + "/bin/jailed"};
    facts.readable = {root + "/bin"};
    facts.is_secret = [](std::string_view path) { return path == ".env" || path.ends_with("/.env"); };
    facts.level = level;
    facts.least_level = Level::kLandlock;
    facts.waiver = {.unconfined = true, .readable_secrets = true};
    return facts;
  }

  std::string root;
};

/// What the command wrote to stdout and stderr, and "exit N" in a last line when it failed.
std::string run_with(const JailPlan& plan, const CommandJail& command, std::vector<std::string> argv) {
  std::vector<std::string> words = plan.outer_argv;
  words.push_back(plan.keeper_path);
  words.insert(words.end(), argv.begin(), argv.end());
  const std::string bytes = command.encode();
  const int jail = memfd_create("jail", MFD_CLOEXEC);
  EXPECT_EQ(write(jail, bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
  lseek(jail, 0, SEEK_SET);
  int ends[2];
  EXPECT_EQ(pipe2(ends, O_CLOEXEC), 0);
  const pid_t child = fork();
  if (child == 0) {
    std::vector<char*> raw;
    for (std::string& word : words) raw.push_back(word.data());
    raw.push_back(nullptr);
    dup2(open("/dev/null", O_RDONLY | O_CLOEXEC), 0);
    dup2(ends[1], 1);
    dup2(ends[1], 2);
    if (jail == 3) fcntl(3, F_SETFD, 0);
    dup2(jail, 3);
    for (const EnvironmentChange& change : plan.environment) {
      if (change.value) {
        setenv(change.name.c_str(), change.value->c_str(), 1);
      } else {
        unsetenv(change.name.c_str());
      }
    }
    execv(raw[0], raw.data());
    _exit(127);
  }
  close(ends[1]);
  close(jail);
  std::string out;
  char part[4096];
  for (ssize_t got = 0; (got = read(ends[0], part, sizeof part)) > 0;) out.append(part, static_cast<std::size_t>(got));
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  if (WIFSIGNALED(status)) return out + "signal " + std::to_string(WTERMSIG(status)) + "\n";
  return WEXITSTATUS(status) == 0 ? out : out + "exit " + std::to_string(WEXITSTATUS(status)) + "\n";
}

std::string run_in(SessionJail& jail, std::vector<std::string> argv) {
  const auto command = jail.next_command();
  return command.ok() ? run_with(jail.plan(), *command, std::move(argv)) : command.error().text();
}

std::string run_shell(SessionJail& jail, const std::string& script) { return run_in(jail, {"/bin/sh", "-c", script}); }

std::string with_jail(const SessionFacts& facts, const std::function<std::string(SessionJail&)>& body) {
  auto jail = SessionJail::create(facts, detect_host_facts());
  return jail.ok() ? body(**jail) : jail.error().text();
}

int listening_socket(int family, const void* address, socklen_t size) {
  const int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  EXPECT_EQ(bind(fd, static_cast<const sockaddr*>(address), size), 0);
  EXPECT_EQ(listen(fd, 8), 0);
  return fd;
}

class SandboxLevels : public ::testing::TestWithParam<Case> {
 protected:
  void SetUp() override {
    if (GetParam().user == User::kNobody && geteuid() != 0) GTEST_SKIP() << "only root becomes somebody else";
    const std::string best = as_user(GetParam().user, [] { return detect_host_facts().encode(); });
    const auto facts = HostFacts::decode(best);
    ASSERT_TRUE(facts.has_value()) << best;
    if (GetParam().level != Level::kNone && !at_least(facts->best_level(), GetParam().level) &&
        GetParam().level != Level::kLandlock) {
      GTEST_SKIP() << "this machine gives " << name_of(facts->best_level());
    }
    landlock_abi_ = facts->landlock_abi;
  }

  std::string in_jail(const std::function<std::string(SessionJail&)>& body) {
    return as_user(GetParam().user, [&] { return with_jail(folders_.facts(GetParam().level), body); });
  }
  [[nodiscard]] bool has_mounts() const {
    return GetParam().level == Level::kFull || GetParam().level == Level::kNamespaces;
  }

  Folders folders_;
  int landlock_abi_ = 0;
};

std::map<std::string, std::pair<bool, std::string>> parse_probes(const std::string& text) {
  std::map<std::string, std::pair<bool, std::string>> out;
  std::istringstream lines(text);
  for (std::string id, outcome, detail;
       std::getline(lines, id, '\t') && std::getline(lines, outcome, '\t') && std::getline(lines, detail);) {
    out[id] = {outcome == "refused", detail};
  }
  return out;
}

TEST_P(SandboxLevels, ProbesAreRefusedWhereTheTableSaysSo) {
  sockaddr_in tcp{};
  tcp.sin_family = AF_INET;
  tcp.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int tcp_socket = listening_socket(AF_INET, &tcp, sizeof tcp);
  socklen_t size = sizeof tcp;
  getsockname(tcp_socket, reinterpret_cast<sockaddr*>(&tcp), &size);
  const std::string abstract = "lathe-test-" + std::to_string(getpid());
  sockaddr_un local{};
  local.sun_family = AF_UNIX;
  abstract.copy(local.sun_path + 1, abstract.size());
  const int abstract_socket =
      listening_socket(AF_UNIX, &local, static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + abstract.size()));
  local = {};
  local.sun_family = AF_UNIX;
  const std::string path = folders_.root + "/outside/socket";
  path.copy(local.sun_path, path.size());
  const int unix_socket = listening_socket(AF_UNIX, &local, sizeof local);
  chmod(path.c_str(), 0777);

  const std::string text = as_user(GetParam().user, [&] {
    const std::vector<std::string> argv = {folders_.root + "/bin/lathe-probe",
                                           folders_.root + "/w",
                                           folders_.root + "/outside",
                                           folders_.root + "/state",
                                           std::to_string(ntohs(tcp.sin_port)),
                                           abstract,
                                           std::to_string(getpid()),
                                           "0"};
    return with_jail(folders_.facts(GetParam().level), [&](SessionJail& jail) { return run_in(jail, argv); });
  });
  for (const int fd : {tcp_socket, abstract_socket, unix_socket}) close(fd);
  const auto found = parse_probes(text);
  ASSERT_EQ(found.size(), kProbes.size()) << text;
  for (const Probe& probe : kProbes) {
    // What counts of these is not the jail's: what is found afterwards, and the proxy.
    if (probe.guarantee == "new_names" || probe.guarantee == "nested" || probe.id.starts_with("proxy_")) continue;
    const auto& [refused, detail] = found.at(std::string(probe.id));
    if (must_hold(probe, GetParam().level, landlock_abi_)) {
      EXPECT_TRUE(refused) << probe.id << ": " << detail;
    }
    // Unconfined, root gets everything done but what this kernel lacks; that is what makes the other cases prove it.
    if (GetParam().level == Level::kNone && GetParam().user == User::kSelf && geteuid() == 0) {
      EXPECT_FALSE(refused) << probe.id << ": " << detail;
    }
  }
}

TEST_P(SandboxLevels, OrdinaryWorkWorks) {
  const std::string said = in_jail([](SessionJail& jail) {
    return run_shell(jail, "cd " + jail.spec().writable.front() +
                               " && mkdir -p a/b && echo one > a/b/f && mv a/b/f a/f && rm -r a/b && cat a/f &&"
                               " chmod 700 a && rm -r a && t=$(mktemp) && echo two > $t && cat $t readme && rm $t &&"
                               " (echo p | cat) && ls sub");
  });
  EXPECT_EQ(said, "one\ntwo\nsecret\np\n");
}

TEST_P(SandboxLevels, ReadOnlyModeWritesNothingInTheWorkspace) {
  if (GetParam().level == Level::kNone) return;
  const std::string said = as_user(GetParam().user, [&] {
    SessionFacts facts = folders_.facts(GetParam().level);
    facts.mode = Mode::kReadOnly;
    facts.waiver = {};
    return with_jail(facts, [&](SessionJail& jail) {
      return run_shell(jail,
                       "cd " + folders_.root + "/w; cat readme; echo x > new || echo refused; cat .env || echo hidden");
    });
  });
  EXPECT_THAT(said, ::testing::HasSubstr("secret\n"));
  EXPECT_THAT(said, ::testing::HasSubstr("refused\n"));
  EXPECT_THAT(said, ::testing::HasSubstr("hidden\n"));
  EXPECT_FALSE(fs::exists(folders_.root + "/w/new"));
}

TEST_P(SandboxLevels, WhatThePersonNamesIsReadAndItsSecretsAreNot) {
  if (GetParam().level == Level::kNone) return;
  const std::string outside = folders_.root + "/outside";
  fs::create_directories(outside + "/deep");
  std::ofstream(outside + "/deep/.env") << "key\n";
  fs::create_directory_symlink(outside, folders_.root + "/named");
  const std::string said = as_user(GetParam().user, [&] {
    SessionFacts facts = folders_.facts(GetParam().level);
    facts.waiver = {};
    // Level landlock hides nothing in a workspace that can be written to.
    if (!has_mounts()) facts.mode = Mode::kReadOnly;
    std::string all = with_jail(
        facts, [&](SessionJail& jail) { return run_shell(jail, "cat " + outside + "/file || echo unreadable"); });
    facts.readable_roots = {folders_.root + "/named", folders_.root + "/not-there", folders_.root + "/w/sub"};
    return all + with_jail(facts, [&](SessionJail& jail) {
             return run_shell(jail, "cat " + outside + "/file; cat " + outside +
                                        "/deep/.env || echo hidden; echo x > " + outside +
                                        "/new || echo kept; echo x > " + folders_.root + "/w/sub/f");
           });
  });
  using ::testing::HasSubstr;
  EXPECT_THAT(said, HasSubstr("unreadable\n"));
  EXPECT_THAT(said, HasSubstr("secret\n"));
  EXPECT_THAT(said, HasSubstr("hidden\n"));
  EXPECT_THAT(said, HasSubstr("kept\n"));
  EXPECT_THAT(said, ::testing::Not(HasSubstr("key\n")));
  EXPECT_FALSE(fs::exists(outside + "/new"));
  if (has_mounts()) EXPECT_TRUE(fs::exists(folders_.root + "/w/sub/f")) << "naming it takes no right away: " << said;
}

TEST_P(SandboxLevels, SecretThatComesLaterIsHiddenFromTheNextCommandOn) {
  if (!has_mounts()) return;
  const std::string said = in_jail([&](SessionJail& jail) {
    const std::string at = "cd " + jail.spec().writable.front() + "/sub && ";
    std::string all = run_shell(jail, at + "mkdir deep && echo k > deep/.env && cat deep/.env");
    all += run_shell(jail, at + "cat deep/.env || echo hidden");
    all += run_shell(jail, at + "mv deep other && cat other/.env || echo still");
    return all + run_shell(jail, at + "cat other/.env || echo hidden");
  });
  EXPECT_THAT(said, ::testing::StartsWith("k\n"));
  EXPECT_EQ(said.find("k\n", 2), std::string::npos) << said;
  EXPECT_THAT(said, ::testing::HasSubstr("still"));
}

TEST_P(SandboxLevels, MaskOnAPathThatWasSwappedFailsInsteadOfMissing) {
  if (!has_mounts()) return;
  const std::string said = in_jail([&](SessionJail& jail) {
    const auto command = jail.next_command();
    if (!command.ok()) return command.error().text();
    const std::string workspace = jail.spec().writable.front();
    fs::rename(workspace + "/.env", workspace + "/kept");
    std::ofstream(workspace + "/.env") << "another\n";
    return run_with(jail.plan(), *command, {"/bin/cat", workspace + "/kept"});
  });
  EXPECT_EQ(said, "jailed: mask: Resource temporarily unavailable\nexit 126\n");
}

TEST_P(SandboxLevels, ServersThatListenInReadableFoldersAreNotThere) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = folders_.root + "/bin/server";
  path.copy(address.sun_path, path.size());
  const int server = listening_socket(AF_UNIX, &address, sizeof address);
  const std::string said =
      in_jail([&](SessionJail& jail) { return run_shell(jail, "test -S " + path + " && echo there"); });
  close(server);
  EXPECT_EQ(said, has_mounts() ? "exit 1\n" : "there\n");
}

TEST_P(SandboxLevels, ProgramsGetNobodysRights) {
  const std::string said = in_jail([](SessionJail& jail) {
    return run_shell(jail, "cd " + jail.spec().writable.front() +
                               "; cp /bin/true s; mkdir d; for change in 'u+s s' 'g+s s' 'g+s d' '+t d'; do"
                               " chmod $change 2>/dev/null && echo $change; done; rm -r s d");
  });
  EXPECT_EQ(said, GetParam().level == Level::kNone ? "u+s s\ng+s s\ng+s d\n+t d\n" : "+t d\n");
}

TEST_P(SandboxLevels, LimitsHold) {
  const std::string said = as_user(GetParam().user, [&] {
    SessionFacts facts = folders_.facts(GetParam().level);
    facts.limits = {.file_bytes = 4096, .open_files = 32};
    return with_jail(facts, [](SessionJail& jail) {
      return run_shell(jail, "ulimit -n; ulimit -c; t=$(mktemp); head -c 10000 /dev/zero > $t; wc -c < $t; rm $t");
    });
  });
  EXPECT_THAT(said, ::testing::StartsWith("32\n0\n"));
  EXPECT_THAT(said, ::testing::HasSubstr("4096\n"));
}

INSTANTIATE_TEST_SUITE_P(Levels, SandboxLevels,
                         ::testing::Values(Case{Level::kFull, User::kSelf}, Case{Level::kFull, User::kNobody},
                                           Case{Level::kNamespaces, User::kSelf},
                                           Case{Level::kNamespaces, User::kNobody}, Case{Level::kLandlock, User::kSelf},
                                           Case{Level::kLandlock, User::kNobody}, Case{Level::kNone, User::kSelf},
                                           Case{Level::kNone, User::kNobody}),
                         [](const auto& info) { return show(info.param); });

TEST(SessionJail, TemporaryFolderGoesWithTheSessionAndHomeStays) {
  const Folders folders;
  std::string tmp;
  std::string home;
  {
    auto jail = SessionJail::create(folders.facts(Level::kNone), {.seccomp = true});
    ASSERT_TRUE(jail.ok()) << jail.error().text();
    tmp = (*jail)->spec().private_tmp;
    home = (*jail)->spec().private_home;
    EXPECT_TRUE(fs::is_directory(tmp));
  }
  EXPECT_FALSE(fs::exists(tmp));
  EXPECT_TRUE(fs::is_directory(home));
}

TEST(SessionJail, RefusesToWorkWhereLatheKeepsItsFiles) {
  const Folders folders;
  SessionFacts facts = folders.facts(Level::kNone);
  facts.workspace = folders.root + "/state";
  const auto jail = SessionJail::create(facts, {.seccomp = true});
  ASSERT_FALSE(jail.ok());
  EXPECT_THAT(jail.error().message, ::testing::HasSubstr("where Lathe keeps its own files"));
}

TEST(SessionJail, ThePersonsConfigurationIsThereToBeHiddenBeforeACommandCouldMakeIt) {
  const Folders folders;
  SessionFacts facts = folders.facts(Level::kNone);
  facts.config_folder = folders.root + "/w/.config/lathe";
  const auto jail = SessionJail::create(facts, {.seccomp = true});
  ASSERT_TRUE(jail.ok()) << jail.error().text();
  struct stat status{};
  ASSERT_EQ(lstat(facts.config_folder.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0700U);
  facts.workspace = facts.config_folder;
  EXPECT_FALSE(SessionJail::create(facts, {.seccomp = true}).ok()) << "nobody works in it";
  facts.workspace = folders.root + "/w";
  facts.config_folder = folders.root + "/elsewhere/lathe";
  ASSERT_TRUE(SessionJail::create(facts, {.seccomp = true}).ok());
  EXPECT_FALSE(fs::exists(facts.config_folder)) << "no command could make it there";
}

TEST(SessionJail, WhatCommandsNeverReadCannotBeNamed) {
  const Folders folders;
  SessionFacts facts = folders.facts(Level::kNone);
  facts.home_secrets = {folders.root + "/bin/keys"};
  fs::create_directories(folders.root + "/bin/keys/deep");
  fs::create_directory_symlink(folders.root + "/state", folders.root + "/innocent");
  for (const char* root : {"", "/home", "/bin/keys", "/bin/keys/deep", "/state", "/state/file", "/innocent"}) {
    facts.readable_roots = {folders.root + root};
    const auto refused = readable_roots(facts);
    ASSERT_FALSE(refused.ok()) << root;
    EXPECT_EQ(refused.error().code, base::codes::kInvalid);
    EXPECT_THAT(refused.error().message, ::testing::StartsWith("readable-roots: " + folders.root)) << root;
  }
  for (const char* root : {"/", "/proc/self", "/dev", "/sys"}) {
    facts.readable_roots = {root};
    EXPECT_FALSE(readable_roots(facts).ok()) << root;
  }
  facts.readable_roots = {folders.root + "/outside", folders.root + "/none"};
  EXPECT_THAT(*readable_roots(facts), ::testing::ElementsAre(folders.root + "/outside"));
}

TEST(SessionJail, ProjectNamesDifferByPath) {
  EXPECT_NE(project_name("/a/x"), project_name("/b/x"));
  EXPECT_EQ(project_name("/a/x"), project_name("/a/x"));
}

}  // namespace
}  // namespace lathe::sandbox
