#include "lathe/egress/host_rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lathe::egress {
namespace {

using ::testing::HasSubstr;

HostRules rules(const std::vector<std::string>& texts) { return *HostRules::parse(texts); }
Host host(std::string_view text) { return *canonical_host(text); }
Address address(std::string_view text) { return *Address::parse(text); }

TEST(HostRules, ExactNamesSuffixesAndAddresses) {
  const HostRules some = rules({"PyPI.org.", "*.example.com", "203.0.113.7"});
  EXPECT_EQ(some.match(host("pypi.org")), "pypi.org");
  EXPECT_EQ(some.match(host("a.example.com")), "*.example.com");
  EXPECT_EQ(some.match(host("a.b.example.com")), "*.example.com");
  EXPECT_EQ(some.match(host("203.0.113.7")), "203.0.113.7");
  for (const char* other : {"example.com", "evilexample.com", "pypi.org.evil.com", "files.pypi.org", "203.0.113.8"}) {
    EXPECT_FALSE(some.match(host(other))) << other;
  }
  EXPECT_FALSE(HostRules().match(host("example.com")));
}

TEST(HostRules, RefusesRulesThatSayTooMuchOrNothing) {
  for (const char* wrong :
       {"", "*", "*.", "a.*.com", "*.10.0.0.1", "example.com:443", "https://example.com", "0x7f.1"}) {
    const auto parsed = HostRules::parse(std::vector<std::string>{wrong});
    ASSERT_FALSE(parsed.ok()) << wrong;
    EXPECT_THAT(parsed.error().message, HasSubstr(std::string("\"") + wrong + "\""));
  }
}

TEST(HostRules, ANameDoesNotOpenWhereItLeads) {
  const HostRules named = rules({"internal.example", "10.0.0.5", "localhost"});
  const auto check = [&](std::string_view name, std::vector<Address> addresses) {
    return named.check_addresses(host(name), addresses);
  };
  EXPECT_TRUE(check("internal.example", {address("93.184.216.34")}).ok());
  EXPECT_TRUE(check("internal.example", {address("10.0.0.5")}).ok()) << "this address is named itself";
  EXPECT_TRUE(check("localhost", {address("127.0.0.1"), address("::1")}).ok());
  EXPECT_FALSE(check("localhost", {address("10.0.0.6")}).ok());
  EXPECT_FALSE(check("internal.example", {address("127.0.0.1")}).ok()) << "only localhost itself leads there";
  EXPECT_FALSE(check("internal.example", {address("::ffff:10.0.0.5")}).ok());

  const auto mixed = check("internal.example", {address("93.184.216.34"), address("169.254.169.254")});
  ASSERT_FALSE(mixed.ok());
  EXPECT_EQ(mixed.error().code, base::codes::kPermission);
  EXPECT_EQ(mixed.error().message, "internal.example leads to 169.254.169.254, a cloud's metadata address");
}

}  // namespace
}  // namespace lathe::egress
