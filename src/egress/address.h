#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace lathe::egress {

/// An IP address; IPv4 uses the first four bytes. A value.
struct Address {
  enum class Family { kV4, kV6 };
  Family family = Family::kV4;
  std::array<std::uint8_t, 16> bytes{};

  /// One way to write each address is taken: four decimal numbers without leading zeros, or RFC 4291 text without zone
  /// or brackets.
  [[nodiscard]] static std::optional<Address> parse(std::string_view text);
  /// As RFC 5952 writes it, without brackets.
  [[nodiscard]] std::string text() const;

  friend bool operator==(const Address&, const Address&) = default;
};

/// Where an address leads. An IPv6 address that carries an IPv4 one (mapped, compatible, 6to4, NAT64, Teredo) leads
/// where that one does.
enum class Reach {
  kPublic,
  kLoopback,
  kPrivate,
  kLinkLocal,
  /// The service of a cloud that gives its machines their credentials.
  kMetadata,
  kCarrierNat,
  kMulticast,
  /// Everything else that the IANA registries do not list as globally reachable.
  kReserved,
};
[[nodiscard]] Reach reach_of(const Address& address);
/// "a private address", for people.
[[nodiscard]] std::string_view describe(Reach reach);

}  // namespace lathe::egress
