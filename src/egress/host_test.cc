#include "lathe/egress/host.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace lathe::egress {
namespace {

using ::testing::HasSubstr;

TEST(CanonicalHost, OneForm) {
  const std::vector<std::pair<const char*, const char*>> rows = {
      {"example.com", "example.com"},
      {"EXAMPLE.Com", "example.com"},
      {"example.com.", "example.com"},
      {"localhost", "localhost"},
      {"a_b.example.com", "a_b.example.com"},
      {"1password.com", "1password.com"},
      {"192.0.2.1", "192.0.2.1"},
      {"192.0.2.1.", "192.0.2.1"},
      {"[2001:DB8::1]", "2001:db8::1"},
      {"2001:db8:0::1", "2001:db8::1"},
      {"xn--mnchen-3ya.de", "xn--mnchen-3ya.de"},
      {"XN--MNCHEN-3YA.de", "xn--mnchen-3ya.de"},
      {"xn--e1afmkfd.xn--p1ai", "xn--e1afmkfd.xn--p1ai"},
      // Kanji and kana stand side by side in Japanese.
      {"xn--wgv71a119e.jp", "xn--wgv71a119e.jp"},
  };
  for (const auto& [text, name] : rows) {
    const auto host = canonical_host(text);
    ASSERT_TRUE(host.ok()) << text << ": " << host.error().message;
    EXPECT_EQ(host->name, name) << text;
    EXPECT_EQ(canonical_host(host->in_url())->name, host->name) << "the form of the form is itself";
  }
}

TEST(CanonicalHost, RefusesWhatCanBeReadInTwoWays) {
  const std::vector<std::pair<std::string, const char*>> rows = {
      {"", "empty"},
      {std::string("evil.com\0.allowed.com", 21), "0x00"},
      {"evil.com\n.allowed.com", "0x0a"},
      {"evil.com .allowed.com", "0x20"},
      {"evil.com\t", "0x09"},
      {"user@example.com", "0x40"},
      {"example.com/x", "0x2f"},
      {"ex%61mple.com", "0x25"},
      {"exämple.com", "not written in ASCII"},
      {"аpple.com", "not written in ASCII"},
      {"example..com", "empty part"},
      {".example.com", "empty part"},
      {"example.com..", "empty part"},
      {".", "empty part"},
      {"-a.com", "\"-\""},
      {"a-.com", "\"-\""},
      {std::string(64, 'a') + ".com", "63 bytes"},
      {std::string(250, 'a') + ".com", "253 bytes"},
      {std::string(10'000, 'a'), "253 bytes"},
      {"[" + std::string(10'000, ':') + "]", "no IPv6"},
      {"xn--" + std::string(10'000, 'a'), "253 bytes"},
      // The many ways to write 127.0.0.1 that some resolver takes.
      {"127.1", "unusual form"},
      {"127.0.1", "unusual form"},
      {"2130706433", "unusual form"},
      {"0x7f000001", "unusual form"},
      {"0x7f.0.0.1", "unusual form"},
      {"0177.0.0.1", "unusual form"},
      {"127.0.0.0x1", "unusual form"},
      {"127.0.0.01", "unusual form"},
      {"example.0x", "unusual form"},
      {"example.123", "unusual form"},
      {"::ffff:127.0.0.1", "IPv4"},
      {"[::ffff:7f00:1]", "IPv4"},
      {"[fe80::1%25eth0]", "zone"},
      {"[::1", "bracket"},
      {"[127.0.0.1]", "no IPv6"},
      {"a:b", "no IPv6"},
      // Cyrillic а in front of Latin letters.
      {"xn--pple-43d.com", "mixes letters of Cyrillic and Latin"},
      {"xn--.com", "\"-\""},
      {"xn--a.com", "U+0080"},
      {"xn--abc-.com", "\"-\""},
      {"xn--9999999999.com", "does not decode"},
      // A zero-width joiner.
      {"xn--ab-m1t.com", "which names are not written with"},
  };
  for (const auto& [text, why] : rows) {
    const auto host = canonical_host(text);
    ASSERT_FALSE(host.ok()) << text << " became " << host->name;
    EXPECT_EQ(host.error().code, base::codes::kInvalid) << text;
    EXPECT_THAT(host.error().message, HasSubstr(why)) << text;
  }
}

TEST(CanonicalHost, ErrorsAreFitForATerminal) {
  EXPECT_THAT(canonical_host("a\x1b[2J").error().message, HasSubstr(R"("a\x1b[2J")"));
}

TEST(ParseEndpoint, HostAndPort) {
  EXPECT_EQ(parse_endpoint("Example.com:443", 0)->text(), "example.com:443");
  EXPECT_EQ(parse_endpoint("example.com", 80)->text(), "example.com:80");
  EXPECT_EQ(parse_endpoint("[2001:db8::1]:8443", 0)->text(), "[2001:db8::1]:8443");
  EXPECT_EQ(parse_endpoint("[2001:db8::1]", 80)->text(), "[2001:db8::1]:80");
  for (const char* wrong : {"example.com", "example.com:", "example.com:0", "example.com:65536", "example.com:-1",
                            "example.com:80:80", "2001:db8::1:80", "example.com:0x50", ":443", "[::1]x:80"}) {
    EXPECT_FALSE(parse_endpoint(wrong, 0).ok()) << wrong;
  }
}

}  // namespace
}  // namespace lathe::egress
