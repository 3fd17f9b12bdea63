#include "lathe/gateways/sqeq/sqeq_connection.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <array>
#include <chrono>
#include <string>
#include <vector>

#include "lathe/base/json.h"
#include "lathe/engine/engine_rig.h"
#include "lathe/gateways/sqeq/peer_for_test.h"

namespace lathe::gateways::sqeq {
namespace {

using base::Json;
using base::Result;
using runtime::Async;
using runtime::CancelToken;

class SqeqConnectionTest : public engine::EngineRig {
 protected:
  SqeqConnectionTest() : serving_(loop_) {}

  Peer connect(SqeqOptions options = {}) { return connect(engine_->connect("wire"), std::move(options)); }
  Peer connect(std::unique_ptr<engine::Connection> engine, SqeqOptions options) {
    std::array<int, 2> fds{};
    CHECK(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds.data()) == 0);
    auto stream = runtime::ByteStream::of_socket(loop_, base::UniqueFd(fds[0]));
    CHECK(stream.ok());
    connection_ =
        std::make_unique<SqeqConnection>(loop_, fs_, std::move(engine), *std::move(stream), std::move(options));
    serving_.spawn(connection_->serve());
    return {loop_, base::UniqueFd(fds[1])};
  }
  void TearDown() override {
    if (connection_) connection_->cut();
    loop_.block_on(serving_.join());
    connection_.reset();
    engine::EngineRig::TearDown();
  }
  [[nodiscard]] std::string configure_line() const {
    return R"({"id":"1","op":{"type":"configure_session","cwd":")" + root_.string() + "\"}}\n";
  }

  std::unique_ptr<SqeqConnection> connection_;
  runtime::Scope serving_;
};

constexpr const char* kInputLine = R"({"id":"2","op":{"type":"user_input","items":[{"type":"text","text":"hi"}]}})"
                                   "\n";
constexpr const char* kHelloLine = R"({"id":"h","call":{"type":"hello","client":"test"}})"
                                   "\n";

TEST_F(SqeqConnectionTest, NoQuestionWaitsForOneThatMayOnlyRead) {
  const std::string session =
      configure({.approval_policy = protocol::ApprovalPolicy::kUntrusted, .ask = protocol::AskMode::kClient});
  behaviour_ = engine::ask_to_run;
  Peer peer = connect({.scopes = {protocol::Scope::kRead}});
  peer.send(R"({"id":"s","call":{"type":"session_subscribe","session":")" + session + "\"}}\n");
  EXPECT_TRUE(peer.answer().contains("reply"));
  ASSERT_TRUE(submit(input("hi")).ok());
  until("exec_approval_request");
  client_.reset();
  std::optional<Json> event;
  do event = peer.next();
  while (event && (*event)["msg"]["type"] != "task_parked");
  EXPECT_TRUE(event.has_value());
  client_ = engine_->connect("client");
}

TEST_F(SqeqConnectionTest, AHalfClosedClientGetsAllAnswersAndItsTask) {
  Peer peer = connect();
  std::string lines = configure_line() + kInputLine + kHelloLine;
  lines.pop_back();  // the last line needs no newline
  peer.send(lines);
  peer.half_close();
  std::vector<std::string> acknowledged;
  std::vector<std::string> events;
  bool greeted = false;
  while (const auto frame = peer.next()) {
    if (frame->contains("ack")) acknowledged.push_back((*frame)["id"]);
    if (frame->contains("msg")) events.push_back((*frame)["msg"]["type"]);
    greeted |= frame->contains("reply") && (*frame)["reply"]["version"] == "test";
  }
  EXPECT_EQ(acknowledged, (std::vector<std::string>{"1", "2"}));
  EXPECT_TRUE(greeted);
  EXPECT_EQ(events, (std::vector<std::string>{"session_configured", "task_started", "user_message", "agent_message",
                                              "turn_complete", "task_complete"}));
  loop_.block_on(serving_.join());
}

TEST_F(SqeqConnectionTest, BadLinesGetErrorsAndTheConnectionLives) {
  Peer peer = connect({.max_line_bytes = 200});
  const std::vector<std::pair<std::string, std::pair<std::string, std::string>>> cases{
      {"nonsense", {"", "invalid"}},
      {"[1]", {"", "invalid"}},
      {R"({"id":7,"op":{"type":"interrupt"}})", {"", "invalid"}},
      {R"({"id":"a","op":{"type":"user_input","items":"text"}})", {"a", "invalid"}},
      {R"({"id":"b","op":{"type":"interupt"}})", {"b", "unknown_op"}},
      {R"({"id":"c","call":{"type":"session_lost"}})", {"c", "unknown_call"}},
      {R"({"id":"d","op":{"type":"interrupt"}})", {"d", "not_configured"}},
      {R"({"id":"e","session":"0190a5b4-0000-7000-8000-000000000000","op":{"type":"interrupt"}})", {"e", "not_found"}},
      {std::string(201, 'x'), {"", "limit_exceeded"}},
      {R"({"id":"f \"1\"","op":{"type":")" + std::string(201, 'x'), {"f \"1\"", "limit_exceeded"}},
      {R"({"op":{"type":")" + std::string(201, 'x') + R"("},"id":"g"})", {"", "limit_exceeded"}},
  };
  for (const auto& [line, expected] : cases) {
    peer.send(line + "\r\n");
    const Json answer = peer.answer();
    EXPECT_EQ(answer.value("id", "none"), expected.first) << line;
    EXPECT_EQ(base::json_string(answer["error"], "code"), expected.second) << answer.dump();
    if (expected.second == "unknown_op") {
      EXPECT_NE(base::json_string(answer["error"], "hint").find("interrupt"), std::string::npos);
    }
  }
  peer.send(kHelloLine);
  EXPECT_EQ(peer.answer()["reply"]["version"], "test");
}

TEST_F(SqeqConnectionTest, AnInterruptReachesATaskThatRuns) {
  behaviour_ = engine::wait_forever;
  Peer peer = connect();
  peer.send(configure_line() + kInputLine);
  EXPECT_EQ(peer.answer()["id"], "1");
  EXPECT_EQ(peer.answer()["id"], "2");
  peer.send("{\"id\":\"3\",\"op\":{\"type\":\"interrupt\"}}\n");
  peer.half_close();
  std::vector<std::string> types = peer.events_to_the_end();
  ASSERT_GE(types.size(), 2U);
  EXPECT_EQ((std::vector<std::string>{types.end() - 2, types.end()}),
            (std::vector<std::string>{"turn_aborted", "error"}));
}

/// Shows more than a queue and a socket hold, then ends.
Async<ports::TaskEnd> talk_much(ports::TaskHost* host, ports::TaskRequest, CancelToken) {
  const std::string piece(64U << 10, 'x');
  for (std::int64_t i = 0; i < 400; ++i) {
    host->show(protocol::AgentMessageDelta{
        .item = "i1", .offset = i * static_cast<std::int64_t>(piece.size()), .text = piece});
  }
  co_return co_await engine::say_hello(host, {}, {});
}

TEST_F(SqeqConnectionTest, AClientThatDoesNotReadLagsAndHoldsUpNobody) {
  behaviour_ = talk_much;
  Peer peer = connect();
  peer.send(configure_line());
  const std::string session = peer.answer()["ack"]["session"];
  ASSERT_TRUE(call(protocol::SessionSubscribe{.session = session, .since = -1}).ok());
  peer.send(kInputLine);
  // This one gives up its place, too: all of it is shown at once. What counts is that the Task comes to its end.
  until("lagged");
  peer.half_close();
  const std::vector<std::string> types = peer.events_to_the_end();
  EXPECT_EQ(std::ranges::count(types, "lagged"), 1) << "and then nothing more";
  EXPECT_EQ(types.back(), "lagged");
  ASSERT_TRUE(call(protocol::SessionSubscribe{.session = session, .since = 0}).ok());
  until("task_complete");
}

/// For clients with a token.
SqeqOptions read_with_the_right_token() {
  SqeqOptions options;
  options.admit = [](const protocol::Hello& hello) -> Result<protocol::Scopes> {
    if (hello.token == "right") return protocol::Scopes{protocol::Scope::kRead};
    return base::Error{.code = base::codes::kPermission, .message = "the token is wrong"};
  };
  return options;
}

TEST_F(SqeqConnectionTest, WhereATokenIsNeededNothingComesBeforeIt) {
  Peer peer = connect(read_with_the_right_token());
  peer.send("{\"id\":\"1\",\"call\":{\"type\":\"session_list\"}}\n");
  EXPECT_EQ(peer.answer()["error"]["code"], "permission_denied");
  peer.send("{\"id\":\"2\",\"call\":{\"type\":\"hello\",\"client\":\"t\",\"token\":\"Right\"}}\n");
  EXPECT_EQ(peer.answer()["error"]["code"], "permission_denied");
  peer.send(
      "{\"id\":\"l\",\"call\":{\"type\":\"hello\",\"client\":\"t\",\"token\":\"right\",\"environment\":[\"A=b\"]}}\n");
  EXPECT_EQ(peer.answer()["error"]["code"], "permission_denied") << "it may read, not lend";
  peer.send("{\"id\":\"3\",\"call\":{\"type\":\"hello\",\"client\":\"t\",\"token\":\"right\"}}\n");
  EXPECT_EQ(peer.answer()["reply"]["version"], "test");
  peer.send("{\"id\":\"4\",\"call\":{\"type\":\"session_list\"}}\n");
  EXPECT_EQ(peer.answer()["reply"]["type"], "session_list");
  // And asks no more than the token is for.
  peer.send("{\"id\":\"5\",\"op\":{\"type\":\"configure_session\",\"cwd\":\"/\"}}\n");
  EXPECT_EQ(peer.answer()["error"]["code"], "permission_denied");
}

TEST_F(SqeqConnectionTest, WhatIsSaidForAnotherNeedsHisToken) {
  constexpr std::string_view kList = "{\"id\":\"l\",\"call\":{\"type\":\"session_list\"}}\n";
  const auto hello = [](const std::string& more) {
    return R"({"id":"h","call":{"type":"hello","client":"t",)" + more + "}}\n";
  };
  Peer peer = connect({.for_relayed = read_with_the_right_token});
  peer.send(std::string(kList));
  EXPECT_TRUE(peer.answer().contains("reply")) << "until then it speaks for itself";
  peer.send(hello(R"("relayed":true)"));
  EXPECT_EQ(peer.answer()["reply"]["features"].back(), "relay");
  peer.send(std::string(kList));
  EXPECT_EQ(peer.answer()["error"]["code"], "permission_denied");
  peer.send(hello(R"("token":"right")"));
  EXPECT_NE(peer.answer()["reply"]["features"].back(), "relay");
  peer.send(std::string(kList));
  EXPECT_TRUE(peer.answer().contains("reply"));
  peer.send("{\"id\":\"5\",\"op\":{\"type\":\"configure_session\",\"cwd\":\"/\"}}\n");
  EXPECT_EQ(peer.answer()["error"]["code"], "permission_denied") << "it may read, no more";
  peer.send(hello(R"("relayed":true)"));
  EXPECT_EQ(peer.answer()["error"]["code"], "permission_denied") << "he speaks for himself";
}

TEST_F(SqeqConnectionTest, HowTheOneCameThatSpeaksForAnotherTellsNothingOfHim) {
  auto local = engine_->connect("wire");
  local->came_locally(base::Error{.code = base::codes::kPermission, .message = "its groups are not the daemon's"},
                      [](const std::string&, int) -> Result<std::string> {
                        return base::Error{.code = base::codes::kUnsupported, .message = "its mounts are others"};
                      });
  Peer peer = connect(std::move(local), {.for_relayed = [] {
                        return SqeqOptions{.admit = [](const protocol::Hello&) -> Result<protocol::Scopes> {
                          return protocol::Scopes::all();
                        }};
                      }});
  peer.send(configure_line());
  EXPECT_EQ(peer.answer()["error"]["code"], "permission_denied");
  peer.send(R"({"id":"h","call":{"type":"hello","client":"t","relayed":true,"token":"right"}})"
            "\n" +
            configure_line());
  EXPECT_TRUE(peer.answer().contains("reply"));
  EXPECT_TRUE(peer.answer().contains("ack"));
}

TEST_F(SqeqConnectionTest, ARelayedHelloWithAWrongTokenLetsNobodyIn) {
  Peer peer = connect({.for_relayed = read_with_the_right_token});
  peer.send(R"({"id":"h","call":{"type":"hello","client":"t","relayed":true,"token":"Right"}})"
            "\n");
  EXPECT_EQ(peer.answer()["error"]["code"], "permission_denied");
  peer.send(kHelloLine);
  EXPECT_EQ(peer.answer()["error"]["code"], "permission_denied");
}

TEST_F(SqeqConnectionTest, WhoDoesNotSayHelloInTimeIsLeft) {
  SqeqOptions options;
  options.admit = [](const protocol::Hello&) -> Result<protocol::Scopes> { return protocol::Scopes::all(); };
  options.hello_by = runtime::Deadline::after(loop_, std::chrono::milliseconds(1));
  Peer peer = connect(std::move(options));
  peer.send("{");
  EXPECT_EQ(peer.answer()["error"]["code"], "timeout");
  EXPECT_EQ(peer.next(), std::nullopt);
}

TEST_F(SqeqConnectionTest, WhoTakesNothingIsLeftWhereThereIsABound) {
  behaviour_ = talk_much;
  SqeqOptions options;
  options.write_within = std::chrono::milliseconds(1);
  Peer peer = connect(std::move(options));
  peer.send(configure_line());
  peer.answer();
  peer.send(kInputLine);
  // Done by itself, though the client has neither read nor left.
  loop_.block_on(serving_.join());
  connection_.reset();
}

TEST_F(SqeqConnectionTest, WhenTheEngineEndsTheClientIsToldAndTheConnectionEnds) {
  behaviour_ = engine::wait_forever;
  Peer peer = connect();
  peer.send(configure_line() + kInputLine);
  peer.answer();
  peer.answer();
  loop_.block_on(engine_->shut_down());
  connection_->finish();
  loop_.block_on(serving_.join());
  const std::vector<std::string> types = peer.events_to_the_end();
  ASSERT_GE(types.size(), 3U);
  EXPECT_EQ((std::vector<std::string>{types.end() - 3, types.end()}),
            (std::vector<std::string>{"turn_aborted", "error", "shutdown_complete"}));
}

}  // namespace
}  // namespace lathe::gateways::sqeq
