#include "lathe/testing/model_server/server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lathe/net/http_client.h"
#include "lathe/net/sse.h"
#include "lathe/runtime/loop.h"

namespace lathe::testing {
namespace {

using base::Json;
using net::HttpResponse;
using runtime::CancelToken;
using runtime::Deadline;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr std::size_t kBodyLimit = 64U << 20;
constexpr const char* kHello =
    R"({"model": "mock", "stream": true, "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]})";
constexpr const char* kHelloResponses = R"({"model": "mock", "stream": true, "input": "hi"})";

struct WirePath {
  const char* path;
  const char* body;
};
constexpr WirePath kWires[] = {{"/v1/responses", kHelloResponses},
                               {"/v1/chat/completions", kHello},
                               {"/v1/messages", kHello},
                               {"/api/chat", kHello}};

class ServerTest : public ::testing::Test {
 protected:
  void serve(std::string_view script) {
    auto parsed = parse_script(script);
    ASSERT_TRUE(parsed.ok()) << parsed.error().text();
    serve(*std::move(parsed));
  }
  void serve(Script script) {
    auto started = ScriptedModelServer::start(std::move(script));
    ASSERT_TRUE(started.ok()) << started.error().text();
    server_ = *std::move(started);
  }
  base::Result<HttpResponse> request(const std::string& method, const std::string& path, const std::string& body = {}) {
    return loop_.block_on(client_.fetch({.method = method, .url = server_->url() + path, .body = body}, CancelToken(),
                                        Deadline::never(), kBodyLimit));
  }
  base::Result<HttpResponse> post(const WirePath& wire) { return request("POST", wire.path, wire.body); }
  Json get(const std::string& path) { return *base::parse_json(request("GET", path)->body); }

  runtime::Loop loop_;
  net::HttpClient client_{loop_};
  std::unique_ptr<ScriptedModelServer> server_;
};

TEST_F(ServerTest, AnswersOnEveryWireInOrder) {
  serve(R"({"answers": [{"text": ["Hel", "lo"], "repeat": 4}]})");
  for (const WirePath& wire : kWires) {
    const auto response = post(wire);
    ASSERT_TRUE(response.ok()) << response.error().text();
    EXPECT_EQ(response->head.status, 200);
    EXPECT_THAT(response->body, HasSubstr("\"Hel\"")) << wire.path;
    EXPECT_THAT(response->body, HasSubstr("\"lo\"")) << wire.path;
  }
  EXPECT_EQ(post(kWires[0])->head.status, 400) << "no answer left";
  EXPECT_THAT(server_->violations(), ElementsAre("request 5: the script has no answer left"));
  EXPECT_EQ(server_->connections(), 1U);
}

TEST_F(ServerTest, SplitsAndDecoratesTheBytesWithoutChangingTheEvents) {
  serve(R"({"answers": [{"text": ["h\u00e9", "llo"]},
    {"text": ["h\u00e9", "llo"], "chunk_bytes": 1, "crlf": true, "keep_alive_every": 1}]})");
  const auto events_of = [](const std::string& body) {
    std::vector<std::string> events;
    net::SseParser parser;
    EXPECT_TRUE(parser.feed(body, [&](const net::SseEvent& event) { events.emplace_back(event.data); }).ok());
    return events;
  };
  const auto plain = events_of(post(kWires[2])->body);
  const HttpResponse odd = *post(kWires[2]);
  EXPECT_THAT(odd.body, HasSubstr(": keep-alive\r\n\r\nevent: "));
  auto renumbered = events_of(odd.body);
  for (std::string& event : renumbered) {
    if (const auto at = event.find("msg_2"); at != std::string::npos) event[at + 4] = '1';
  }
  EXPECT_EQ(renumbered, plain);
}

TEST_F(ServerTest, ErrorsAndGarbageComeAsScripted) {
  serve(R"({"answers": [{"error": {"status": 429, "headers": {"retry-after": "1"}}, "repeat": 4},
    {"raw": {"body": "<html>", "content_type": "text/html"}}]})");
  for (const WirePath& wire : kWires) {
    const auto response = post(wire);
    EXPECT_EQ(response->head.status, 429);
    EXPECT_EQ(response->head.header("retry-after"), "1");
    EXPECT_TRUE(base::parse_json(response->body)->contains("error")) << wire.path;
  }
  const auto garbage = post(kWires[0]);
  EXPECT_EQ(garbage->body, "<html>");
  EXPECT_EQ(garbage->head.header("content-type"), "text/html");
}

TEST_F(ServerTest, CutsTheStream) {
  serve(R"({"answers": [{"text": ["a", {"cut": true}, "b"]}, {"text": "a", "cut_after_bytes": 40},
    {"text": "a", "cut_after_events": 1}, {"before": [{"cut": true}]}]})");
  for (int i = 0; i < 4; ++i) {
    const auto response = post(kWires[1]);
    ASSERT_FALSE(response.ok()) << i;
    EXPECT_EQ(response.error().code, "stream_error") << i;
  }
}

TEST_F(ServerTest, AGateHoldsTheStreamUntilItIsReleased) {
  serve(R"({"answers": [{"text": ["a", {"gate": "go"}, "b"]}]})");
  std::thread releaser([&] {
    EXPECT_TRUE(server_->wait_at_gate("go"));
    server_->release("go");
  });
  const auto response = post(kWires[1]);
  releaser.join();
  ASSERT_TRUE(response.ok());
  EXPECT_THAT(response->body, HasSubstr("\"b\""));
}

TEST_F(ServerTest, AStallEndsWhenTheClientLeaves) {
  serve(R"({"answers": [{"text": ["a", {"stall": true}]}, {"before": [{"gate": "never"}]}, {"text": "after"}]})");
  const auto late = [&] { return Deadline::after(loop_, std::chrono::milliseconds(50)); };
  const net::HttpRequest request{.method = "POST", .url = server_->url() + kWires[0].path, .body = kWires[0].body};
  for (int i = 0; i < 2; ++i) {
    EXPECT_FALSE(loop_.block_on(client_.fetch(request, CancelToken(), late(), kBodyLimit)).ok());
  }
  EXPECT_THAT(post(kWires[0])->body, HasSubstr("after"));
}

TEST_F(ServerTest, RefusesAndRecordsABrokenHistory) {
  serve(R"({"answers": [{"text": "x", "repeat": -1}]})");
  const auto refused =
      request("POST", "/v1/chat/completions", R"({"messages": [{"role": "tool", "tool_call_id": "c"}]})");
  EXPECT_EQ(refused->head.status, 400);
  EXPECT_THAT(refused->body, HasSubstr("the result for c has no call"));
  EXPECT_THAT(get("/_control/violations"), ElementsAre("request 1: the result for c has no call"));
  EXPECT_EQ(get("/_control/requests").at(0).at("path"), "/v1/chat/completions");
}

TEST_F(ServerTest, AnswersByConditionSoThatSessionsMayRunSideBySide) {
  serve(R"({"answers": [{"when": {"last_user_contains": "bye"}, "text": "for bye"}, {"text": "for hi"}]})");
  EXPECT_THAT(post(kWires[1])->body, HasSubstr("for hi"));
  EXPECT_THAT(request("POST", "/v1/responses", R"({"stream": true, "input": "bye"})")->body, HasSubstr("for bye"));
}

TEST_F(ServerTest, BenchScriptCallsTheOfferedShellThenSpeaks) {
  serve(bench_script(/*turns=*/1, /*deltas=*/20'000));
  const auto call = request("POST", "/v1/responses", R"({"stream": true, "input": "go", "tools": [{"type": "function",
    "name": "shell", "parameters": {"properties": {"command": {"type": "array"}}}}]})");
  EXPECT_THAT(call->body, HasSubstr(R"(\"command\":[\"sh\",\"-c\",\"true 0\"])"));
  const auto text = request("POST", "/v1/responses", R"({"stream": true, "input": [{"role": "user", "content": "go"},
    {"type": "function_call", "call_id": "c", "arguments": "{}"}, {"type": "function_call_output", "call_id": "c"}]})");
  std::size_t deltas = 0;
  for (std::size_t at = 0; (at = text->body.find("event: response.output_text.delta", at)) != std::string::npos; ++at)
    ++deltas;
  EXPECT_EQ(deltas, 20'000U);
}

TEST_F(ServerTest, ListsModelsInEveryShape) {
  serve(R"({"models": [{"id": "a", "context_window": 4096}, {"id": "b"}]})");
  EXPECT_EQ(get("/v1/models").at("data").at(1).at("id"), "b");
  EXPECT_EQ(get("/api/tags").at("models").at(0).at("name"), "a");
  EXPECT_EQ(get("/v1/models/a").at("object"), "model");
  EXPECT_EQ(request("GET", "/v1/models/c")->head.status, 404);
  EXPECT_THAT(request("POST", "/api/show", R"({"model": "a"})")->body, HasSubstr(R"("mock.context_length":4096)"));
  EXPECT_THAT(server_->requests(), IsEmpty());
}

TEST_F(ServerTest, KeysAreNotRecorded) {
  serve(R"({"answers": [{"text": "x"}]})");
  const auto response = loop_.block_on(client_.fetch({.method = "POST",
                                                      .url = server_->url() + "/v1/responses",
                                                      .headers = {{"Authorization", "Bearer secret-key"}},
                                                      .body = kHelloResponses},
                                                     CancelToken(), Deadline::never(), kBodyLimit));
  ASSERT_TRUE(response.ok());
  EXPECT_THAT(server_->requests().at(0).headers,
              ::testing::Contains(std::pair<std::string, std::string>("authorization", "***")));
}

}  // namespace
}  // namespace lathe::testing
