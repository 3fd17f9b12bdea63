#include "lathe/base/secret_filter.h"

#include <gtest/gtest.h>

namespace lathe::base {
namespace {

TEST(SecretFilterTest, CutsASecretHoweverItIsSplit) {
  const std::string text = "key=sk-very-secret, and sk-very-secr no more";
  for (std::size_t size = 1; size <= text.size(); ++size) {
    SecretFilter filter({"sk-very-secret", "other"});
    std::string out;
    for (std::size_t at = 0; at < text.size(); at += size) out += filter.take(std::string_view(text).substr(at, size));
    out += filter.finish();
    EXPECT_EQ(out, "key=[secret], and sk-very-secr no more") << "in pieces of " << size;
  }
}

TEST(SecretFilterTest, HoldsNothingBackThatCannotBeASecret) {
  SecretFilter filter({"sk-very-secret"});
  EXPECT_EQ(filter.take("ready\n"), "ready\n");
  EXPECT_EQ(filter.take("a sk-"), "a ");
  EXPECT_EQ(filter.take("ip"), "sk-ip");
}

TEST(SecretFilterTest, AnEmptySecretIsNone) { EXPECT_EQ(cut_secrets("text", std::vector<std::string>{""}), "text"); }

}  // namespace
}  // namespace lathe::base
