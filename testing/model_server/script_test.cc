#include "lathe/testing/model_server/script.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

namespace lathe::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(Script, ReadsEveryMember) {
  const auto script = parse_script(R"({"position": "tool_results", "models": [{"id": "m", "context_window": 10}],
    "answers": [{"when": {"last_user_contains": "x", "tool_results": 2}, "repeat": -1,
      "before": [{"delay_ms": 5}], "reasoning": "r", "text": ["a", {"text": "b", "times": 3}, {"gate": "g"},
      {"fill_bytes": 4}, {"stall": true}, {"cut": true}, {"comment": "c"}],
      "tool_calls": [{"name": "t", "arguments": "{", "id": "i"}, {"shell": "ls"}], "usage": null,
      "finish_reason": null, "failed": {"code": "c"}, "cut_after_bytes": 7, "crlf": true, "bad_bytes": true,
      "error": {"status": 429, "headers": {"retry-after": "1"}, "body": {"a": 1}}}]})");
  ASSERT_TRUE(script.ok()) << script.error().text();
  EXPECT_EQ(script->position, Position::kToolResults);
  EXPECT_EQ(script->models.at(0).context_window, 10);
  const Answer& answer = script->answers.at(0);
  EXPECT_EQ(answer.when.tool_results, 2);
  EXPECT_EQ(answer.repeat, Answer::kForever);
  EXPECT_TRUE(answer.crlf && answer.bad_bytes);
  EXPECT_THAT(answer.text,
              ElementsAre(Delta{"a"}, Delta{"b", 3}, Gate{"g"}, Delta{"xxxx"}, Stall{}, Cut{}, Comment{"c"}));
  EXPECT_EQ(answer.tool_calls.at(0).arguments, "{");
  EXPECT_EQ(answer.tool_calls.at(1).shell, "ls");
  EXPECT_FALSE(answer.usage.has_value());
  EXPECT_FALSE(answer.finish_reason.has_value());
  EXPECT_EQ(answer.error->body, R"({"a":1})");
  EXPECT_EQ(answer.cut_after_bytes, 7U);
}

TEST(Script, NamesWhatIsWrong) {
  const auto typo = parse_script(R"({"answers": [{"text": "a"}, {"txet": "b"}]})");
  ASSERT_FALSE(typo.ok());
  EXPECT_THAT(typo.error().text(), HasSubstr("answer 1: answer: unknown member \"txet\" (did you mean \"text\"?)"));
  EXPECT_FALSE(parse_script(R"({"answers": [{"text": [{}]}]})").ok());
  EXPECT_FALSE(parse_script(R"({"answers": [{"repeat": "twice"}]})").ok());
  EXPECT_FALSE(parse_script(R"({"position": "somewhere"})").ok());
  EXPECT_FALSE(parse_script(R"({"answers": [{"tool_calls": [{"arguments": {}}]}]})").ok());
}

TEST(Script, EveryExampleOfTheReadmeIsRead) {
  std::ifstream file(LATHE_SOURCE_DIR "/testing/model_server/README.md");
  std::stringstream readme;
  readme << file.rdbuf();
  const std::string text = readme.str();
  int examples = 0;
  constexpr std::string_view kFence = "```json\n";
  for (std::size_t at = text.find(kFence); at != std::string::npos; at = text.find(kFence, at + 1)) {
    const std::size_t begin = at + kFence.size();
    const std::string example = text.substr(begin, text.find("```", begin) - begin);
    const auto json = base::parse_json(example);
    ASSERT_TRUE(json.ok()) << example;
    if (json->contains("answers")) {
      EXPECT_TRUE(parse_script(example).ok()) << parse_script(example).error().text();
    } else {
      EXPECT_TRUE(parse_answer(*json).ok()) << parse_answer(*json).error().text();
    }
    ++examples;
  }
  EXPECT_GE(examples, 12);
}

}  // namespace
}  // namespace lathe::testing
