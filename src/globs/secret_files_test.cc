#include "lathe/globs/secret_files.h"

#include <gtest/gtest.h>

namespace lathe::globs {
namespace {

TEST(SecretFiles, TheDefaultsKnowTheUsualNamesInEveryFolder) {
  const SecretFiles secrets = *SecretFiles::create(default_secret_patterns());
  for (const char* path : {".env", "deploy/.env", ".env.local", "tls/server.pem", "server.key", "keys/id_rsa",
                           "id_ed25519", ".npmrc", "/abs/folder/.netrc"}) {
    EXPECT_TRUE(secrets.matches(path)) << path;
  }
  for (const char* path : {"env", "environment.ts", ".env.example", "id_rsa.pub", "src/keys.cc", "pem.txt", "README"}) {
    EXPECT_FALSE(secrets.matches(path)) << path;
  }
}

TEST(SecretFiles, TheLastPatternThatMatchesDecides) {
  const SecretFiles secrets = *SecretFiles::create({"*.key", "!test.key", "fixtures/test.key"});
  EXPECT_TRUE(secrets.matches("a.key"));
  EXPECT_FALSE(secrets.matches("test.key"));
  EXPECT_TRUE(secrets.matches("fixtures/test.key"));
  EXPECT_FALSE(SecretFiles().matches(".env"));
}

TEST(SecretFiles, ABrokenPatternIsAnErrorThatNamesIt) {
  const auto broken = SecretFiles::create({"[a"});
  ASSERT_FALSE(broken.ok());
  EXPECT_NE(broken.error().message.find("[a"), std::string::npos) << broken.error().message;
}

}  // namespace
}  // namespace lathe::globs
