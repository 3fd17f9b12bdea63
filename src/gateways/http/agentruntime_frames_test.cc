#include "lathe/gateways/http/agentruntime_frames.h"

#include <gtest/gtest.h>

namespace lathe::gateways::http {
namespace {

namespace p = protocol;

TEST(AgentruntimeCommand, IsReadInEitherSpelling) {
  const p::Op say = p::UserInput{.items = {p::TextPart{"go"}}, .if_busy = p::IfBusy::kSteer};
  for (const char* text : {R"({"type":"stdin","data":"go\n"})", R"({"type":"steer","data":"go"})",
                           R"({"type":"prompt","data":{"content":"go"}})"}) {
    const auto command = parse_agentruntime_command(text);
    ASSERT_TRUE(command.ok()) << text;
    EXPECT_EQ(command->op, say) << text;
  }
  const p::Op context = p::AddContext{.text = "x", .path = "a.go"};
  EXPECT_EQ(parse_agentruntime_command(R"({"type":"context","data":{"text":"x","filePath":"a.go"}})")->op, context);
  EXPECT_EQ(parse_agentruntime_command(R"({"type":"context","context":{"text":"x","file_path":"a.go"}})")->op, context);
  const p::Op mention = p::Mention{.path = "a.go", .line_start = 2, .line_end = 5};
  EXPECT_EQ(
      parse_agentruntime_command(R"({"type":"mention","data":{"filePath":"a.go","lineStart":2,"lineEnd":5}})")->op,
      mention);
  EXPECT_EQ(
      parse_agentruntime_command(R"({"type":"mention","mention":{"file_path":"a.go","line_start":2,"line_end":5}})")
          ->op,
      mention);
  EXPECT_EQ(parse_agentruntime_command(R"({"type":"interrupt"})")->op, p::Op(p::Interrupt{}));
  EXPECT_TRUE(parse_agentruntime_command(R"({"type":"ping"})")->is_ping);
  EXPECT_FALSE(parse_agentruntime_command(R"({"type":"resize","cols":1,"rows":2})")->op);
}

TEST(AgentruntimeCommand, WhatIsNoneIsSaid) {
  for (const char* text : {"", "[]", "{}", R"({"type":"stdin"})", R"({"type":"prompt","data":{}})",
                           R"({"type":"mention","data":{}})", R"({"type":"sing"})"}) {
    EXPECT_FALSE(parse_agentruntime_command(text).ok()) << text;
  }
}

TEST(EventFrames, SendWholeLinesAndTheEndOnce) {
  AgentruntimeRead read;
  read.bytes = read.log.add({.session = "s", .seq = 1, .id = "1", .ts = 1, .msg = p::TaskStarted{.task = "t"}});
  const std::string line = read.bytes.substr(0, read.bytes.size() - 1);
  const auto frames = event_frames();
  EXPECT_EQ(frames->start("s", read), AgentruntimeFrames::Messages{line});
  AgentruntimeRead cut = read;
  cut.bytes = read.bytes.substr(3);
  cut.at_line_start = false;
  EXPECT_TRUE(event_frames()->start("s", cut).empty());
  EXPECT_EQ(frames->exit({}, read.log, 2).size(), 1U);
  EXPECT_TRUE(frames->exit({}, read.log, 2).empty());
}

}  // namespace
}  // namespace lathe::gateways::http
