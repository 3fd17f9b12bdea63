#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lathe/protocol/error_codes.h"
#include "lathe/providers/anthropic/model.h"
#include "lathe/providers/common/fallback_model.h"
#include "lathe/providers/ollama/model.h"
#include "lathe/providers/openai_chat/model.h"
#include "lathe/providers/openai_responses/model.h"
#include "lathe/testing/model_server/server.h"

// Every wire over real HTTP against the ScriptedModelServer: the same script, the same answers.

namespace lathe::providers::common {
namespace {

namespace codes = protocol::error_codes;
using lathe::testing::Answer;
using lathe::testing::HttpError;
using lathe::testing::RawAnswer;
using lathe::testing::ScriptedModelServer;
using ports::ModelFailure;
using ports::RetryClass;
using runtime::Async;
using runtime::CancelToken;
using runtime::Deadline;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

struct Heard {
  std::string text;
  std::string reasoning;
  std::vector<ports::ModelItem> items;
  std::optional<ports::Finished> finished;
  std::optional<ModelFailure> failure;
  std::vector<std::string> notices;
};

/// Turns the events of one answer into items, as the agent does.
class Listener final {
 public:
  explicit Listener(std::string provider) : provider_(std::move(provider)) {}
  void operator()(const ports::TextDelta& event) { heard.text += event.text; }
  void operator()(const ports::TextDone&) { heard.items.emplace_back(ports::AssistantTextItem{heard.text}); }
  void operator()(const ports::ReasoningDelta& event) { heard.reasoning += event.text; }
  void operator()(const ports::ReasoningDone& event) {
    heard.items.emplace_back(ports::AssistantReasoningItem{heard.reasoning, provider_, event.opaque});
  }
  void operator()(const ports::CallDone& event) { heard.items.emplace_back(ports::AssistantCallItem{event.call}); }
  void operator()(const ports::Finished& event) { heard.finished = event; }
  void operator()(const ports::ModelNotice& event) { heard.notices.push_back(event.code); }
  Heard heard;

 private:
  std::string provider_;
};

Async<Heard> ask(runtime::Loop* loop, ports::Model* model, ports::ModelRequest request,
                 std::chrono::milliseconds idle) {
  auto stream = co_await model->open(std::move(request), CancelToken());
  Listener listener{std::string(model->provider())};
  if (!stream) {
    listener.heard.failure = stream.error();
    co_return listener.heard;
  }
  while (true) {
    auto events = co_await (*stream)->next(CancelToken(), Deadline::after(*loop, idle));
    if (!events) listener.heard.failure = events.error();
    if (!events || events->empty()) co_return listener.heard;
    for (const ports::ModelEvent& event : *events) std::visit(listener, event);
  }
}

class WiresTest : public ::testing::TestWithParam<std::string_view> {
 protected:
  std::unique_ptr<ports::Model> make(std::string_view wire, const std::string& root) {
    Endpoint endpoint{.backend = "test", .base_url = root + "/v1", .api_key = "sk-test-key", .key_source = "TEST_KEY"};
    if (wire == "openai_responses") {
      return std::make_unique<openai_responses::ResponsesModel>(
          loop_, client_, openai_responses::Options{endpoint, openai_responses::quirks_for("openai")});
    }
    if (wire == "openai_chat") {
      return std::make_unique<openai_chat::ChatModel>(
          loop_, client_, openai_chat::Options{endpoint, openai_chat::quirks_for("compatible")});
    }
    if (wire == "anthropic") {
      return std::make_unique<anthropic::MessagesModel>(loop_, client_, anthropic::Options{.endpoint = endpoint});
    }
    return std::make_unique<ollama::OllamaModel>(loop_, client_, ollama::Options{.endpoint = endpoint});
  }
  /// A server with these answers, and a model that speaks the wire under test to it.
  void serve(std::vector<Answer> answers) {
    server_ = *ScriptedModelServer::start({.answers = std::move(answers)});
    model_ = make(GetParam(), server_->url());
  }
  Heard ask_model(ports::ModelRequest request, std::chrono::milliseconds idle = std::chrono::seconds(20)) {
    return loop_.block_on(ask(&loop_, model_.get(), std::move(request), idle));
  }
  static ports::ModelRequest question() {
    ports::ModelRequest request{.model = "mock", .system_prompt = "Be brief.", .cache_key = "s"};
    request.tools = {{.name = "read", .description = "Reads.", .parameters = base::Json{{"type", "object"}}}};
    request.items = {ports::UserInputItem{{ports::ModelText{"Look."}}}};
    return request;
  }
  ModelFailure failure_of_answer(Answer answer) {
    serve({std::move(answer)});
    Heard heard = ask_model(question());
    EXPECT_TRUE(heard.failure.has_value());
    return heard.failure.value_or(ModelFailure{});
  }

  runtime::Loop loop_;
  net::HttpClient client_{loop_};
  std::unique_ptr<ScriptedModelServer> server_;
  std::unique_ptr<ports::Model> model_;
};

INSTANTIATE_TEST_SUITE_P(All, WiresTest, ::testing::Values("openai_responses", "openai_chat", "anthropic", "ollama"),
                         [](const auto& wire) { return std::string(wire.param); });

Answer two_calls() {
  Answer answer;
  answer.reasoning = lathe::testing::say({"Let me ", "see."});
  answer.reasoning_opaque = "opaque-1";
  answer.text = lathe::testing::say({"I will ", "look."});
  answer.tool_calls = {{.name = "read", .arguments = {{"path", "a"}}}, {.name = "read", .arguments = {{"path", "b"}}}};
  answer.interleave_calls = true;
  return answer;
}

TEST_P(WiresTest, ATaskWithParallelCallsOverOneConnection) {
  Answer last;
  last.text = lathe::testing::say({"All ", "good."});
  last.usage = {.input = 120, .output = 8, .cached = 0, .cache_write = 0, .reasoning = 0};
  serve({two_calls(), last});
  ports::ModelRequest request = question();

  const Heard first = ask_model(request);
  ASSERT_FALSE(first.failure.has_value()) << first.failure->error.text();
  EXPECT_EQ(first.text, "I will look.");
  EXPECT_EQ(first.reasoning, "Let me see.");
  EXPECT_EQ(first.finished->reason, ports::FinishReason::kToolCalls);
  request.items.insert(request.items.end(), first.items.begin(), first.items.end());
  std::vector<std::string> arguments;
  for (const ports::ModelItem& item : first.items) {
    const auto* call = std::get_if<ports::AssistantCallItem>(&item);
    if (call == nullptr) continue;
    arguments.push_back(base::json_string(*base::parse_json(call->call.arguments), "path"));
    request.items.emplace_back(ports::ToolResultItem{.call_id = call->call.call_id, .tool = "read", .output = "text"});
  }
  EXPECT_THAT(arguments, ::testing::ElementsAre("a", "b"));

  const Heard second = ask_model(request);
  ASSERT_FALSE(second.failure.has_value()) << second.failure->error.text();
  EXPECT_EQ(second.text, "All good.");
  EXPECT_EQ(second.finished->usage->input_tokens, 120);
  EXPECT_EQ(second.finished->usage->output_tokens, 8);
  EXPECT_THAT(server_->violations(), IsEmpty());
  EXPECT_THAT(server_->prefix_breaks(), IsEmpty());
}

TEST_P(WiresTest, TheSameAnswerInOddBytes) {
  Answer answer = two_calls();
  answer.text = lathe::testing::say({"hé", "llo — ", "ok"});
  answer.chunk_bytes = 3;
  answer.crlf = true;
  answer.keep_alive_every = 1;
  answer.empty_choices = true;
  serve({answer});
  const Heard heard = ask_model(question());
  ASSERT_FALSE(heard.failure.has_value()) << heard.failure->error.text();
  EXPECT_EQ(heard.text, "héllo — ok");
  EXPECT_EQ(heard.finished->reason, ports::FinishReason::kToolCalls);
}

TEST_P(WiresTest, RefusalsHaveTheirCodes) {
  EXPECT_EQ(failure_of_answer({.error = HttpError{.status = 401}}).error.code, codes::kAuth);
  EXPECT_EQ(failure_of_answer({.error = HttpError{.status = 500}}).error.code, codes::kUpstream);
  const ModelFailure busy = failure_of_answer({.error = HttpError{.status = 429, .headers = {{"retry-after", "2"}}}});
  EXPECT_EQ(busy.error.code, codes::kRateLimit);
  EXPECT_EQ(busy.retry, RetryClass::kRequest);
  EXPECT_EQ(busy.retry_after, std::chrono::seconds(2));
}

TEST_P(WiresTest, GarbageIsToldAtOnceAndNotTriedAgain) {
  for (const char* type : {"text/html", "text/event-stream"}) {
    const ModelFailure got =
        failure_of_answer({.raw = RawAnswer{.body = "<html>Welcome to nginx</html>", .content_type = type}});
    EXPECT_EQ(got.error.code, codes::kStream);
    EXPECT_EQ(got.retry, RetryClass::kNever);
    EXPECT_THAT(got.error.message, HasSubstr("Welcome to nginx"));
  }
}

TEST_P(WiresTest, CutsAndStallsAreOfTheStream) {
  Answer cut;
  cut.text = lathe::testing::say({"half"});
  cut.text.emplace_back(lathe::testing::Cut{});
  serve({cut});
  const Heard heard = ask_model(question());
  EXPECT_EQ(heard.text, "half");
  ASSERT_TRUE(heard.failure.has_value());
  EXPECT_EQ(heard.failure->retry, RetryClass::kStream);

  Answer stall;
  stall.text = lathe::testing::say({"half"});
  stall.text.emplace_back(lathe::testing::Stall{});
  serve({stall});
  const Heard stalled = ask_model(question(), std::chrono::milliseconds(300));
  ASSERT_TRUE(stalled.failure.has_value());
  EXPECT_EQ(stalled.failure->error.code, base::codes::kTimeout);
  EXPECT_EQ(stalled.failure->retry, RetryClass::kStream);
}

TEST_P(WiresTest, BytesWithoutEventsAreNoStall) {
  Answer slow;
  slow.text = lathe::testing::say({"half"});
  for (int i = 0; i < 5; ++i) {
    slow.text.emplace_back(lathe::testing::Delay{std::chrono::milliseconds(200)});
    slow.text.emplace_back(lathe::testing::Comment{"wait"});
  }
  slow.text.emplace_back(lathe::testing::Delta{" whole"});
  serve({slow});
  const Heard heard = ask_model(question(), std::chrono::milliseconds(800));
  ASSERT_FALSE(heard.failure.has_value()) << heard.failure->error.text();
  EXPECT_EQ(heard.text, "half whole");
}

TEST_P(WiresTest, NoServerIsNoConnection) {
  serve({});
  model_ = make(GetParam(), "http://127.0.0.1:1");
  const Heard heard = ask_model(question());
  EXPECT_EQ(heard.failure->error.code, codes::kUnreachable);
  EXPECT_EQ(heard.failure->retry, RetryClass::kConnect);
  EXPECT_THAT(heard.failure->error.text(), Not(HasSubstr("sk-test-key")));
}

TEST_P(WiresTest, ListsTheServersModels) {
  serve({});
  const auto models = loop_.block_on(model_->list_models(CancelToken()));
  ASSERT_TRUE(models.has_value()) << models.error().error.text();
  ASSERT_EQ(models->size(), 1U);
  EXPECT_EQ(models->front().model, "mock");
}

TEST_P(WiresTest, AServerWithoutThePathOfOneWireIsAskedOnTheOther) {
  if (GetParam() != "openai_chat") return;
  Answer answer;
  answer.text = lathe::testing::say({"hi"});
  answer.repeat = 2;
  serve({{.error = HttpError{.status = 404, .body = R"({"detail":"Not Found"})"}}, answer});
  model_ = std::make_unique<FallbackModel>(make("openai_responses", server_->url()),
                                           make("openai_chat", server_->url()), lacks_endpoint);
  const Heard first = ask_model(question());
  EXPECT_EQ(first.text, "hi");
  EXPECT_THAT(first.notices, ::testing::ElementsAre("wire_switched"));
  EXPECT_THAT(ask_model(question()).notices, IsEmpty());
  std::vector<std::string> wires;
  for (const auto& request : server_->requests()) wires.push_back(request.wire);
  EXPECT_THAT(wires, ::testing::ElementsAre("openai_responses", "openai_chat", "openai_chat"));
}

}  // namespace
}  // namespace lathe::providers::common
