#include "lathe/sandbox/plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "lathe/sandbox/landlock.h"

namespace lathe::sandbox {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

const HostFacts kAll{.bubblewrap = {}, .namespaces = true, .landlock_abi = 6, .seccomp = true, .root = false};

HostFacts host(bool namespaces, int landlock_abi, bool seccomp = true) {
  HostFacts facts = kAll;
  facts.bubblewrap = namespaces ? "/usr/bin/bwrap" : "";
  facts.namespaces = namespaces;
  facts.landlock_abi = landlock_abi;
  facts.seccomp = seccomp;
  return facts;
}

SandboxSpec spec() {
  return {.readable = {"/people/p/.cargo/bin"},
          .writable = {"/people/p/w"},
          .home = "/people/p",
          .private_home = "/c/home",
          .private_tmp = "/c/tmp",
          .hidden_file = "/c/hidden-file",
          .hidden_folder = "/c/hidden-folder",
          .keeper_program = "/opt/lathe/lathe-keeper"};
}

/// The access that a rule grants on exactly this path.
std::uint64_t granted(const CommandJail& jail, const std::string& path) {
  std::uint64_t access = 0;
  for (const PathRule& rule : jail.rules) {
    if (rule.path == path) access |= rule.access;
  }
  return access;
}

std::string line(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out += word + " ";
  return out;
}

TEST(Ruleset, KnowsWhatEachVersionOfTheInterfaceBrought) {
  EXPECT_EQ(ruleset_for(0), (Ruleset{}));
  EXPECT_EQ(ruleset_for(1), (Ruleset{0x1fff, 0, 0}));
  EXPECT_EQ(ruleset_for(2), (Ruleset{0x3fff, 0, 0}));
  EXPECT_EQ(ruleset_for(3), (Ruleset{0x7fff, 0, 0}));
  EXPECT_EQ(ruleset_for(4), (Ruleset{0x7fff, 3, 0}));
  EXPECT_EQ(ruleset_for(5), (Ruleset{0xffff, 3, 0}));
  EXPECT_EQ(ruleset_for(6), (Ruleset{0xffff, 3, 3}));
  // Newer ones are used as the newest that is known.
  EXPECT_EQ(ruleset_for(7), ruleset_for(6));
}

TEST(Plan, TakesTheStrongestLevelThatTheHostGives) {
  EXPECT_EQ(plan(spec(), host(true, 6))->level, Level::kFull);
  EXPECT_EQ(plan(spec(), host(true, 0))->level, Level::kNamespaces);
  EXPECT_EQ(plan(spec(), host(false, 1))->level, Level::kLandlock);
}

TEST(Plan, RefusesLessThanThePersonAccepts) {
  for (const HostFacts& facts : {host(false, 0), host(true, 6, false)}) {
    const auto made = plan(spec(), facts);
    ASSERT_FALSE(made.ok());
    EXPECT_EQ(made.error().code, base::codes::kUnsupported);
    EXPECT_THAT(made.error().hint, HasSubstr("sandbox-waiver unconfined"));
  }
  SandboxSpec wants = spec();
  wants.least_level = Level::kFull;
  EXPECT_THAT(plan(wants, host(true, 0)).error().message, HasSubstr("the kernel has no Landlock"));
  EXPECT_THAT(plan(wants, host(false, 6)).error().message, HasSubstr("bubblewrap (bwrap) is not installed"));
  wants.level = Level::kNamespaces;
  EXPECT_FALSE(plan(wants, host(true, 6)).ok());
}

TEST(Plan, WaiverLetsCommandsRunUnconfined) {
  SandboxSpec waived = spec();
  waived.waiver.unconfined = true;
  const auto made = plan(waived, host(false, 0));
  ASSERT_TRUE(made.ok());
  EXPECT_EQ(made->level, Level::kNone);
  EXPECT_THAT(made->outer_argv, IsEmpty());
  EXPECT_EQ(made->command, CommandJail{});
}

TEST(Plan, FullAccessIsNoJail) {
  SandboxSpec open = spec();
  open.mode = Mode::kFullAccess;
  EXPECT_EQ(plan(open, host(true, 6))->level, Level::kNone);
}

TEST(Plan, WholeMachineIsNoWorkspace) {
  SandboxSpec all = spec();
  all.writable = {"/"};
  EXPECT_EQ(plan(all, host(true, 6)).error().code, base::codes::kInvalid);
  all.writable = {"relative"};
  EXPECT_EQ(plan(all, host(true, 6)).error().code, base::codes::kInvalid);
}

TEST(Plan, JailHoldsNothingButWhatIsNamed) {
  const auto made = plan(spec(), host(true, 6));
  ASSERT_TRUE(made.ok());
  const std::string words = line(made->outer_argv);
  EXPECT_THAT(words, HasSubstr("--unshare-user --unshare-pid --unshare-ipc --unshare-uts --unshare-cgroup-try "
                               "--unshare-net --as-pid-1 --cap-drop ALL --cap-add CAP_SYS_ADMIN"));
  EXPECT_THAT(words, HasSubstr("--bind /c/home /people/p --ro-bind-try /people/p/.cargo/bin /people/p/.cargo/bin "
                               "--bind /people/p/w /people/p/w"));
  EXPECT_THAT(words, HasSubstr("--bind /c/tmp /tmp"));
  EXPECT_THAT(words, Not(HasSubstr("bind / /")));
  EXPECT_THAT(words, ::testing::EndsWith("--remount-ro / --chdir / --clearenv -- "));
  EXPECT_EQ(made->keeper_path, "/run/lathe/lathe-keeper");
}

TEST(Plan, ReadOnlyModeMountsTheWorkspaceReadOnly) {
  SandboxSpec reading = spec();
  reading.mode = Mode::kReadOnly;
  const auto made = plan(reading, host(true, 6));
  EXPECT_THAT(line(made->outer_argv), HasSubstr("--ro-bind /people/p/w /people/p/w"));
  EXPECT_EQ(granted(made->command, "/people/p/w") & landlock::kWriteFile, 0U);
}

TEST(Plan, OnlyAnOpenNetworkIsTheMachines) {
  SandboxSpec with = spec();
  for (const Network network : {Network::kNone, Network::kProxy, Network::kOpen}) {
    with.network = network;
    const auto made = plan(with, host(true, 6));
    ASSERT_TRUE(made.ok());
    EXPECT_EQ(std::ranges::count(made->outer_argv, "--unshare-net"), network == Network::kOpen ? 0 : 1);
  }
  with.network = Network::kProxy;
  EXPECT_THAT(plan(with, host(false, 6)).error().message, HasSubstr("needs a network namespace"));
}

TEST(Plan, LandlockAloneGrantsTheSystemAndTheWorkspace) {
  const auto made = plan(spec(), host(false, 6));
  ASSERT_TRUE(made.ok());
  EXPECT_THAT(made->outer_argv, IsEmpty());
  EXPECT_EQ(made->keeper_path, "/opt/lathe/lathe-keeper");
  const CommandJail& jail = made->command;
  EXPECT_EQ(jail.ruleset, ruleset_for(6));
  EXPECT_NE(granted(jail, "/people/p/w") & landlock::kWriteFile, 0U);
  EXPECT_EQ(granted(jail, "/people/p/w") & (landlock::kMakeChar | landlock::kMakeBlock), 0U);
  EXPECT_EQ(granted(jail, "/usr"), landlock::kExecute | landlock::kReadFile | landlock::kReadDir);
  for (const char* path : {"/", "/home", "/people/p", "/tmp", "/run", "/dev", "/var"})
    EXPECT_EQ(granted(jail, path), 0U);
}

TEST(Plan, LandlockAloneRefusesSecretsInAWritableFolder) {
  SandboxSpec with = spec();
  with.masked = {{"/people/p/w/.env", Mask::Kind::kHidden, 7}};
  const auto refused = plan(with, host(false, 6));
  ASSERT_FALSE(refused.ok());
  EXPECT_THAT(refused.error().message, HasSubstr("/people/p/w/.env"));
  with.waiver.readable_secrets = true;
  EXPECT_TRUE(plan(with, host(false, 6)).ok());
  with.waiver = {};
  with.mode = Mode::kReadOnly;
  const auto made = plan(with, host(false, 6));
  ASSERT_TRUE(made.ok());
  const auto at = std::ranges::find(made->command.rules, "/people/p/w", &PathRule::path);
  ASSERT_NE(at, made->command.rules.end());
  EXPECT_THAT(at->except, ElementsAre("/people/p/w/.env"));
}

TEST(Plan, RootSeesNoSystemSecretsAndChangesNoKernelSetting) {
  HostFacts facts = host(true, 6);
  EXPECT_THAT(plan(spec(), facts)->command.masks, IsEmpty());
  facts.root = true;
  const auto made = plan(spec(), facts);
  EXPECT_THAT(made->command.masks, Contains(Mask{"/etc/shadow", Mask::Kind::kHidden, 0}));
  EXPECT_THAT(made->command.masks, Contains(Mask{"/proc", Mask::Kind::kReadOnly, 0}));
  facts = host(false, 6);
  facts.root = true;
  const auto landlock_only = plan(spec(), facts);
  const auto etc = std::ranges::find(landlock_only->command.rules, "/etc", &PathRule::path);
  EXPECT_THAT(etc->except, Contains("/etc/shadow"));
}

TEST(Masks, AreMountedFromTheTopAndNotBelowWhatIsHidden) {
  const auto made = plan(spec(), host(true, 6));
  const auto jail = with_masks(*made, spec(),
                               {{"/w/.git/hooks", Mask::Kind::kReadOnly, 3},
                                {"/w/a/.env", Mask::Kind::kHidden, 1},
                                {"/w/a-b", Mask::Kind::kHidden, 5},
                                {"/w/a", Mask::Kind::kHidden, 2},
                                {"/w/.git", Mask::Kind::kPinned, 4},
                                {"/w/a", Mask::Kind::kReadOnly, 2}});
  ASSERT_TRUE(jail.ok());
  EXPECT_THAT(jail->masks,
              ElementsAre(Mask{"/w/.git", Mask::Kind::kPinned, 4}, Mask{"/w/.git/hooks", Mask::Kind::kReadOnly, 3},
                          Mask{"/w/a", Mask::Kind::kHidden, 2}, Mask{"/w/a-b", Mask::Kind::kHidden, 5}));
}

TEST(Environment, LeadsCachesIntoThePrivateHome) {
  SandboxSpec with = spec();
  with.environment = {{"HOME", "/people/p"}, {"EXTRA", "1"}};
  const std::vector<std::string> ours = {"HOME=/elsewhere", "CARGO_HOME=/people/p/.cargo", "LANG=C", "TMPDIR=/x"};
  const auto inside = plan(with, host(true, 6));
  EXPECT_THAT(changed_environment(ours, inside->environment),
              ElementsAre("LANG=C", "TMPDIR=/tmp", "HOME=/people/p", "EXTRA=1"));
  const auto beside = plan(with, host(false, 6));
  EXPECT_THAT(changed_environment(ours, beside->environment),
              ElementsAre("LANG=C", "TMPDIR=/c/tmp", "EXTRA=1", "HOME=/c/home"));
}

TEST(HostFacts, ComeBackFromTheirLine) {
  for (HostFacts facts : {kAll, host(true, 3), host(false, 0, false)}) {
    facts.root = !facts.root;
    EXPECT_EQ(HostFacts::decode(facts.encode()), facts);
  }
  for (const char* line : {"", "1 2 3 4", "1 x 1 0 -", "1 2 1 0 - -"}) EXPECT_FALSE(HostFacts::decode(line)) << line;
}

}  // namespace
}  // namespace lathe::sandbox
