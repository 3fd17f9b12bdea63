#include "lathe/egress/address.h"

#include <gtest/gtest.h>

#include <utility>
#include <vector>

namespace lathe::egress {
namespace {

TEST(Address, OneFormOfEach) {
  EXPECT_EQ(Address::parse("192.0.2.1")->text(), "192.0.2.1");
  EXPECT_EQ(Address::parse("2001:DB8:0:0::1")->text(), "2001:db8::1");
  for (const char* odd : {"", "127.1", "0177.0.0.1", "0x7f.0.0.1", "2130706433", "127.0.0.01", "1.2.3.4.5", "256.1.1.1",
                          "fe80::1%eth0", "[::1]", "::1 ", "1.2.3.4\n"}) {
    EXPECT_FALSE(Address::parse(odd)) << odd;
  }
  EXPECT_FALSE(Address::parse(std::string_view("127.0.0.1\0x", 11)));
}

TEST(Address, ReachOfEveryBlock) {
  using enum Reach;
  const std::vector<std::pair<const char*, Reach>> rows = {
      {"93.184.216.34", kPublic},
      {"1.1.1.1", kPublic},
      {"172.15.255.255", kPublic},
      {"172.32.0.0", kPublic},
      {"100.63.255.255", kPublic},
      {"100.128.0.0", kPublic},
      {"2606:4700::1111", kPublic},
      {"127.0.0.1", kLoopback},
      {"127.255.255.254", kLoopback},
      {"::1", kLoopback},
      {"10.0.0.1", kPrivate},
      {"172.16.0.1", kPrivate},
      {"172.31.255.255", kPrivate},
      {"192.168.1.1", kPrivate},
      {"fc00::1", kPrivate},
      {"fdff::1", kPrivate},
      {"64:ff9b:1::1", kPrivate},
      {"169.254.1.1", kLinkLocal},
      {"fe80::1", kLinkLocal},
      {"febf::1", kLinkLocal},
      {"169.254.169.254", kMetadata},
      {"100.100.100.200", kMetadata},
      {"168.63.129.16", kMetadata},
      {"fd00:ec2::254", kMetadata},
      {"100.64.0.1", kCarrierNat},
      {"100.127.255.255", kCarrierNat},
      {"224.0.0.1", kMulticast},
      {"239.255.255.255", kMulticast},
      {"ff02::1", kMulticast},
      {"0.0.0.0", kReserved},
      {"0.1.2.3", kReserved},
      {"192.0.2.1", kReserved},
      {"198.18.0.1", kReserved},
      {"240.0.0.1", kReserved},
      {"255.255.255.255", kReserved},
      {"::", kReserved},
      {"2001:db8::1", kReserved},
      {"4000::1", kReserved},
      // IPv4 inside of IPv6 leads where the IPv4 address does.
      {"::ffff:127.0.0.1", kLoopback},
      {"::ffff:10.1.2.3", kPrivate},
      {"::ffff:1.1.1.1", kPublic},
      {"::127.0.0.1", kLoopback},
      {"64:ff9b::169.254.169.254", kMetadata},
      {"64:ff9b::1.1.1.1", kPublic},
      {"2002:7f00:1::", kLoopback},
      {"2002:a00:1::1", kPrivate},
      {"2002:101:101::1", kPublic},
      // Teredo keeps it with its bits turned around: 127.0.0.1.
      {"2001:0:1:2:3:4:80ff:fffe", kLoopback},
  };
  for (const auto& [text, reach] : rows) {
    const auto address = Address::parse(text);
    ASSERT_TRUE(address) << text;
    EXPECT_EQ(reach_of(*address), reach) << text << " is " << describe(reach_of(*address));
  }
}

}  // namespace
}  // namespace lathe::egress
