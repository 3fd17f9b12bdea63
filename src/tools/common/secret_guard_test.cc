#include "lathe/tools/common/secret_guard.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace lathe::tools::common {
namespace {

namespace stdfs = std::filesystem;

class SecretGuardTest : public testing::Test {
 protected:
  SecretGuardTest() {
    std::string pattern = (stdfs::temp_directory_path() / "lathe-secret-XXXXXX").string();
    base_ = mkdtemp(pattern.data());
    for (const char* folder : {"/person/.ssh", "/person/project/sub", "/state"})
      stdfs::create_directories(base_ + folder);
    guard_.emplace(*globs::SecretFiles::create(globs::default_secret_patterns()), base_ + "/person",
                   std::vector<std::string>{base_ + "/state"});
  }
  ~SecretGuardTest() override { stdfs::remove_all(base_); }

  void put(const std::string& path) { std::ofstream(base_ + path) << "x"; }
  /// "read", or the code of the refusal.
  std::string read(const std::string& path, const std::string& cwd = "/person/project") {
    const auto bytes = read_whole(*place_of(base_ + cwd, path), &*guard_);
    return bytes.ok() ? "read" : bytes.error().code;
  }

  std::string base_;
  std::optional<SecretGuard> guard_;
};

TEST_F(SecretGuardTest, SecretFilesOfTheProjectAreRefusedByEveryName) {
  put("/person/project/open");
  put("/person/project/.env");
  put("/person/project/sub/server.pem");
  stdfs::create_symlink(".env", base_ + "/person/project/innocent");
  stdfs::create_hard_link(base_ + "/person/project/.env", base_ + "/person/project/second-name");
  stdfs::create_hard_link(base_ + "/person/project/open", base_ + "/person/project/open-too");
  EXPECT_EQ(read("open"), "read");
  EXPECT_EQ(read("open-too"), "read");
  for (const char* path : {".env", "sub/../.env", "sub/server.pem", "innocent", "second-name"}) {
    EXPECT_EQ(read(path), base::codes::kPermission) << path;
  }
  put("/person/project/id_rsa");
  EXPECT_EQ(read("id_rsa"), base::codes::kPermission) << "it appeared later";
}

TEST_F(SecretGuardTest, SecretsOfTheHomeAndOfLatheAreRefused) {
  put("/person/.ssh/config");
  put("/person/notes");
  put("/state/journal");
  stdfs::create_directory_symlink(base_ + "/person/.ssh", base_ + "/person/project/keys");
  EXPECT_EQ(read("../notes"), "read");
  for (const char* path : {"../.ssh/config", "keys/config", "../../state/journal"}) {
    EXPECT_EQ(read(path), base::codes::kPermission) << path;
  }
  EXPECT_EQ(read(".ssh/config", "/person"), base::codes::kPermission) << "also when the home is worked in";
}

TEST_F(SecretGuardTest, WhatIsOpenWithinASecretFolderIsRead) {
  for (const char* folder : {"/state/jails/mine/home/.cargo", "/state/jails/other/home"}) {
    stdfs::create_directories(base_ + folder);
  }
  put("/state/journal");
  put("/state/jails/mine/home/.cargo/lib.rs");
  put("/state/jails/mine/home/.env");
  put("/state/jails/other/home/lib.rs");
  stdfs::create_symlink(base_ + "/state/journal", base_ + "/state/jails/mine/home/link");
  EXPECT_EQ(read("../../state/jails/mine/home/.cargo/lib.rs"), base::codes::kPermission);
  guard_ = guard_->with_open(base_ + "/state/jails/mine/home");
  EXPECT_EQ(read("../../state/jails/mine/home/.cargo/lib.rs"), "read");
  EXPECT_FALSE(guard_->names_secret("lib.rs", base_ + "/state/jails/mine/home/.cargo/lib.rs"));
  for (const char* path : {"journal", "jails/other/home/lib.rs", "jails/mine/home/link", "jails/mine/home/.env",
                           "jails/mine/home/../../other/home/lib.rs"}) {
    EXPECT_EQ(read("../../state/" + std::string(path)), base::codes::kPermission) << path;
  }
}

TEST_F(SecretGuardTest, EverySecretOfTheProductionListIsRefused) {
  ASSERT_GT(globs::home_secret_paths().size(), 30U);
  for (const std::string& secret : globs::home_secret_paths()) {
    // As a file, and as a folder with something in it; a link to it is no way around.
    for (const std::string& file : {secret, secret + "/deep/file"}) {
      stdfs::remove_all(base_ + "/person/" + secret);
      stdfs::create_directories(stdfs::path(base_ + "/person/" + file).parent_path());
      put("/person/" + file);
      stdfs::remove(base_ + "/person/project/link");
      stdfs::create_symlink(base_ + "/person/" + file, base_ + "/person/project/link");
      EXPECT_EQ(read("../" + file), base::codes::kPermission) << file;
      EXPECT_EQ(read("link"), base::codes::kPermission) << "a link to " << file;
      EXPECT_TRUE(guard_->names_secret("", base_ + "/person/" + file)) << file;
    }
  }
}

TEST_F(SecretGuardTest, NamesThatSecretsReallyHave) {
  for (const char* name :
       {".env",       ".env.local",   ".env.production", "server.pem",     "tls.key",
        "bundle.p12", "cert.pfx",     "release.jks",     "debug.keystore", "passwords.kdbx",
        "putty.ppk",  "id_rsa",       "id_ed25519",      "id_ecdsa_sk",    "id_dsa",
        ".netrc",     ".npmrc",       ".pypirc",         ".pgpass",        ".git-credentials",
        ".htpasswd",  ".vault-token", "id_rsa.old",      ".env.d",         "service-account-prod.json"}) {
    put(std::string("/person/project/sub/") + name);
    EXPECT_EQ(read(std::string("sub/") + name), base::codes::kPermission) << name;
  }
  for (const char* name : {".env.example", ".env.sample", ".env.template", "id_rsa.pub", "keyboard.md", "env.ts",
                           "environment", "monkey.txt", "keystore.cc"}) {
    put(std::string("/person/project/sub/") + name);
    EXPECT_EQ(read(std::string("sub/") + name), "read") << name;
  }
}

TEST_F(SecretGuardTest, SkillsInASecretFolderAreForModels) {
  const std::string skills = base_ + "/person/.claude/skills";
  stdfs::create_directories(skills);
  put("/person/.claude/skills/notes.md");
  put("/person/.claude/history");
  stdfs::create_symlink(base_ + "/person/.claude/history", skills + "/link");
  EXPECT_EQ(read("../.claude/skills/notes.md"), base::codes::kPermission);
  guard_.emplace(*globs::SecretFiles::create({}), base_ + "/person", std::vector<std::string>(),
                 std::vector<std::string>{skills});
  EXPECT_EQ(read("../.claude/skills/notes.md"), "read");
  EXPECT_EQ(read("../.claude/history"), base::codes::kPermission);
  EXPECT_EQ(read("../.claude/skills/link"), base::codes::kPermission);
}

TEST_F(SecretGuardTest, WhatTheKernelTellsOfProcessesIsRefused) {
  for (const char* path : {"/proc/self/environ", "/proc/thread-self/environ", "/proc/1/status", "/proc/self/maps"}) {
    EXPECT_EQ(read(path), base::codes::kPermission) << path;
  }
  EXPECT_EQ(read("/proc/meminfo"), "read");
}

}  // namespace
}  // namespace lathe::tools::common
