#include "lathe/tools/ask/ask_tool.h"

#include <fmt/format.h>

#include "lathe/base/strings.h"
#include "lathe/base/utf8.h"
#include "lathe/tools/common/arguments.h"
#include "lathe/tools/common/prepared_job.h"
#include "lathe/tools/common/schema.h"

namespace lathe::tools::ask {

using base::Error;
using base::Json;
using base::Result;
using common::Need;
using protocol::Question;
using runtime::Async;

namespace {

constexpr std::size_t kMaxQuestions = 10;
constexpr std::size_t kMaxOptions = 20;

ports::ToolSpec make_spec() {
  Json options = common::list_schema("Answers to choose from; the person may always answer in other words.",
                                     common::text_schema("One answer."));
  Json question = common::object_schema({{"question", Need::kRequired, common::text_schema("The question.")},
                                         {"options", Need::kOptional, std::move(options)}});
  return {.name = "ask_user",
          .description =
              "Asks the person and waits for the answers. Only for what you cannot find out yourself and what "
              "changes how you go on; ask everything at once.",
          .parameters = common::object_schema(
              {{"questions", Need::kRequired, common::list_schema("The questions, in order.", std::move(question))}})};
}

Result<Question> read_question(const common::Arguments& arguments, const Json& json, std::size_t index) {
  const std::string place = fmt::format("questions[{}]", index);
  if (!json.is_object()) return arguments.wrong(place, "must be an object with question and options");
  for (const auto& [name, value] : json.items()) {
    if (name == "question" || name == "options") continue;
    Error error = arguments.wrong(place, fmt::format("has a member \"{}\", which is not known", name));
    error.hint = base::did_you_mean(name, {"question", "options"});
    return error;
  }
  Question question{.question = base::json_string(json, "question"), .options = {}};
  if (base::trim(question.question).empty())
    return arguments.wrong(place + ".question", "must be a text that is not empty");
  const Json& options = base::json_at(json, "options");
  if (options.is_null()) return question;
  if (!options.is_array()) return arguments.wrong(place + ".options", "must be a list of texts");
  if (options.size() > kMaxOptions)
    return arguments.wrong(place + ".options", fmt::format("has over {} entries", kMaxOptions));
  for (const Json& option : options) {
    if (!option.is_string()) return arguments.wrong(place + ".options", "must be a list of texts");
    question.options.push_back(option.get<std::string>());
  }
  return question;
}

struct AskJob {
  ports::Questioner* questioner;
  std::string call_id;
  std::vector<Question> questions;

  Async<Result<ports::RunResult>> run(ports::OutputSink& out, runtime::CancelToken cancel) {
    if (questioner == nullptr) {
      co_return Error{.code = base::codes::kUnavailable,
                      .message = "nobody is there to answer",
                      .hint = "decide yourself and say what you assumed"};
    }
    CO_TRY(auto answers, co_await questioner->ask(call_id, questions, std::move(cancel)));
    if (answers.empty()) {
      co_return Error{.code = base::codes::kUnavailable,
                      .message = "the person did not answer",
                      .hint = "decide yourself and say what you assumed"};
    }
    // A client may answer only some of them.
    answers.resize(questions.size(), "(no answer)");
    if (questions.size() == 1) co_return common::said(out, answers[0]);
    std::string text;
    for (std::size_t i = 0; i < answers.size(); ++i) {
      text += fmt::format("{}. {}\nAnswer: {}\n", i + 1, questions[i].question, answers[i]);
    }
    co_return common::said(out, text);
  }
};

class AskTool final : public ports::Tool {
 public:
  [[nodiscard]] const ports::ToolSpec& spec() const override { return spec_; }
  [[nodiscard]] bool read_only() const override { return false; }

  Async<Result<std::unique_ptr<ports::PreparedCall>>> prepare(const protocol::ToolCall& call,
                                                              const ports::ToolEnvironment& environment) override {
    CO_TRY(const auto arguments, common::Arguments::parse(spec_, call));
    CO_TRY(const Json list, arguments.list("questions"));
    if (list.empty()) co_return arguments.wrong("questions", "is empty");
    if (list.size() > kMaxQuestions) {
      co_return arguments.wrong("questions", fmt::format("has over {} entries", kMaxQuestions));
    }
    std::vector<Question> questions;
    for (std::size_t i = 0; i < list.size(); ++i) {
      CO_TRY(auto question, read_question(arguments, list[i], i));
      questions.push_back(std::move(question));
    }
    std::string title = fmt::format("ask: {}", base::utf8_prefix(questions[0].question, 120));
    co_return common::prepared_job(common::action_of(call, ports::Action::Kind::kOther), std::move(title),
                                   AskJob{environment.questioner, call.call_id, std::move(questions)});
  }

 private:
  const ports::ToolSpec spec_ = make_spec();
};

}  // namespace

std::vector<std::unique_ptr<ports::Tool>> make_ask_tools() {
  std::vector<std::unique_ptr<ports::Tool>> tools;
  tools.push_back(std::make_unique<AskTool>());
  return tools;
}

}  // namespace lathe::tools::ask
