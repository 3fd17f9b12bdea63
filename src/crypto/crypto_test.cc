#include <gtest/gtest.h>

#include <string>

#include "lathe/crypto/constant_time.h"
#include "lathe/crypto/git_blob_id.h"
#include "lathe/crypto/sha256.h"

namespace lathe::crypto {
namespace {

// Vectors of FIPS 180-4.
constexpr const char* kEmpty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
constexpr const char* kAbc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
constexpr const char* kMillionA = "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0";

TEST(Sha256, KnownDigests) {
  EXPECT_EQ(sha256(""), kEmpty);
  EXPECT_EQ(sha256("abc"), kAbc);
  EXPECT_EQ(sha256(std::string(1'000'000, 'a')), kMillionA);
}

TEST(Sha256, PiecesGiveTheSameDigestAndFinishStartsAnew) {
  Sha256 hash;
  hash.update("a");
  hash.update("");
  hash.update("bc");
  EXPECT_EQ(hash.finish(), kAbc);
  EXPECT_EQ(hash.finish(), kEmpty);
}

TEST(Sha256, NamesAreCheckedBeforeTheyReachAPath) {
  EXPECT_TRUE(is_sha256(kAbc));
  EXPECT_FALSE(is_sha256("../../etc/passwd"));
  EXPECT_FALSE(is_sha256(std::string(64, 'G')));
  EXPECT_FALSE(is_sha256(std::string(64, 'A')));
  EXPECT_FALSE(is_sha256(std::string(63, 'a')));
}

TEST(GitBlobId, IsWhatGitSays) {
  EXPECT_EQ(git_blob_id(""), "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391");
  EXPECT_EQ(git_blob_id("hello\n"), "ce013625030ba8dba906f756967f9e9ca394464a");
}

TEST(ConstantTime, ComparesWholeValues) {
  EXPECT_TRUE(equal_in_constant_time("token", "token"));
  EXPECT_FALSE(equal_in_constant_time("token", "tokem"));
  EXPECT_FALSE(equal_in_constant_time("token", "token2"));
  EXPECT_TRUE(equal_in_constant_time("", ""));
}

}  // namespace
}  // namespace lathe::crypto
