#include "lathe/egress/proxy.h"

#include <sys/stat.h>

#include <functional>

#include "lathe/egress/proxy_fixture.h"
#include "lathe/net/loopback_server_for_test.h"
#include "lathe/runtime/pool.h"

namespace lathe::egress {
namespace {

using protocol::NetworkDecision;
using runtime::Async;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

/// Answers every request with its own text, or with what it says "GIVE n" of.
net::LoopbackServer::Serve echo() {
  return [](net::ServerConnection& connection) {
    const std::string request = connection.read_request();
    connection.write("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(request.size()) + "\r\n\r\n" + request);
  };
}

class ProxyTest : public testing::Test {
 protected:
  /// Runs the proxy while `client` does its work on a thread of its own.
  void with_proxy(const std::vector<std::string>& allowed, const std::function<void()>& client) {
    Proxy proxy({.loop = loop_,
                 .resolver = resolver_,
                 .gatekeeper = gatekeeper_,
                 .rules = *HostRules::parse(allowed),
                 .max_targets = max_targets_},
                limits_);
    ASSERT_TRUE(proxy.listen(folder_.socket()).ok());
    loop_.block_on(run(&proxy, &pool_, &client));
  }
  [[nodiscard]] ProxyClient connect() const { return ProxyClient(folder_.socket()); }
  [[nodiscard]] std::string port() const { return server_.url().substr(server_.url().rfind(':') + 1); }
  [[nodiscard]] NetworkDecision decision(std::string host, bool allowed, std::string rule,
                                         std::string address = "") const {
    return {.host = std::move(host),
            .port = std::stoi(port()),
            .address = std::move(address),
            .allowed = allowed,
            .rule = std::move(rule)};
  }

  net::LoopbackServer server_{echo()};
  runtime::Loop loop_;
  runtime::Pool pool_{loop_, "client", 1};
  FakeResolver resolver_;
  FakeGatekeeper gatekeeper_;
  ProxyLimits limits_;
  std::size_t max_targets_ = 1000;
  SocketFolder folder_;

 private:
  static Async<void> run(Proxy* proxy, runtime::Pool* pool, const std::function<void()>* client) {
    (void)co_await pool->run([client] {
      (*client)();
      return true;
    });
    co_await proxy->stop();
  }
};

TEST_F(ProxyTest, TunnelReachesTheAddressThatWasChecked) {
  resolver_.addresses["allowed.example"] = {"127.0.0.1"};
  with_proxy({"*.example", "127.0.0.1"}, [&] {
    const auto client = connect();
    client.send("CONNECT allowed.example:" + port() + " HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_EQ(client.read_until("\r\n\r\n"), "HTTP/1.1 200 Connection established\r\n\r\n");
    client.send("GET /through HTTP/1.1\r\n\r\n");
    EXPECT_THAT(client.read_to_end(), EndsWith("GET /through HTTP/1.1\r\n\r\n"));
  });
  EXPECT_THAT(resolver_.asked, ElementsAre("allowed.example")) << "looked up once";
  EXPECT_THAT(gatekeeper_.decisions, ElementsAre(decision("allowed.example", true, "*.example", "127.0.0.1")));
  EXPECT_THAT(gatekeeper_.questions, IsEmpty());
}

TEST_F(ProxyTest, PlainRequestCarriesItsBodyAndNothingAfterIt) {
  with_proxy({"127.0.0.1"}, [&] {
    const std::string answer =
        connect().ask("POST http://127.0.0.1:" + port() + "/x HTTP/1.1\r\nHost: evil\r\nContent-Length: 4\r\n\r\n" +
                      "bodyGET http://127.0.0.1/second HTTP/1.1\r\n\r\n");
    EXPECT_THAT(answer, HasSubstr("POST /x HTTP/1.1\r\nHost: 127.0.0.1:" + port() + "\r\n"));
    EXPECT_THAT(answer, EndsWith("\r\n\r\nbody"));
    EXPECT_THAT(answer, Not(HasSubstr("second")));
  });
}

TEST_F(ProxyTest, UnknownHostIsDeniedBeforeItsNameIsLookedUp) {
  with_proxy({"allowed.example"}, [&] {
    const std::string answer = connect().ask("CONNECT secret-data.evil.example:" + port() + " HTTP/1.1\r\n\r\n");
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 403 Forbidden\r\nX-Proxy-Error: host-not-allowed\r\n"));
    EXPECT_THAT(answer, HasSubstr("--allow-host secret-data.evil.example"));
  });
  EXPECT_THAT(resolver_.asked, IsEmpty());
  EXPECT_EQ(server_.connections(), 0);
  EXPECT_THAT(gatekeeper_.decisions, ElementsAre(decision("secret-data.evil.example", false, "host-not-allowed")));
}

TEST_F(ProxyTest, APersonIsAskedOncePerHostAndPort) {
  resolver_.addresses["new.example"] = {"127.0.0.1"};
  gatekeeper_.answer = Gatekeeper::Answer::kAllowed;
  with_proxy({"127.0.0.1"}, [&] {
    for (int i = 0; i < 3; ++i) {
      EXPECT_THAT(connect().ask("GET http://new.example:" + port() + "/ HTTP/1.1\r\n\r\n"), StartsWith("HTTP/1.1 200"));
    }
  });
  EXPECT_THAT(gatekeeper_.questions, ElementsAre("new.example:" + port()));
  EXPECT_THAT(gatekeeper_.decisions, ElementsAre(decision("new.example", true, "gate", "127.0.0.1")));
}

TEST_F(ProxyTest, WhereNobodyWasThereSomebodyMayBeLater) {
  resolver_.addresses["new.example"] = {"127.0.0.1"};
  with_proxy({"127.0.0.1"}, [&] {
    const std::string request = "GET http://new.example:" + port() + "/ HTTP/1.1\r\n\r\n";
    EXPECT_THAT(connect().ask(request), HasSubstr("X-Proxy-Error: host-not-allowed\r\n"));
    gatekeeper_.answer = Gatekeeper::Answer::kAllowed;
    EXPECT_THAT(connect().ask(request), StartsWith("HTTP/1.1 200"));
  });
  EXPECT_THAT(gatekeeper_.decisions, ElementsAre(decision("new.example", false, "host-not-allowed"),
                                                 decision("new.example", true, "gate", "127.0.0.1")));
}

TEST_F(ProxyTest, ANameIsLookedUpOnceAndThatAddressIsDialled) {
  resolver_.addresses["turning.example"] = {"127.0.0.1"};
  resolver_.after = [this] { resolver_.addresses["turning.example"] = {"169.254.169.254"}; };
  with_proxy({"turning.example", "127.0.0.1"}, [&] {
    const std::string request = "GET http://turning.example:" + port() + "/ HTTP/1.1\r\n\r\n";
    EXPECT_THAT(connect().ask(request), StartsWith("HTTP/1.1 200"));
    EXPECT_THAT(resolver_.asked, ElementsAre("turning.example"));
    EXPECT_THAT(connect().ask(request), HasSubstr("X-Proxy-Error: address-not-allowed\r\n"));
  });
  EXPECT_EQ(server_.connections(), 1);
  EXPECT_THAT(gatekeeper_.decisions, ElementsAre(decision("turning.example", true, "turning.example", "127.0.0.1"),
                                                 decision("turning.example", false, "address-not-allowed")));
}

TEST_F(ProxyTest, NamesThatCanBeReadInTwoWaysGoNowhere) {
  const std::vector<std::string> names = {std::string("evil.example\0.allowed.example", 29),
                                          "xn--pple-43d.allowed.example",
                                          "user@allowed.example",
                                          "allowed.example%00.evil.example",
                                          "0x7f000001",
                                          "2130706433",
                                          "0177.0.0.1",
                                          "[::ffff:127.0.0.1]",
                                          "[::ffff:7f00:1]",
                                          "[0:0:0:0:0:ffff:127.0.0.1]",
                                          "[::1%25lo]",
                                          "::1",
                                          std::string(10'000, 'a') + ".allowed.example"};
  with_proxy({"*.allowed.example", "127.0.0.1"}, [&] {
    for (const std::string& name : names) {
      const std::string answer = connect().ask("CONNECT " + name + ":" + port() + " HTTP/1.1\r\n\r\n");
      EXPECT_THAT(answer, StartsWith("HTTP/1.1 4")) << name;
    }
    // The same host, however it is written.
    for (const char* name : {"A.Allowed.EXAMPLE", "a.allowed.example."}) {
      (void)connect().ask(std::string("CONNECT ") + name + ":" + port() + " HTTP/1.1\r\n\r\n");
    }
  });
  EXPECT_THAT(resolver_.asked, ElementsAre("a.allowed.example", "a.allowed.example"));
  EXPECT_THAT(gatekeeper_.questions, IsEmpty());
  EXPECT_EQ(server_.connections(), 0);
}

TEST_F(ProxyTest, APersonsNoIsKept) {
  gatekeeper_.answer = Gatekeeper::Answer::kDenied;
  with_proxy({}, [&] {
    for (int i = 0; i < 2; ++i) {
      EXPECT_THAT(connect().ask("CONNECT no.example:443 HTTP/1.1\r\n\r\n"), HasSubstr("X-Proxy-Error: denied\r\n"));
    }
  });
  EXPECT_THAT(gatekeeper_.questions, ElementsAre("no.example:443"));
}

TEST_F(ProxyTest, AHostThatIsAllowedByNameIsRefusedWhereAnotherRuleForbidsIt) {
  resolver_.addresses["allowed.example"] = {"127.0.0.1"};
  gatekeeper_.about_named = Gatekeeper::Answer::kDenied;
  with_proxy({"allowed.example", "127.0.0.1"}, [&] {
    EXPECT_THAT(connect().ask("GET http://allowed.example:" + port() + "/ HTTP/1.1\r\n\r\n"),
                HasSubstr("403 Forbidden\r\nX-Proxy-Error: denied\r\n"));
  });
  EXPECT_THAT(resolver_.asked, IsEmpty());
  EXPECT_THAT(gatekeeper_.questions, IsEmpty());
}

TEST_F(ProxyTest, AHostThatIsAllowedByNameIsRefusedWhileNobodyAnswersForARuleThatAsks) {
  resolver_.addresses["allowed.example"] = {"127.0.0.1"};
  gatekeeper_.about_named = Gatekeeper::Answer::kNobody;
  with_proxy({"allowed.example", "127.0.0.1"}, [&] {
    const std::string request = "GET http://allowed.example:" + port() + "/ HTTP/1.1\r\n\r\n";
    EXPECT_THAT(connect().ask(request), HasSubstr("X-Proxy-Error: host-not-allowed\r\n"));
    gatekeeper_.about_named = Gatekeeper::Answer::kAllowed;
    EXPECT_THAT(connect().ask(request), StartsWith("HTTP/1.1 200"));
  });
}

TEST_F(ProxyTest, NoAnswerOpensAPrivateAddress) {
  gatekeeper_.answer = Gatekeeper::Answer::kAllowed;
  resolver_.addresses["rebound.example"] = {"93.184.216.34", "127.0.0.1"};
  with_proxy({"metadata.example"}, [&] {
    for (const char* host : {"127.0.0.1", "169.254.169.254", "[::1]", "[64:ff9b::7f00:1]", "rebound.example"}) {
      const std::string answer = connect().ask(std::string("CONNECT ") + host + ":" + port() + " HTTP/1.1\r\n\r\n");
      EXPECT_THAT(answer, HasSubstr("403 Forbidden\r\nX-Proxy-Error: address-not-allowed\r\n")) << host;
    }
  });
  EXPECT_EQ(server_.connections(), 0);
  EXPECT_THAT(gatekeeper_.questions, ElementsAre("rebound.example:" + port())) << "the others cannot be opened anyway";
}

TEST_F(ProxyTest, ByteBudgetEndsWhatIsOpenAndDeniesTheRest) {
  limits_.bytes = 600;
  with_proxy({"127.0.0.1"}, [&] {
    const std::string request = "GET http://127.0.0.1:" + port() + "/" + std::string(400, 'x') + " HTTP/1.1\r\n\r\n";
    EXPECT_THAT(connect().ask(request), Not(HasSubstr("200 OK"))) << "request and answer are more than is left";
    EXPECT_THAT(connect().ask(request), HasSubstr("X-Proxy-Error: byte-budget-spent\r\n"));
  });
  EXPECT_EQ(gatekeeper_.decisions.back(), decision("127.0.0.1", false, "byte-budget-spent"));
}

TEST_F(ProxyTest, HeadsAreBounded) {
  limits_.head_bytes = 1000;
  limits_.head_patience = std::chrono::milliseconds(50);
  with_proxy({"127.0.0.1"}, [&] {
    EXPECT_THAT(connect().ask("GET http://127.0.0.1/ HTTP/1.1\r\nX: " + std::string(6000, 'x')),
                StartsWith("HTTP/1.1 431 "));
    EXPECT_THAT(connect().ask("CONNECT 127.0.0.1"), StartsWith("HTTP/1.1 408 "));
    EXPECT_THAT(connect().ask("nonsense\r\n\r\n"), StartsWith("HTTP/1.1 400 "));
    EXPECT_THAT(connect().ask(std::string("CONNECT a\0.b:1 HTTP/1.1\r\n\r\n", 27)), StartsWith("HTTP/1.1 400 "));
  });
  EXPECT_THAT(gatekeeper_.decisions, IsEmpty());
}

TEST_F(ProxyTest, SilentConnectionIsClosed) {
  limits_.idle = std::chrono::milliseconds(50);
  with_proxy({"127.0.0.1"}, [&] {
    const auto client = connect();
    client.send("CONNECT 127.0.0.1:" + port() + " HTTP/1.1\r\n\r\n");
    EXPECT_EQ(client.read_to_end(), "HTTP/1.1 200 Connection established\r\n\r\n");
  });
}

TEST_F(ProxyTest, ConnectionsAreBounded) {
  limits_.connections = 2;
  with_proxy({"127.0.0.1"}, [&] {
    const auto first = connect();
    const auto second = connect();
    for (const auto* client : {&first, &second}) {
      client->send("CONNECT 127.0.0.1:" + port() + " HTTP/1.1\r\n\r\n");
      EXPECT_THAT(client->read_until("\r\n\r\n"), StartsWith("HTTP/1.1 200 "));
    }
    EXPECT_THAT(connect().read_to_end(), StartsWith("HTTP/1.1 503 "));
  });
}

TEST_F(ProxyTest, DistinctHostsAreBounded) {
  max_targets_ = 2;
  with_proxy({}, [&] {
    for (int i = 0; i < 5; ++i) {
      (void)connect().ask("CONNECT h" + std::to_string(i) + ".example:" + port() + " HTTP/1.1\r\n\r\n");
    }
  });
  EXPECT_THAT(gatekeeper_.decisions, ElementsAre(decision("h0.example", false, "host-not-allowed"),
                                                 decision("h1.example", false, "host-not-allowed"),
                                                 decision("h2.example", false, "too-many-hosts")));
}

TEST_F(ProxyTest, ServerThatIsNotThereIsABadGateway) {
  resolver_.addresses["gone.example"] = {};
  with_proxy({"127.0.0.1", "gone.example"}, [&] {
    EXPECT_THAT(connect().ask("CONNECT 127.0.0.1:1 HTTP/1.1\r\n\r\n"), StartsWith("HTTP/1.1 502 "));
    EXPECT_THAT(connect().ask("CONNECT gone.example:1 HTTP/1.1\r\n\r\n"), StartsWith("HTTP/1.1 502 "));
  });
  ASSERT_EQ(gatekeeper_.decisions.size(), 2U);
  const protocol::NetworkDecision& looked_up = gatekeeper_.decisions[1];
  EXPECT_TRUE(looked_up.allowed && looked_up.host == "gone.example" && looked_up.address.empty());
}

TEST_F(ProxyTest, SocketIsPrivateAndGoesWithTheProxy) {
  with_proxy({}, [&] {
    struct stat status{};
    ASSERT_EQ(::stat(folder_.socket().c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0600);
  });
  EXPECT_FALSE(std::filesystem::exists(folder_.socket()));
}

}  // namespace
}  // namespace lathe::egress
