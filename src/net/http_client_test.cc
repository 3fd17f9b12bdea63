#include "lathe/net/http_client.h"

#include <dirent.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <future>
#include <mutex>
#include <optional>

#include "lathe/net/loopback_server_for_test.h"
#include "lathe/runtime/signal.h"

namespace lathe::net {
namespace {

using runtime::Async;
using runtime::CancelSource;
using runtime::CancelToken;
using runtime::Deadline;
using runtime::Loop;
using std::chrono::seconds;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr std::size_t kBodyLimit = 64U << 20;

/// Everything a sink heard, with what the test tells it to do.
struct Heard {
  std::mutex mutex;
  std::vector<ResponseHead> heads;  // the rest: under mutex
  std::string body;
  std::vector<base::Result<void>> ends;
  std::promise<void> first_bytes;
  std::promise<void> ended;
  std::promise<void> freed;
  Flow answer = Flow::kGoOn;
  bool got_bytes = false;
};

class HearingSink final : public BodySink {
 public:
  explicit HearingSink(std::shared_ptr<Heard> heard) : heard_(std::move(heard)) {}
  ~HearingSink() override { heard_->freed.set_value(); }
  void on_head(const ResponseHead& head) override {
    const std::lock_guard lock(heard_->mutex);
    heard_->heads.push_back(head);
  }
  Flow on_data(std::string_view bytes) override {
    const std::lock_guard lock(heard_->mutex);
    heard_->body.append(bytes);
    if (!std::exchange(heard_->got_bytes, true)) heard_->first_bytes.set_value();
    return heard_->answer;
  }
  void on_end(base::Result<void> result) override {
    const std::lock_guard lock(heard_->mutex);
    heard_->ends.push_back(std::move(result));
    heard_->ended.set_value();
  }

 private:
  std::shared_ptr<Heard> heard_;
};

class HttpClientTest : public testing::Test {
 protected:
  base::Result<HttpResponse> fetch(HttpRequest request, std::size_t limit = kBodyLimit) {
    return loop_.block_on(client_->fetch(std::move(request), CancelToken(), Deadline::never(), limit));
  }
  std::unique_ptr<Transfer> start(const std::string& url) {
    return client_->start(HttpRequest{.url = url}, std::make_unique<HearingSink>(heard_));
  }
  /// How the transfer ended, once it has.
  base::Result<void> end() {
    heard_->ended.get_future().wait();
    heard_->freed.get_future().wait();
    const std::lock_guard lock(heard_->mutex);
    EXPECT_EQ(heard_->ends.size(), 1U);
    return heard_->ends.front();
  }

  Loop loop_;
  std::optional<HttpClient> client_{std::in_place, loop_};
  std::shared_ptr<Heard> heard_ = std::make_shared<Heard>();
};

std::string with_length(std::string_view body, std::string_view status = "200 OK") {
  return "HTTP/1.1 " + std::string(status) + "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
         std::string(body);
}

TEST_F(HttpClientTest, SendsWhatWasAskedAndNothingElse) {
  std::string request;
  LoopbackServer server([&](ServerConnection& connection) {
    request = connection.read_request();
    connection.write("HTTP/1.1 201 Created\r\nX-Kind: Odd\r\nContent-Length: 2\r\n\r\nok");
  });
  const auto response = fetch(HttpRequest{.method = "POST",
                                          .url = server.url() + "/v1/x",
                                          .headers = {{"Authorization", "Bearer k"}, {"X-Empty", ""}},
                                          .body = "{}"});
  ASSERT_TRUE(response.ok()) << response.error().text();
  EXPECT_EQ(response->head.status, 201);
  EXPECT_EQ(response->head.header("x-kind"), "Odd");
  EXPECT_EQ(response->body, "ok");
  EXPECT_THAT(request, AllOf(StartsWith("POST /v1/x HTTP/1.1\r\n"), HasSubstr("Authorization: Bearer k\r\n"),
                             HasSubstr("X-Empty:\r\n"), HasSubstr("\r\n\r\n{}"), Not(HasSubstr("Expect")),
                             Not(HasSubstr("Content-Type"))));
}

TEST_F(HttpClientTest, ReadsChunkedBodiesSplitAnywhere) {
  const std::string answer =
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1\r\n \r\n6;x=y\r\nw\xC3\xB6rld\r\n0\r\nT: "
      "1\r\n\r\n";
  LoopbackServer server([&](ServerConnection& connection) {
    while (!connection.read_request().empty()) {
      for (const char c : answer) connection.write({&c, 1});
    }
  });
  const auto response = fetch(HttpRequest{.url = server.url()});
  ASSERT_TRUE(response.ok()) << response.error().text();
  EXPECT_EQ(response->body, "hello w\xC3\xB6rld");
}

TEST_F(HttpClientTest, GivesTheHeadBeforeAnyByteOfTheBody) {
  std::promise<void> head_seen;
  LoopbackServer server([&](ServerConnection& connection) {
    connection.read_request();
    connection.write("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n");
    head_seen.get_future().wait();
    connection.write("abc");
  });
  struct Sink final : BodySink {
    explicit Sink(std::promise<void>* seen_head, std::promise<int>* at_end) : seen(seen_head), done(at_end) {}
    void on_head(const ResponseHead& head) override {
      status = head.status;
      seen->set_value();
    }
    Flow on_data(std::string_view) override { return Flow::kGoOn; }
    void on_end(base::Result<void> result) override { done->set_value(result.ok() ? status : -1); }
    std::promise<void>* seen;
    std::promise<int>* done;
    int status = 0;
  };
  std::promise<int> done;
  const auto transfer = client_->start(HttpRequest{.url = server.url()}, std::make_unique<Sink>(&head_seen, &done));
  EXPECT_EQ(done.get_future().get(), 200);
}

TEST_F(HttpClientTest, ReusesOneConnectionForAThousandRequests) {
  LoopbackServer server([](ServerConnection& connection) {
    while (!connection.read_request().empty()) connection.write(with_length("ok"));
  });
  for (int i = 0; i < 1000; ++i) {
    const auto response = fetch(HttpRequest{.url = server.url()});
    ASSERT_TRUE(response.ok()) << response.error().text();
  }
  EXPECT_EQ(server.connections(), 1);
}

TEST_F(HttpClientTest, GoesOnAfterTheServerClosedAnIdleConnection) {
  LoopbackServer server([](ServerConnection& connection) {
    connection.read_request();
    connection.write(with_length("ok"));
  });
  for (int i = 0; i < 3; ++i) {
    const auto response = fetch(HttpRequest{.method = "POST", .url = server.url(), .body = "x"});
    ASSERT_TRUE(response.ok()) << response.error().text();
  }
}

TEST_F(HttpClientTest, RefusedConnectionIsUnreachableAndNamesTheHost) {
  std::string url;
  {
    const LoopbackServer gone([](ServerConnection&) {});
    url = gone.url();
  }
  const auto response = fetch(HttpRequest{.url = url});
  ASSERT_FALSE(response.ok());
  EXPECT_EQ(response.error().code, "unreachable");
  EXPECT_THAT(response.error().text(),
              AllOf(HasSubstr(url.substr(7)), HasSubstr("Connection refused"), HasSubstr("is the server running?")));
  EXPECT_TRUE(response.error().retryable);
}

TEST_F(HttpClientTest, BadUrlsAndHeadersAreInvalid) {
  EXPECT_EQ(fetch(HttpRequest{.url = "127.0.0.1:1"}).error().code, base::codes::kInvalid);
  EXPECT_EQ(fetch(HttpRequest{.url = "file:///etc/passwd"}).error().code, base::codes::kInvalid);
  EXPECT_EQ(fetch(HttpRequest{.url = "http://"}).error().code, base::codes::kInvalid);
  const auto split = fetch(HttpRequest{.url = "http://127.0.0.1:1", .headers = {{"x-key", "a\r\nEvil: 1"}}});
  ASSERT_FALSE(split.ok());
  EXPECT_THAT(split.error().message, AllOf(HasSubstr("x-key"), Not(HasSubstr("Evil"))));
}

TEST_F(HttpClientTest, AnUnknownHostIsUnreachable) {
  // A label of 64 letters is no name, so no name server is asked.
  const std::string host = std::string(64, 'a') + ".invalid";
  const auto response = fetch(HttpRequest{.url = "http://" + host + "/"});
  ASSERT_FALSE(response.ok());
  EXPECT_EQ(response.error().code, "unreachable");
  EXPECT_THAT(response.error().message, HasSubstr(host));
}

TEST_F(HttpClientTest, TlsWithAPlainServerIsUnreachable) {
  LoopbackServer server([](ServerConnection& connection) { connection.write("HTTP/1.1 400 Bad Request\r\n\r\n"); });
  const auto response = fetch(HttpRequest{.url = "https" + server.url().substr(4)});
  ASSERT_FALSE(response.ok());
  EXPECT_EQ(response.error().code, "unreachable");
}

TEST_F(HttpClientTest, WhatIsNoHttpIsAStreamError) {
  LoopbackServer server([](ServerConnection& connection) {
    connection.read_request();
    connection.write("SSH-2.0-OpenSSH_9.2\r\n");
  });
  EXPECT_EQ(fetch(HttpRequest{.url = server.url()}).error().code, "stream_error");
}

TEST_F(HttpClientTest, ACutBodyIsAStreamErrorAfterWhatCame) {
  LoopbackServer server([](ServerConnection& connection) {
    connection.read_request();
    connection.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n7\r\nwor");
  });
  const auto transfer = start(server.url());
  const auto result = end();
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code, "stream_error");
  EXPECT_TRUE(result.error().retryable);
  EXPECT_EQ(heard_->body, "hellowor");
  EXPECT_EQ(heard_->heads.size(), 1U);
}

TEST_F(HttpClientTest, AnEndlessHeadIsRefused) {
  LoopbackServer server([](ServerConnection& connection) {
    connection.read_request();
    connection.write("HTTP/1.1 200 OK\r\n");
    while (connection.write("X-Filler: " + std::string(1000, 'x') + "\r\n")) {
    }
  });
  EXPECT_EQ(fetch(HttpRequest{.url = server.url()}).error().code, "stream_error");
}

TEST_F(HttpClientTest, AStalledServerIsLeftOnCancelAndAtTheDeadline) {
  LoopbackServer server([](ServerConnection& connection) {
    connection.read_request();
    connection.write("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc");
    connection.wait_until_closed();
  });
  CancelSource source;
  const auto timer = loop_.call_after(std::chrono::milliseconds(1),
                                      [&] { source.cancel({.code = base::codes::kCancelled, .message = "enough"}); });
  const HttpRequest request{.url = server.url()};
  const auto cancelled = loop_.block_on(client_->fetch(request, source.token(), Deadline::never(), kBodyLimit));
  EXPECT_EQ(cancelled.error().message, "enough");
  const auto late = loop_.block_on(
      client_->fetch(request, CancelToken(), Deadline::after(loop_, std::chrono::milliseconds(1)), kBodyLimit));
  EXPECT_EQ(late.error().code, base::codes::kTimeout);
}

TEST_F(HttpClientTest, DroppingATransferClosesItsConnection) {
  std::promise<void> closed;
  LoopbackServer server([&](ServerConnection& connection) {
    connection.read_request();
    connection.write("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nabc");
    connection.wait_until_closed();
    closed.set_value();
  });
  auto transfer = start(server.url());
  heard_->first_bytes.get_future().wait();
  transfer.reset();
  closed.get_future().wait();
  EXPECT_EQ(end().error().code, base::codes::kCancelled);
}

TEST_F(HttpClientTest, ASinkMayStop) {
  LoopbackServer server([](ServerConnection& connection) {
    connection.read_request();
    connection.write("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nabc");
    connection.wait_until_closed();
  });
  heard_->answer = Flow::kStop;
  const auto transfer = start(server.url());
  EXPECT_EQ(end().error().code, base::codes::kCancelled);
}

TEST_F(HttpClientTest, APausedSinkHoldsTheServerBackUntilItResumes) {
  constexpr std::size_t kLarge = 200U << 20;
  std::promise<std::size_t> taken_while_paused;
  std::promise<void> paused;
  LoopbackServer server([&](ServerConnection& connection) {
    connection.read_request();
    connection.write("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(kLarge) + "\r\n\r\n");
    std::size_t sent = 0;
    connection.write("x");
    paused.get_future().wait();
    sent = 1 + connection.write_what_fits(kLarge - 1);
    taken_while_paused.set_value(sent);
    const std::string piece(1U << 20, 'x');
    while (sent < kLarge &&
           connection.write(std::string_view(piece).substr(0, std::min(piece.size(), kLarge - sent)))) {
      sent += std::min(piece.size(), kLarge - sent);
    }
  });
  heard_->answer = Flow::kPause;
  const auto transfer = start(server.url());
  heard_->first_bytes.get_future().wait();
  paused.set_value();
  EXPECT_LT(taken_while_paused.get_future().get(), 32U << 20) << "only what sockets and libcurl hold";
  {
    const std::lock_guard lock(heard_->mutex);
    EXPECT_EQ(heard_->body.size(), 1U);
    heard_->answer = Flow::kGoOn;
  }
  transfer->resume();
  EXPECT_TRUE(end().ok());
  EXPECT_EQ(heard_->body.size(), kLarge);
}

TEST_F(HttpClientTest, ALargeResponseIsRefusedByFetch) {
  LoopbackServer server([](ServerConnection& connection) {
    connection.read_request();
    connection.write(with_length(std::string(1000, 'x')));
  });
  EXPECT_EQ(fetch(HttpRequest{.url = server.url()}, /*limit=*/999).error().code, base::codes::kLimit);
}

TEST_F(HttpClientTest, FollowsRedirectsOnlyWhenAsked) {
  LoopbackServer server([](ServerConnection& connection) {
    for (std::string request = connection.read_request(); !request.empty(); request = connection.read_request()) {
      if (request.starts_with("GET /end")) {
        connection.write(with_length("here"));
      } else {
        connection.write("HTTP/1.1 302 Found\r\nLocation: /end\r\nContent-Length: 4\r\n\r\ngone");
      }
    }
  });
  const auto not_followed = fetch(HttpRequest{.url = server.url()});
  EXPECT_EQ(not_followed->head.status, 302);
  EXPECT_EQ(not_followed->body, "gone");
  const auto followed = fetch(HttpRequest{.url = server.url(), .max_redirects = 1});
  EXPECT_EQ(followed->head.status, 200);
  EXPECT_EQ(followed->body, "here");
}

TEST_F(HttpClientTest, UsesTheProxyOfTheEnvironmentButNotForTheLoopback) {
  LoopbackServer server([](ServerConnection& connection) {
    const std::string request = connection.read_request();
    connection.write(with_length(request.substr(0, request.find('\r'))));
  });
  ::setenv("http_proxy", server.url().c_str(), 1);
  const auto proxied = fetch(HttpRequest{.url = "http://model.example/x"});
  const auto direct = fetch(HttpRequest{.url = server.url() + "/y"});
  ::unsetenv("http_proxy");
  EXPECT_EQ(proxied->body, "GET http://model.example/x HTTP/1.1");
  EXPECT_EQ(direct->body, "GET /y HTTP/1.1");
}

TEST_F(HttpClientTest, ConnectsWhereItIsToldAndKeepsThatConnectionToItself) {
  LoopbackServer server([](ServerConnection& connection) {
    for (std::string request; !(request = connection.read_request()).empty();) {
      connection.write(with_length(request.substr(request.find("Host:"), 21)));
    }
  });
  const std::string port = server.url().substr(server.url().rfind(':') + 1);
  const HttpRequest request{.url = "http://nowhere.invalid:" + port + "/", .connect_to = "127.0.0.1"};
  ::setenv("http_proxy", "http://127.0.0.1:1", 1);
  for (int i = 0; i < 2; ++i) EXPECT_EQ(fetch(request)->body, "Host: nowhere.invalid");
  ::unsetenv("http_proxy");
  EXPECT_EQ(server.connections(), 2);
  EXPECT_EQ(fetch(HttpRequest{.url = server.url() + "/", .connect_to = "::1"}).error().code, "unreachable");
}

bool net_thread_runs() {
  bool found = false;
  DIR* tasks = ::opendir("/proc/self/task");
  while (const dirent* task = ::readdir(tasks)) {
    std::string name;
    std::ifstream("/proc/self/task/" + std::string(task->d_name) + "/comm") >> name;
    found = found || name == "net";
  }
  ::closedir(tasks);
  return found;
}

TEST_F(HttpClientTest, TheThreadStartsWithTheFirstRequestAndEndsWithTheClient) {
  LoopbackServer server([](ServerConnection& connection) {
    connection.read_request();
    connection.write("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc");
    connection.wait_until_closed();
  });
  EXPECT_FALSE(net_thread_runs());
  const auto transfer = start(server.url());
  heard_->first_bytes.get_future().wait();
  EXPECT_TRUE(net_thread_runs());
  client_.reset();
  EXPECT_FALSE(net_thread_runs());
  EXPECT_EQ(end().error().code, base::codes::kCancelled);
  transfer->resume();
}

TEST_F(HttpClientTest, ManyTransfersDroppedAtAnyMomentAllEndOnce) {
  LoopbackServer server([](ServerConnection& connection) {
    while (!connection.read_request().empty()) connection.write(with_length(std::string(100'000, 'x')));
  });
  std::vector<std::shared_ptr<Heard>> all;
  for (int i = 0; i < 200; ++i) {
    heard_ = std::make_shared<Heard>();
    all.push_back(heard_);
    const auto transfer = start(server.url());
    if (i % 3 == 0) heard_->first_bytes.get_future().wait();
  }
  client_.reset();
  for (const auto& heard : all) EXPECT_EQ(heard->ends.size(), 1U);
}

}  // namespace
}  // namespace lathe::net
