#include "lathe/ports/session_marks.h"

#include <gtest/gtest.h>

#include <string>

namespace lathe::ports {
namespace {

TEST(SessionMarks, ATagIsOneWordThatCanNameAFile) {
  for (const char* tag : {"todo", "v1.2", "größe", "a-b_c", "#12"}) EXPECT_TRUE(check_tag(tag).ok()) << tag;
  const std::string nul("a\0b", 3);
  for (const std::string& text :
       {std::string(), std::string("two words"), std::string("a/b"), std::string(".."), std::string("-h"),
        std::string("a,b"), std::string("a\nb"), nul, std::string("\xff"), std::string(65, 'a')}) {
    const auto checked = check_tag(text);
    ASSERT_FALSE(checked.ok()) << text;
    EXPECT_EQ(checked.error().code, base::codes::kInvalid);
  }
  EXPECT_TRUE(check_tag(std::string(64, 'a')).ok());
}

}  // namespace
}  // namespace lathe::ports
