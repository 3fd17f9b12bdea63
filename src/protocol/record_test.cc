#include "lathe/protocol/record.h"

#include <gtest/gtest.h>

namespace lathe::protocol {
namespace {

base::Result<void> rename_words(base::Json& record) {
  record["msg"]["text"] = record["msg"]["words"];
  return {};
}
constexpr Upcaster kFromZero[] = {{.from = 0, .lift = &rename_words}};

TEST(Record, OldOnesAreLiftedAndNewerOnesAreErrors) {
  const std::string old =
      R"({"v":0,"session":"s","seq":1,"id":"","ts":5,"msg":{"type":"agent_message","item":"i","words":"hi"}})";
  EXPECT_EQ(decode_record(old).error().code, base::codes::kUnsupported);
  const auto lifted = decode_record(old, kFromZero);
  ASSERT_TRUE(lifted.ok()) << lifted.error().text();
  EXPECT_EQ(std::get<AgentMessage>(lifted->msg).text, "hi");
  const std::string future =
      R"({"v":2,"session":"s","seq":1,"id":"","ts":5,"msg":{"type":"agent_message","item":"i","text":"x"}})";
  EXPECT_EQ(decode_record(future, kFromZero).error().code, base::codes::kUnsupported);
  const std::string unknown = R"({"v":1,"session":"s","seq":1,"id":"","ts":5,"msg":{"type":"agent_sang"}})";
  EXPECT_EQ(decode_record(unknown, kFromZero).error().code, base::codes::kUnsupported);
}

}  // namespace
}  // namespace lathe::protocol
