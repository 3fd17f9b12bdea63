#include "lathe/config/url.h"

#include <gtest/gtest.h>

namespace lathe::config {
namespace {

TEST(Url, TakesHttpAndHttps) {
  const auto url = parse_url("HTTPS://Api.Example.com:8443/v1//");
  ASSERT_TRUE(url.ok()) << url.error().message;
  EXPECT_EQ(url->text, "HTTPS://Api.Example.com:8443/v1");
  EXPECT_EQ(url->scheme, "https");
  EXPECT_EQ(url->host, "api.example.com");
}

TEST(Url, KnowsThisMachine) {
  for (const char* text : {"http://localhost:1", "http://127.0.0.1", "http://127.9.9.9/x", "http://[::1]:80/v1",
                           "http://models.localhost"}) {
    EXPECT_TRUE(parse_url(text)->is_local()) << text;
  }
  for (const char* text : {"http://127.0.0.1.example.com", "http://localhost.example.com", "http://192.168.0.1",
                           "http://[::2]", "http://0.0.0.0"}) {
    EXPECT_FALSE(parse_url(text)->is_local()) << text;
  }
}

TEST(Url, OneServerHasOneName) {
  EXPECT_EQ(parse_url("https://Api.Example.com/v1")->server(), "api.example.com:443");
  EXPECT_EQ(parse_url("https://api.example.com:443")->server(), "api.example.com:443");
  EXPECT_EQ(parse_url("http://[::1]/v1")->server(), "[::1]:80");
}

TEST(Url, ABrokenPortIsNamed) {
  for (const char* port : {"99999", "abc", "0"}) {
    const auto url = parse_url(std::string("http://h:") + port + "/v1");
    ASSERT_FALSE(url.ok()) << port;
    EXPECT_TRUE(url.error().message.contains(std::string("(") + port + ")")) << url.error().message;
    EXPECT_EQ(url.error().hint, "a port is a number from 1 to 65535");
  }
}

TEST(Url, RefusesTheRest) {
  for (const char* text :
       {"", "api.example.com", "ftp://h", "http://", "http://h:0", "http://h:99999", "http://h:x", "http://h/ x",
        "http://h\n", "http://h?a=1", "http://h/#f", "http://[::1", "http://[]", "http://h_!"}) {
    EXPECT_FALSE(parse_url(text).ok()) << text;
  }
}

TEST(Url, NeverShowsAPassword) {
  const auto url = parse_url("https://me:hunter2@example.com/v1");
  ASSERT_FALSE(url.ok());
  EXPECT_FALSE(url.error().text().contains("hunter2"));
}

}  // namespace
}  // namespace lathe::config
