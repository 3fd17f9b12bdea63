#include "lathe/tools/web/url.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lathe::tools::web {
namespace {

using ::testing::HasSubstr;

TEST(ParseUrl, OneForm) {
  EXPECT_EQ(parse_url("https://Example.com.")->text(), "https://example.com/");
  EXPECT_EQ(parse_url("HTTP://example.com:80/a?b=c#d")->text(), "http://example.com/a?b=c");
  EXPECT_EQ(parse_url("https://example.com:80/")->text(), "https://example.com:80/");
  EXPECT_EQ(parse_url("https://example.com?x")->text(), "https://example.com/?x");
  EXPECT_EQ(parse_url("http://[2001:DB8::1]:8080/ü")->text(), "http://[2001:db8::1]:8080/%C3%BC");
}

TEST(ParseUrl, RefusesOtherThings) {
  const std::vector<std::pair<std::string, const char*>> rows = {
      {"", "does not begin"},
      {"ftp://example.com/", "does not begin"},
      {"file:///etc/passwd", "does not begin"},
      {"javascript:alert(1)", "does not begin"},
      {"example.com", "does not begin"},
      {"http://a:b@example.com/", "user name"},
      {"http://allowed.com\\@evil.com/", "0x5c"},
      {"http://example.com/a b", "0x20"},
      {"http://example.com/\r\nX: 1", "0x0d"},
      {std::string("http://evil.com\0.allowed.com/", 29), "0x00"},
      {"http:///path", "empty"},
      {"http://0x7f.1/", "unusual form"},
      {"http://[::ffff:127.0.0.1]/", "IPv4"},
      {"http://example.com/" + std::string(9000, 'x'), "8000 bytes"},
  };
  for (const auto& [text, why] : rows) {
    const auto url = parse_url(text);
    ASSERT_FALSE(url.ok()) << text;
    EXPECT_THAT(url.error().message, HasSubstr(why)) << text;
  }
}

TEST(Resolve, AsLinksDo) {
  const Url from = *parse_url("https://example.com:8443/a/b?q");
  const std::vector<std::pair<const char*, const char*>> rows = {
      {"c", "https://example.com:8443/a/c"},
      {"../c", "https://example.com:8443/c"},
      {"../../../c/./d/", "https://example.com:8443/c/d/"},
      {"..", "https://example.com:8443/"},
      {"/x?y#z", "https://example.com:8443/x?y"},
      {"?only", "https://example.com:8443/a/b?only"},
      {"#part", "https://example.com:8443/a/b?q"},
      {"", "https://example.com:8443/a/b?q"},
      {"//other.com/x", "https://other.com/x"},
      {" http://other.com ", "http://other.com/"},
  };
  for (const auto& [reference, url] : rows) EXPECT_EQ(resolve(from, reference)->text(), url) << reference;
  EXPECT_FALSE(resolve(from, "javascript:alert(1)").ok());
  EXPECT_FALSE(resolve(from, "//[::1").ok());
}

TEST(PercentEncoded, LeavesWhatIsUnreserved) { EXPECT_EQ(percent_encoded("a-1 &=ü"), "a-1%20%26%3D%C3%BC"); }

}  // namespace
}  // namespace lathe::tools::web
