#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "lathe/base/result.h"
#include "lathe/egress/address.h"

namespace lathe::egress {

inline constexpr std::size_t kMaxHostBytes = 253;

/// A host in its one form. Rules, questions, resolver and log all see this and never what was sent, so that no two of
/// them can read it differently.
struct Host {
  /// Lower case, ASCII, without a final dot; an address as Address::text() has it.
  std::string name;
  /// Set when the name is an address.
  std::optional<Address> address = std::nullopt;

  /// As it stands in a URL: IPv6 in brackets.
  [[nodiscard]] std::string in_url() const;
  friend bool operator==(const Host&, const Host&) = default;
};

/// `invalid`, with the host in escaped form, for: NUL, control characters, spaces and everything that is not ASCII
/// (international names are written "xn--…"); names that mix scripts; empty or over-long labels; IPv4 written in any
/// way but four decimal numbers (octal, hexadecimal, short, one number); IPv6 with a zone, or with IPv4 inside
/// (mapped).
[[nodiscard]] base::Result<Host> canonical_host(std::string_view text);

struct Endpoint {
  Host host;
  std::uint16_t port = 0;
  /// "example.com:443".
  [[nodiscard]] std::string text() const;
  friend bool operator==(const Endpoint&, const Endpoint&) = default;
};
/// "host:port", "[v6]:port"; without a port `default_port`, or `invalid` when that is 0.
[[nodiscard]] base::Result<Endpoint> parse_endpoint(std::string_view authority, std::uint16_t default_port);

}  // namespace lathe::egress
