#include "lathe/gateways/http/admission.h"

#include <gtest/gtest.h>

namespace lathe::gateways::http {
namespace {

net::IncomingRequest request(net::HttpFields headers, std::string body = "") {
  return {.method = "POST", .path = "/", .query = {}, .headers = std::move(headers), .body = std::move(body)};
}

TEST(CheckOrigin, TakesWhatAProgramOfThisMachineSends) {
  for (const char* host : {"127.0.0.1:8090", "localhost:8090", "LocalHost", "[::1]:8090", "[::1]", "127.1.2.3"}) {
    EXPECT_TRUE(check_origin(request({{"host", host}})).ok()) << host;
  }
  EXPECT_TRUE(check_origin(request({{"host", "127.0.0.1:1"}, {"origin", "http://127.0.0.1:1"}})).ok());
  EXPECT_TRUE(
      check_origin(request({{"host", "localhost"}, {"content-type", "Application/JSON; charset=utf-8"}}, "{}")).ok());
}

TEST(CheckOrigin, RefusesNamesThatWereMadeToLeadHere) {
  for (const char* host : {"", "evil.example", "127.0.0.1.evil.example", "127.evil.0.1:80", "localhost.evil.example",
                           "[::2]", "127.0.0.1.1", "10.0.0.1:8090", "0.0.0.0"}) {
    const auto checked = check_origin(request({{"host", host}}));
    ASSERT_FALSE(checked.ok()) << host;
    EXPECT_EQ(checked.error().code, base::codes::kPermission);
  }
}

TEST(CheckOrigin, RefusesWhatAPageOfAnotherPlaceSends) {
  for (const char* origin : {"http://evil.example", "https://127.0.0.1:1", "http://127.0.0.1:2", "null"}) {
    EXPECT_FALSE(check_origin(request({{"host", "127.0.0.1:1"}, {"origin", origin}})).ok()) << origin;
  }
  // The kinds of body that a form of any page may send without asking first.
  for (const char* type : {"", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"}) {
    EXPECT_FALSE(check_origin(request({{"host", "localhost"}, {"content-type", type}}, "{}")).ok()) << type;
  }
}

TEST(BearerToken, IsWhatStandsBehindTheScheme) {
  EXPECT_EQ(bearer_token(request({{"authorization", "Bearer abc"}})), "abc");
  EXPECT_EQ(bearer_token(request({{"authorization", "bearer  abc "}})), "abc");
  EXPECT_EQ(bearer_token(request({{"authorization", "Basic abc"}})), "");
  EXPECT_EQ(bearer_token(request({})), "");
}

}  // namespace
}  // namespace lathe::gateways::http
