#include "lathe/egress/address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstring>
#include <span>
#include <string>
#include <vector>

namespace lathe::egress {

namespace {

/// The first `bits` of `bytes` in the address's family, and what lies below.
struct Block {
  Address::Family family;
  std::array<std::uint8_t, 16> bytes;
  int bits;
  Reach reach;
};

Block block(std::string_view prefix, int bits, Reach reach) {
  const auto address = Address::parse(prefix);
  return {address->family, address->bytes, bits, reach};
}

/// IANA's registries of special addresses, and the places where clouds keep metadata; the first that fits decides.
const std::vector<Block>& blocks() {
  using enum Reach;
  static const std::vector<Block> kBlocks = {
      block("169.254.169.254", 32, kMetadata),
      block("169.254.170.2", 32, kMetadata),
      block("100.100.100.200", 32, kMetadata),
      block("168.63.129.16", 32, kMetadata),
      block("192.0.0.192", 32, kMetadata),
      block("0.0.0.0", 8, kReserved),
      block("10.0.0.0", 8, kPrivate),
      block("100.64.0.0", 10, kCarrierNat),
      block("127.0.0.0", 8, kLoopback),
      block("169.254.0.0", 16, kLinkLocal),
      block("172.16.0.0", 12, kPrivate),
      block("192.0.0.0", 24, kReserved),
      block("192.0.2.0", 24, kReserved),
      block("192.88.99.0", 24, kReserved),
      block("192.168.0.0", 16, kPrivate),
      block("198.18.0.0", 15, kReserved),
      block("198.51.100.0", 24, kReserved),
      block("203.0.113.0", 24, kReserved),
      block("224.0.0.0", 4, kMulticast),
      block("240.0.0.0", 4, kReserved),
      block("0.0.0.0", 0, kPublic),
      block("fd00:ec2::254", 128, kMetadata),
      block("fd20:ce::254", 128, kMetadata),
      block("::1", 128, kLoopback),
      block("::", 128, kReserved),
      block("fc00::", 7, kPrivate),
      block("fe80::", 10, kLinkLocal),
      block("fec0::", 10, kPrivate),
      block("ff00::", 8, kMulticast),
      block("64:ff9b:1::", 48, kPrivate),
      block("2001::", 23, kReserved),
      block("2001:db8::", 32, kReserved),
      block("3fff::", 20, kReserved),
      block("2000::", 3, kPublic),
      block("::", 0, kReserved),
  };
  return kBlocks;
}

bool begins_with(const Address& address, const std::array<std::uint8_t, 16>& prefix, int bits) {
  const auto whole = static_cast<std::size_t>(bits / 8);
  if (!std::equal(prefix.begin(), prefix.begin() + bits / 8, address.bytes.begin())) return false;
  if (bits % 8 == 0) return true;
  const auto mask = static_cast<std::uint8_t>(0xff << (8 - bits % 8));
  return ((prefix[whole] ^ address.bytes[whole]) & mask) == 0;
}

/// Where an IPv6 prefix keeps an IPv4 address, and whether its bits are turned around.
struct Carrier {
  std::string_view prefix;
  int bits;
  std::size_t at;
  bool inverted = false;
};
constexpr std::array kCarriers = {
    Carrier{"::ffff:0:0", 96, 12},    // mapped
    Carrier{"::ffff:0:0:0", 96, 12},  // translated (RFC 2765)
    Carrier{"64:ff9b::", 96, 12},     // NAT64
    Carrier{"2002::", 16, 2},         // 6to4
    Carrier{"2001::", 32, 12, true},  // Teredo
    Carrier{"::", 96, 12},            // compatible
};

std::optional<Address> carried(const Address& address) {
  if (address.family != Address::Family::kV6) return std::nullopt;
  for (const Carrier& carrier : kCarriers) {
    if (!begins_with(address, Address::parse(carrier.prefix)->bytes, carrier.bits)) continue;
    Address inner;
    for (std::size_t i = 0; i < 4; ++i) {
      const std::uint8_t byte = address.bytes[carrier.at + i];
      inner.bytes[i] = carrier.inverted ? static_cast<std::uint8_t>(~byte) : byte;
    }
    // :: and ::1 are addresses of their own.
    if (carrier.prefix == "::" && inner.bytes[0] == 0 && inner.bytes[1] == 0 && inner.bytes[2] == 0) continue;
    return inner;
  }
  return std::nullopt;
}

}  // namespace

std::optional<Address> Address::parse(std::string_view text) {
  if (text.size() > INET6_ADDRSTRLEN || text.find('\0') != std::string_view::npos) return std::nullopt;
  const std::string terminated(text);
  Address address;
  // inet_pton takes four decimal numbers only, and refuses leading zeros.
  if (inet_pton(AF_INET, terminated.c_str(), address.bytes.data()) == 1) return address;
  address.family = Family::kV6;
  if (inet_pton(AF_INET6, terminated.c_str(), address.bytes.data()) == 1) return address;
  return std::nullopt;
}

std::string Address::text() const {
  std::array<char, INET6_ADDRSTRLEN> buffer{};
  (void)inet_ntop(family == Family::kV4 ? AF_INET : AF_INET6, bytes.data(), buffer.data(), buffer.size());
  return buffer.data();
}

Reach reach_of(const Address& address) {
  if (const auto inner = carried(address)) return reach_of(*inner);
  for (const Block& entry : blocks()) {
    if (entry.family == address.family && begins_with(address, entry.bytes, entry.bits)) return entry.reach;
  }
  return Reach::kReserved;
}

std::string_view describe(Reach reach) {
  switch (reach) {
    case Reach::kPublic:
      return "a public address";
    case Reach::kLoopback:
      return "an address of this machine";
    case Reach::kPrivate:
      return "a private address";
    case Reach::kLinkLocal:
      return "a link-local address";
    case Reach::kMetadata:
      return "a cloud's metadata address";
    case Reach::kCarrierNat:
      return "an address behind a carrier's NAT";
    case Reach::kMulticast:
      return "a multicast address";
    case Reach::kReserved:
      return "a reserved address";
  }
  return "";
}

}  // namespace lathe::egress
