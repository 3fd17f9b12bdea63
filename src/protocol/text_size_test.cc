#include "lathe/protocol/text_size.h"

#include <gtest/gtest.h>

namespace lathe::protocol {
namespace {

TEST(TextSize, TextCountsWhereverItStands) {
  const std::string text(100, 'x');
  EXPECT_TRUE(has_long_text(AgentMessage{.item = "m", .text = text}, 90));
  EXPECT_FALSE(has_long_text(AgentMessage{.item = "m", .text = text}, 1'000));
  EXPECT_TRUE(has_long_text(UserMessage{.item = "u", .content = {TextPart{"a"}, TextPart{text}}}, 90));
  EXPECT_TRUE(has_long_text(ToolCalls{.calls = {{.call_id = "c", .tool = "t", .arguments = text}}}, 90));
  const base::Json opaque = {{"list", base::Json::array({"a", text})}};
  EXPECT_TRUE(has_long_text(AgentReasoning{.item = "r", .opaque = opaque}, 90));
}

TEST(TextSize, ManyShortValuesAreLongToo) {
  base::Json numbers = base::Json::array();
  for (int i = 0; i < 1'000; ++i) numbers.push_back(i);
  EXPECT_TRUE(has_long_text(AgentReasoning{.item = "r", .opaque = numbers}, 5'000));
}

TEST(TextSize, AUsualEventIsShort) {
  EXPECT_FALSE(has_long_text(TaskComplete{.task = "t", .last_agent_message = "Done."}));
}

}  // namespace
}  // namespace lathe::protocol
