#include "lathe/egress/proxy_thread.h"

#include "lathe/egress/proxy_fixture.h"
#include "lathe/net/loopback_server_for_test.h"
#include "lathe/runtime/pool.h"

namespace lathe::egress {
namespace {

using runtime::Async;
using ::testing::ElementsAre;
using ::testing::StartsWith;

/// Never answers until it is cancelled.
class SilentGatekeeper final : public Gatekeeper {
 public:
  explicit SilentGatekeeper(runtime::Loop& loop) : asked(loop), never_(loop) {}
  runtime::Signal asked;

  Async<Answer> ask(Endpoint, runtime::CancelToken cancel) override {
    asked.notify();
    (void)co_await never_.wait(cancel, runtime::Deadline::never());
    co_return Answer::kAllowed;
  }
  Async<Answer> ask_of_named(Endpoint, runtime::CancelToken) override { co_return Answer::kAllowed; }
  void decided(protocol::NetworkDecision) override {}

 private:
  runtime::Signal never_;
};

Async<std::string> ask_through(ProxyThread* proxy, runtime::Pool* pool, std::string socket, std::string request) {
  const auto started = co_await proxy->start();
  EXPECT_TRUE(started.ok());
  std::string answer = co_await pool->run([socket, request] { return ProxyClient(socket).ask(request); });
  co_await proxy->stop();
  co_return answer;
}

TEST(ProxyThread, QuestionsAndDecisionsComeToTheOwnersLoop) {
  net::LoopbackServer server([](net::ServerConnection& connection) {
    (void)connection.read_request();
    connection.write("HTTP/1.1 200 OK\r\n\r\nhello");
  });
  const std::string port = server.url().substr(server.url().rfind(':') + 1);
  runtime::Loop loop;
  runtime::Pool pool(loop, "client", 1);
  SocketFolder folder;
  FakeGatekeeper gatekeeper;
  gatekeeper.answer = Gatekeeper::Answer::kAllowed;
  // Named by its address, asked about by its name.
  ProxyThread proxy(loop, gatekeeper,
                    {.rules = *HostRules::parse(std::vector<std::string>{"127.0.0.1", "::1"}),
                     .limits = {},
                     .socket_path = folder.socket()});
  const std::string answer =
      loop.block_on(ask_through(&proxy, &pool, folder.socket(), "GET http://localhost:" + port + "/ HTTP/1.1\r\n\r\n"));
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK"));
  EXPECT_THAT(gatekeeper.questions, ElementsAre("localhost:" + port));
  ASSERT_EQ(gatekeeper.decisions.size(), 1U);
  EXPECT_TRUE(gatekeeper.decisions[0].allowed);
}

TEST(ProxyThread, StopEndsAnOpenQuestion) {
  runtime::Loop loop;
  runtime::Pool pool(loop, "client", 1);
  SocketFolder folder;
  SilentGatekeeper gatekeeper(loop);
  ProxyThread proxy(loop, gatekeeper, {.rules = {}, .limits = {}, .socket_path = folder.socket()});
  ASSERT_TRUE(loop.block_on(proxy.start()).ok());
  const ProxyClient client(folder.socket());
  client.send("CONNECT unknown.example:443 HTTP/1.1\r\n\r\n");
  ASSERT_TRUE(loop.block_on(gatekeeper.asked.wait(runtime::CancelToken(), runtime::Deadline::never())).ok());
  loop.block_on(proxy.stop());
  EXPECT_EQ(client.read_to_end().find("200"), std::string::npos);
}

TEST(ProxyThread, PathTooLongForASocketIsSaid) {
  runtime::Loop loop;
  FakeGatekeeper gatekeeper;
  ProxyThread proxy(loop, gatekeeper, {.rules = {}, .limits = {}, .socket_path = "/" + std::string(200, 'x')});
  const auto started = loop.block_on(proxy.start());
  EXPECT_EQ(started.error().code, base::codes::kInvalid);
  loop.block_on(proxy.stop());
}

}  // namespace
}  // namespace lathe::egress
