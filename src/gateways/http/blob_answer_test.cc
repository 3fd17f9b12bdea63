#include "lathe/gateways/http/blob_answer.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace lathe::gateways::http {
namespace {

std::string header_of(const net::OutgoingResponse& answer, std::string_view wanted) {
  for (const auto& [name, value] : answer.headers) {
    if (name == wanted) return value;
  }
  return "";
}

net::OutgoingResponse ask(net::HttpFields headers, std::string method = "GET") {
  return blob_answer({.method = std::move(method), .path = "/", .query = {}, .headers = std::move(headers), .body = ""},
                     "abc", "0123456789");
}

TEST(BlobAnswer, GivesThePartThatIsAskedFor) {
  struct Case {
    std::string range;
    unsigned status;
    std::string body;
    std::string content_range;
  };
  const std::vector<Case> cases = {
      {"bytes=0-3", 206, "0123", "bytes 0-3/10"},
      {"bytes=7-", 206, "789", "bytes 7-9/10"},
      {"bytes=-2", 206, "89", "bytes 8-9/10"},
      {"bytes=8-99", 206, "89", "bytes 8-9/10"},
      {"bytes=-99", 206, "0123456789", "bytes 0-9/10"},
      {"bytes=9-18446744073709551615", 206, "9", "bytes 9-9/10"},
      // Not looked at.
      {"bytes=3-2", 200, "0123456789", ""},
      {"bytes=0-1,3-4", 200, "0123456789", ""},
      {"lines=0-1", 200, "0123456789", ""},
      {"bytes=x-1", 200, "0123456789", ""},
      {"bytes=-", 200, "0123456789", ""},
      {"bytes=99999999999999999999-", 200, "0123456789", ""},
  };
  for (const Case& one : cases) {
    const auto answer = ask({{"range", one.range}});
    EXPECT_EQ(answer.status, one.status) << one.range;
    EXPECT_EQ(answer.body, one.body) << one.range;
    EXPECT_EQ(header_of(answer, "content-range"), one.content_range) << one.range;
    EXPECT_EQ(answer.content_type, "application/octet-stream");
    EXPECT_EQ(header_of(answer, "x-content-type-options"), "nosniff");
  }
  for (const char* range : {"bytes=10-", "bytes=10-11", "bytes=-0"}) {
    const auto refused = ask({{"range", range}});
    EXPECT_EQ(refused.status, 416) << range;
    EXPECT_EQ(header_of(refused, "content-range"), "bytes */10");
  }
}

TEST(BlobAnswer, SaysNothingToWhoHasIt) {
  EXPECT_EQ(header_of(ask({}), "etag"), "\"abc\"");
  for (const char* tags : {"\"abc\"", "\"x\", W/\"abc\"", "*"}) {
    const auto answer = ask({{"if-none-match", tags}, {"range", "bytes=0-1"}});
    EXPECT_EQ(answer.status, 304) << tags;
    EXPECT_EQ(answer.body, "");
  }
  EXPECT_EQ(ask({{"if-none-match", "abc"}}).status, 200);
  // Of another version the part would not fit, and HEAD knows no parts.
  EXPECT_EQ(ask({{"if-range", "\"x\""}, {"range", "bytes=0-1"}}).status, 200);
  EXPECT_EQ(ask({{"if-range", "\"abc\""}, {"range", "bytes=0-1"}}).status, 206);
  EXPECT_EQ(ask({{"range", "bytes=0-1"}}, "HEAD").status, 200);
}

}  // namespace
}  // namespace lathe::gateways::http
