#include "lathe/tools/ask/ask_tool.h"

#include <gtest/gtest.h>

#include "lathe/fakes/text_sink.h"
#include "lathe/runtime/loop.h"

namespace lathe::tools::ask {
namespace {

using Sink = fakes::TextSink;

/// Answers each question with its length.
struct Person final : ports::Questioner {
  std::vector<protocol::Question> asked;
  std::size_t answers_only = 100;
  runtime::Async<base::Result<std::vector<std::string>>> ask(std::string, std::vector<protocol::Question> questions,
                                                             runtime::CancelToken) override {
    asked = questions;
    std::vector<std::string> answers;
    for (const auto& question : questions) {
      if (answers.size() < answers_only) answers.push_back(std::to_string(question.question.size()));
    }
    co_return answers;
  }
};

class AskTest : public testing::Test {
 protected:
  base::Result<std::unique_ptr<ports::PreparedCall>> prepare(std::string arguments) {
    return loop_.block_on(
        tool_->prepare({.call_id = "c", .tool = "ask_user", .arguments = std::move(arguments)}, environment_));
  }
  std::string answer(std::string arguments) {
    const auto call = prepare(std::move(arguments));
    if (!call.ok()) return call.error().text();
    Sink out;
    const auto result = loop_.block_on((*call)->run(out, {}));
    return result.ok() ? out.text : result.error().text();
  }

  runtime::Loop loop_;
  Person person_;
  ports::ToolEnvironment environment_{.cwd = "/", .session_id = "s", .questioner = &person_};
  std::unique_ptr<ports::Tool> tool_ = std::move(make_ask_tools()[0]);
};

TEST_F(AskTest, GivesTheAnswers) {
  EXPECT_EQ(answer(R"({"questions":[{"question":"why?","options":["a","b"]}]})"), "4");
  EXPECT_EQ(person_.asked, (std::vector<protocol::Question>{{"why?", {"a", "b"}}}));
  EXPECT_EQ(answer(R"({"questions":[{"question":"a?"},{"question":"bcd?"}]})"),
            "1. a?\nAnswer: 2\n2. bcd?\nAnswer: 4\n");
}

TEST_F(AskTest, SaysThatNobodyIsThere) {
  environment_.questioner = nullptr;
  EXPECT_EQ(answer(R"({"questions":[{"question":"a?"}]})"),
            "nobody is there to answer (decide yourself and say what you assumed)");
}

TEST_F(AskTest, AQuestionMayStayUnanswered) {
  person_.answers_only = 1;
  EXPECT_EQ(answer(R"({"questions":[{"question":"a?"},{"question":"bcd?"}]})"),
            "1. a?\nAnswer: 2\n2. bcd?\nAnswer: (no answer)\n");
}

TEST_F(AskTest, SaysWhatIsWrong) {
  EXPECT_EQ(answer(R"({"questions":[]})"), "ask_user: questions is empty");
  EXPECT_EQ(answer(R"({"questions":["a?"]})"), "ask_user: questions[0] must be an object, not a string");
  EXPECT_EQ(answer(R"({"questions":[{"question":" "}]})"),
            "ask_user: questions[0].question must be a text that is not empty");
  EXPECT_EQ(answer(R"({"questions":[{"question":"a?","option":[]}]})"),
            "ask_user: questions[0].option is not an argument (did you mean \"options\"?)");
}

}  // namespace
}  // namespace lathe::tools::ask
