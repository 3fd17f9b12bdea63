#include "lathe/net/http_connection.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <string>
#include <vector>

#include "lathe/base/check.h"
#include "lathe/runtime/loop.h"

namespace lathe::net {
namespace {

/// A client that sends bytes as they are.
class HttpConnectionTest : public testing::Test {
 protected:
  void connect(HttpLimits limits = {}) {
    int ends[2];
    CHECK(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    client_.reset(ends[0]);
    auto made = HttpConnection::create(loop_, base::UniqueFd(ends[1]), limits);
    CHECK(made.ok());
    connection_ = *std::move(made);
  }
  void send(std::string_view bytes) { CHECK(::write(client_.get(), bytes.data(), bytes.size()) > 0); }
  std::optional<IncomingRequest> read() {
    auto request = loop_.block_on(connection_->read({}));
    EXPECT_TRUE(request.ok()) << request.error().text();
    return request.ok() ? *std::move(request) : std::nullopt;
  }
  /// What has arrived so far.
  std::string received() {
    std::string buffer(1U << 16, '\0');
    const ssize_t got = ::recv(client_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    buffer.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    return buffer;
  }

  runtime::Loop loop_;
  base::UniqueFd client_;
  std::unique_ptr<HttpConnection> connection_;
};

TEST_F(HttpConnectionTest, RequestsComeOneAfterTheOtherHoweverTheyAreCut) {
  connect();
  const std::string both =
      "POST /v1/x?since=3&q=a%20b+c%2 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}"
      "GET /next HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
  for (std::size_t cut = 1; cut < both.size(); cut += 7) {
    connect();
    send(both.substr(0, cut));
    send(both.substr(cut));
    const auto first = read();
    ASSERT_TRUE(first);
    EXPECT_EQ(first->method + " " + first->path + " " + first->body, "POST /v1/x {}");
    EXPECT_EQ(first->parameter("since"), "3");
    EXPECT_EQ(first->parameter("q"), "a b c%2");
    EXPECT_EQ(first->header("host"), "localhost");
    const auto second = read();
    ASSERT_TRUE(second);
    EXPECT_EQ(second->path, "/next");
    EXPECT_FALSE(read()) << "it asked for the connection's end";
  }
}

TEST_F(HttpConnectionTest, AnswersHaveTheirLengthOrComeInPieces) {
  connect();
  send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  ASSERT_TRUE(read());
  ASSERT_TRUE(loop_.block_on(connection_->respond({.status = 404, .body = "{}"}, {})).ok());
  EXPECT_EQ(received(), "HTTP/1.1 404 Not Found\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}");
  ASSERT_TRUE(loop_.block_on(connection_->begin_stream({.content_type = "text/plain"}, {})).ok());
  ASSERT_TRUE(loop_.block_on(connection_->send_piece("", {})).ok());
  ASSERT_TRUE(loop_.block_on(connection_->send_piece("some text that is longer", {})).ok());
  ASSERT_TRUE(loop_.block_on(connection_->end_stream({})).ok());
  EXPECT_EQ(received(),
            "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ntransfer-encoding: chunked\r\n\r\n"
            "18\r\nsome text that is longer\r\n0\r\n\r\n");
}

TEST_F(HttpConnectionTest, AnswersToHeadAndThoseThatSayNothingIsNewHaveNoBody) {
  connect();
  send("HEAD / HTTP/1.1\r\nHost: x\r\n\r\n");
  ASSERT_TRUE(read());
  ASSERT_TRUE(loop_.block_on(connection_->respond({.body = "12345"}, {})).ok());
  EXPECT_EQ(received(), "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 5\r\n\r\n");
  send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  ASSERT_TRUE(read());
  ASSERT_TRUE(loop_.block_on(connection_->respond({.status = 304, .content_type = ""}, {})).ok());
  EXPECT_EQ(received(), "HTTP/1.1 304 Not Modified\r\n\r\n");
}

TEST_F(HttpConnectionTest, WhatIsNoRequestIsToldAndLeft) {
  struct Case {
    std::string bytes;
    std::string status;
    std::string words = "\"code\":\"invalid\"";
  };
  const std::vector<Case> cases = {
      {"GARBAGE\r\n\r\n", "400"},
      {"GET / HTTP/1.1\r\nX: " + std::string(20'000, 'a') + "\r\n\r\n", "431", "limit_exceeded"},
      {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n\r\n", "413", "limit_exceeded"},
      {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n\r\n", "413", "longer than 4096 bytes"},
      {"GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n", "400"},
      {"GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", "400"},
      {"POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", "400"},
  };
  for (const Case& one : cases) {
    connect({.max_body_bytes = 4096});
    send(one.bytes);
    EXPECT_FALSE(read());
    const std::string answer = received();
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 " + one.status)) << one.bytes.substr(0, 60) << "\n" << answer;
    EXPECT_NE(answer.find("connection: close"), std::string::npos);
    EXPECT_NE(answer.find(one.words), std::string::npos) << answer;
  }
}

TEST_F(HttpConnectionTest, OneThatStopsInTheMiddleIsDropped) {
  connect({.idle = base::Millis(20), .request = base::Millis(20)});
  send("GET / HT");
  EXPECT_FALSE(read());
  EXPECT_TRUE(received().starts_with("HTTP/1.1 408"));
}

TEST_F(HttpConnectionTest, ABodyThatIsAnnouncedIsAskedFor) {
  connect();
  send("POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  const auto later = loop_.call_after(base::Millis(20), [this] {
    EXPECT_EQ(received(), "HTTP/1.1 100 Continue\r\n\r\n");
    send("{}");
  });
  EXPECT_EQ(read()->body, "{}");
}

}  // namespace
}  // namespace lathe::net
