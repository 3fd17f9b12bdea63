#include "lathe/daemon/token_book.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cctype>
#include <filesystem>
#include <fstream>

namespace lathe::daemon {
namespace {

using protocol::Scope;
using protocol::Scopes;

class TokenBookTest : public testing::Test {
 protected:
  TokenBookTest()
      : folder_(std::filesystem::path(testing::TempDir()) /
                fmt::format("token_book_{}", testing::UnitTest::GetInstance()->current_test_info()->name())),
        book_(folder_) {
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
  }
  ~TokenBookTest() override { std::filesystem::remove_all(folder_); }

  std::filesystem::path folder_;
  base::SystemRandom random_;
  TokenBook book_;
};

TEST_F(TokenBookTest, ATokenHoldsWhatItWasGivenOutFor) {
  const auto reader = book_.create({Scope::kRead}, 17, random_);
  const auto whole = book_.create(Scopes::all(), 18, random_);
  ASSERT_TRUE(reader.ok() && whole.ok());
  EXPECT_EQ(book_.judge(reader->token)->text(), "read");
  EXPECT_EQ(book_.judge(whole->token)->text(), "admin");
  // Another process's book of the same folder.
  EXPECT_TRUE(TokenBook(folder_).judge(whole->token).ok());
}

TEST_F(TokenBookTest, OthersAreRefused) {
  EXPECT_FALSE(book_.judge("").ok());
  const auto made = book_.create({Scope::kRead}, 17, random_);
  ASSERT_TRUE(made.ok());
  std::string upper = made->token;
  for (char& letter : upper) letter = static_cast<char>(std::toupper(static_cast<unsigned char>(letter)));
  for (const std::string& wrong : {std::string(), upper, made->token + "0", made->token.substr(1), made->entry.id}) {
    const auto judged = book_.judge(wrong);
    ASSERT_FALSE(judged.ok()) << wrong;
    EXPECT_EQ(judged.error().code, base::codes::kPermission);
  }
}

TEST_F(TokenBookTest, OneThatWasTakenBackOpensNothing) {
  const auto kept = book_.create({Scope::kPrompt}, 17, random_);
  const auto gone = book_.create({Scope::kRead}, 18, random_);
  ASSERT_TRUE(kept.ok() && gone.ok());
  ASSERT_TRUE(book_.remove(gone->entry.id).ok());
  EXPECT_FALSE(book_.judge(gone->token).ok());
  EXPECT_EQ(*book_.list(), std::vector{kept->entry});
  EXPECT_EQ(book_.remove(gone->entry.id).error().code, base::codes::kNotFound);
}

TEST_F(TokenBookTest, TheFileHoldsNoTokenAndIsOfThisUserOnly) {
  const auto made = book_.create({Scope::kRead}, 17, random_);
  ASSERT_TRUE(made.ok());
  const std::string file = folder_.string() + "/tokens.json";
  std::ifstream in(file);
  const std::string text((std::istreambuf_iterator<char>(in)), {});
  EXPECT_EQ(text.find(made->token), std::string::npos);
  struct stat info{};
  ASSERT_EQ(::stat(file.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0600U);
}

TEST_F(TokenBookTest, ADamagedFileLetsNobodyIn) {
  std::ofstream(folder_.string() + "/tokens.json") << "[{\"id\":\"tok_1\",\"scopes\":\"admin\",\"sha256\":\"\"}]";
  EXPECT_EQ(book_.judge("x").error().code, base::codes::kCorrupt);
}

}  // namespace
}  // namespace lathe::daemon
