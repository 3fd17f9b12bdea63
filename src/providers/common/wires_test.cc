#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <tuple>

#include "lathe/protocol/error_codes.h"
#include "lathe/providers/anthropic/wire.h"
#include "lathe/providers/common/fallback_model.h"
#include "lathe/providers/common/http_model.h"
#include "lathe/providers/ollama/wire.h"
#include "lathe/providers/openai_chat/wire.h"
#include "lathe/providers/openai_responses/wire.h"
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

Async<base::Result<std::string>> key_number(int number) { co_return "sk-key-number-" + std::to_string(number); }
Async<base::Result<std::string>> no_key() {
  co_return base::Error{.code = codes::kNoKey, .message = "the vault is locked"};
}

class WiresTest : public ::testing::TestWithParam<std::string_view> {
 protected:
  static Wire wire_of(std::string_view name) {
    if (name == "openai_responses") return openai_responses::wire(openai_responses::quirks_for("openai"));
    if (name == "openai_chat") return openai_chat::wire(openai_chat::quirks_for("compatible"));
    return name == "anthropic" ? anthropic::wire({}) : ollama::wire({});
  }
  static Endpoint endpoint_at(const std::string& root) {
    return {.backend = "test", .base_url = root + "/v1", .api_key = "sk-test-key", .key_source = "TEST_KEY"};
  }
  std::unique_ptr<ports::Model> make(std::string_view wire, Endpoint endpoint) {
    return std::make_unique<HttpModel>(pool_, client_, std::move(endpoint), wire_of(wire));
  }
  /// A server with these answers, and a model that speaks the wire under test to it.
  void serve(std::vector<Answer> answers) {
    server_ = *ScriptedModelServer::start({.answers = std::move(answers)});
    model_ = make(GetParam(), endpoint_at(server_->url()));
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
  runtime::Pool pool_{loop_, "fs", 1};
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
  answer.chunk_bytes = 1;
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
  const std::vector<std::tuple<int, std::string_view, RetryClass>> cases{
      {400, codes::kBadRequest, RetryClass::kNever},       {401, codes::kAuth, RetryClass::kNever},
      {403, base::codes::kPermission, RetryClass::kNever}, {404, codes::kModelNotFound, RetryClass::kNever},
      {408, base::codes::kTimeout, RetryClass::kRequest},  {413, codes::kContextWindow, RetryClass::kNever},
      {429, codes::kRateLimit, RetryClass::kRequest},      {500, codes::kUpstream, RetryClass::kRequest},
      {503, codes::kUpstream, RetryClass::kRequest},       {529, codes::kUpstream, RetryClass::kRequest}};
  for (const auto& [status, code, retry] : cases) {
    const char* const words = status == 404 ? "the model \"mock\" does not exist" : "scripted error";
    const ModelFailure got =
        failure_of_answer({.error = HttpError{.status = status, .message = words, .headers = {{"retry-after", "2"}}}});
    EXPECT_EQ(got.error.code, code) << status;
    EXPECT_EQ(got.retry, retry) << status;
    const bool waits = retry == RetryClass::kRequest;
    EXPECT_EQ(got.retry_after, waits ? std::optional(std::chrono::milliseconds(2'000)) : std::nullopt) << status;
    EXPECT_FALSE(got.error.hint.empty()) << status;
  }
}

TEST_P(WiresTest, ARefusedKeyIsGotAnewOnce) {
  Answer fine;
  fine.text = lathe::testing::say({"hi"});
  fine.repeat = Answer::kForever;
  serve({{.error = HttpError{.status = 401}}, fine});
  Endpoint endpoint = endpoint_at(server_->url());
  int asked = 0;
  endpoint.renew_key = [&](CancelToken) { return key_number(++asked); };
  model_ = make(GetParam(), endpoint);
  EXPECT_EQ(ask_model(question()).text, "hi");
  EXPECT_EQ(ask_model(question()).text, "hi");
  EXPECT_EQ(asked, 1);
  EXPECT_THAT(server_->requests(), ::testing::SizeIs(3));

  serve({{.repeat = Answer::kForever, .error = HttpError{.status = 401, .message = "bad key sk-key-number-2"}}});
  endpoint.base_url = server_->url() + "/v1";
  model_ = make(GetParam(), endpoint);
  const Heard refused = ask_model(question());
  ASSERT_TRUE(refused.failure.has_value());
  EXPECT_EQ(refused.failure->error.code, codes::kAuth);
  EXPECT_THAT(refused.failure->error.text(), Not(HasSubstr("sk-key-number-2")));
  EXPECT_EQ(asked, 2);
  EXPECT_THAT(server_->requests(), ::testing::SizeIs(2));
}

TEST_P(WiresTest, TheSameKeyAgainIsNotTriedAgain) {
  serve({{.repeat = Answer::kForever, .error = HttpError{.status = 401}}});
  Endpoint endpoint = endpoint_at(server_->url());
  endpoint.api_key = "sk-key-number-1";
  endpoint.renew_key = [](CancelToken) { return key_number(1); };
  model_ = make(GetParam(), endpoint);
  EXPECT_EQ(ask_model(question()).failure->error.code, codes::kAuth);
  EXPECT_THAT(server_->requests(), ::testing::SizeIs(1));

  endpoint.renew_key = [](CancelToken) { return no_key(); };
  model_ = make(GetParam(), endpoint);
  const Heard heard = ask_model(question());
  EXPECT_EQ(heard.failure->error.code, codes::kAuth);
  EXPECT_THAT(heard.failure->error.hint, HasSubstr("the vault is locked"));
  EXPECT_THAT(server_->requests(), ::testing::SizeIs(2));
}

TEST_P(WiresTest, BytesThatAreNoTextBecomeText) {
  Answer answer = two_calls();
  answer.text = lathe::testing::say({"bad @ byte", "@"});
  answer.bad_bytes = true;
  serve({answer});
  const Heard heard = ask_model(question());
  ASSERT_FALSE(heard.failure.has_value()) << heard.failure->error.text();
  EXPECT_EQ(heard.text, "bad \uFFFD byte\uFFFD");
  EXPECT_EQ(heard.finished->reason, ports::FinishReason::kToolCalls);
}

TEST_P(WiresTest, AMessageOfTenMebibytes) {
  Answer answer;
  answer.text.emplace_back(lathe::testing::Delta{.text = std::string(10U << 20, 'x')});
  answer.crlf = true;
  serve({answer});
  const Heard heard = ask_model(question());
  ASSERT_FALSE(heard.failure.has_value()) << heard.failure->error.text();
  EXPECT_EQ(heard.text.size(), 10U << 20);
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
  model_ = make(GetParam(), endpoint_at("http://127.0.0.1:1"));
  const Heard heard = ask_model(question());
  EXPECT_EQ(heard.failure->error.code, codes::kUnreachable);
  EXPECT_EQ(heard.failure->retry, RetryClass::kConnect);
  EXPECT_THAT(heard.failure->error.text(), Not(HasSubstr("sk-test-key")));
}

TEST_P(WiresTest, ALongConversationGoesWhole) {
  Answer answer;
  answer.text = lathe::testing::say({"read"});
  serve({answer});
  ports::ModelRequest request = question();
  const std::string words(300'000, 'x');
  request.items = {ports::UserInputItem{{ports::ModelText{words}}}};
  EXPECT_EQ(ask_model(request).text, "read");
  EXPECT_NE(base::dump_json(server_->requests().front().body).find(words), std::string::npos);
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
  model_ = std::make_unique<FallbackModel>(make("openai_responses", endpoint_at(server_->url())),
                                           make("openai_chat", endpoint_at(server_->url())), lacks_endpoint);
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
