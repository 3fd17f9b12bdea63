#include "lathe/egress/request_head.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lathe::egress {
namespace {

using ::testing::HasSubstr;

TEST(RequestHead, Tunnel) {
  const auto request = parse_request_head("CONNECT Example.com.:443 HTTP/1.1\r\nHost: other.com:443");
  ASSERT_TRUE(request.ok());
  EXPECT_EQ(request->kind, ProxyRequest::Kind::kTunnel);
  EXPECT_EQ(request->target.text(), "example.com:443") << "the target counts, not the Host header";
}

TEST(RequestHead, PlainRequestIsWrittenAnew) {
  const auto request = parse_request_head(
      "POST http://Example.com:8080?q=1#part HTTP/1.1\r\nHost: evil.com\r\nUser-Agent: x\r\nContent-Length: 5\r\n"
      "Proxy-Authorization: secret\r\nProxy-Connection: keep-alive\r\nConnection: X-Own, Content-Length\r\nX-Own: 1\r\n"
      "X-Kept:   two  words ");
  ASSERT_TRUE(request.ok()) << request.error().message;
  EXPECT_EQ(request->kind, ProxyRequest::Kind::kPlain);
  EXPECT_EQ(request->target.text(), "example.com:8080");
  EXPECT_EQ(request->body_bytes, 5U);
  EXPECT_EQ(request->head_for_server,
            "POST /?q=1 HTTP/1.1\r\nHost: example.com:8080\r\nUser-Agent: x\r\nContent-Length: 5\r\n"
            "X-Kept: two  words\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(parse_request_head("GET http://a.com/x HTTP/1.0")->head_for_server, HasSubstr("\r\nHost: a.com\r\n"));
}

TEST(RequestHead, RefusesWhatTwoReadersCouldReadDifferently) {
  const std::vector<std::pair<std::string, const char*>> rows = {
      {"", "method"},
      {"CONNECT a.com:443", "method"},
      {"CONNECT  a.com:443 HTTP/1.1", "method"},
      {"CONNECT a.com HTTP/1.1", "names no port"},
      {"CONNECT a.com:443 HTTP/2", "HTTP/1.1"},
      {std::string("CONNECT a.com\0.b.com:443 HTTP/1.1", 33), "control character 0x00"},
      {"GET http://a.com/\n HTTP/1.1", "control character 0x0a"},
      {"GET http://a.com/ HTTP/1.1\nX: 1", "control character 0x0a"},
      {"GET http://a.com/ HTTP/1.1\r\nX: 1\rY: 2", "control character 0x0d"},
      {"GET http://a.com/ HTTP/1.1\r\n folded", "no name"},
      {"GET http://a.com/ HTTP/1.1\r\nX : 1", "no name"},
      {"GET http://a.com/ HTTP/1.1\r\nnothing", "no name"},
      {"GET http://a.com/ HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1", "two lengths"},
      {"GET http://a.com/ HTTP/1.1\r\nContent-Length: +1", "no number"},
      {"GET http://a.com/ HTTP/1.1\r\nContent-Length: 99999999999999999999", "no number"},
      {"GET http://a.com/ HTTP/1.1\r\nTransfer-Encoding: chunked", "without a length"},
      {"GET / HTTP/1.1", "no http:// URL"},
      {"GET https://a.com/ HTTP/1.1", "https in the open"},
      {"GET ftp://a.com/ HTTP/1.1", "no http:// URL"},
      {"GET http://a@b.com/ HTTP/1.1", "user"},
      {"GET http://a.com\\@b.com/ HTTP/1.1", "user"},
      {"GET http://a.com\\b.com/ HTTP/1.1", "0x5c"},
      {"GET http:// HTTP/1.1", "empty"},
      {"GET http://0x7f000001/ HTTP/1.1", "unusual form"},
      {"G(T http://a.com/ HTTP/1.1", "method"},
  };
  for (const auto& [head, why] : rows) {
    const auto request = parse_request_head(head);
    ASSERT_FALSE(request.ok()) << head;
    EXPECT_THAT(request.error().message, HasSubstr(why)) << head;
  }
}

}  // namespace
}  // namespace lathe::egress
