#include "lathe/egress/host.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "lathe/base/strings.h"
#include "lathe/egress/idna.h"

namespace lathe::egress {

using base::Error;
using base::Result;

namespace {

constexpr std::size_t kMaxLabelBytes = 63;
constexpr std::size_t kShownBytes = 80;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

/// What was sent, fit for a terminal and a log.
std::string shown(std::string_view text) {
  std::string out;
  for (const char c : text.substr(0, kShownBytes)) {
    if (c > 0x20 && c < 0x7f && c != '"' && c != '\\') {
      out += c;
    } else {
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    }
  }
  return text.size() > kShownBytes ? out + "…" : out;
}

Error wrong(std::string_view host, std::string_view what, std::string hint = {}) {
  return {.code = base::codes::kInvalid,
          .message = fmt::format("the host \"{}\" {}", shown(host), what),
          .hint = std::move(hint)};
}

Result<Host> literal_v6(std::string_view whole, std::string_view text) {
  if (text.find('%') != std::string_view::npos) return wrong(whole, "names a zone");
  const auto address = Address::parse(text);
  if (!address || address->family != Address::Family::kV6) return wrong(whole, "is no IPv6 address");
  const auto& bytes = address->bytes;
  const bool low_zeros = std::all_of(bytes.begin(), bytes.begin() + 10, [](std::uint8_t b) { return b == 0; });
  if (low_zeros && bytes[10] == 0xff && bytes[11] == 0xff) {
    return wrong(whole, "is an IPv4 address in the clothes of an IPv6 one", "write it as four decimal numbers");
  }
  return Host{.name = address->text(), .address = address};
}

/// Some resolver somewhere reads a name whose last label is a number as an IPv4 address (WHATWG URL 3.5).
bool ends_in_a_number(std::string_view name) {
  const std::string_view last = name.substr(name.rfind('.') + 1);
  if (!last.empty() && std::ranges::all_of(last, is_digit)) return true;
  if (!last.starts_with("0x")) return false;
  return std::ranges::all_of(last.substr(2), [](char c) { return is_digit(c) || (c >= 'a' && c <= 'f'); });
}

Result<void> check_label(std::string_view whole, std::string_view label) {
  if (label.empty()) return wrong(whole, "has an empty part");
  if (label.size() > kMaxLabelBytes) return wrong(whole, "has a part longer than 63 bytes");
  if (label.front() == '-' || label.back() == '-') return wrong(whole, "has a part that begins or ends with \"-\"");
  if (label.starts_with("xn--")) return check_international_label(label).within("the host");
  return {};
}

Result<void> check_characters(std::string_view text) {
  for (const char c : text) {
    if (static_cast<unsigned char>(c) >= 0x80) {
      return wrong(text, "is not written in ASCII", "write an international name in its xn-- form");
    }
    if (!is_letter(c) && !is_digit(c) && c != '-' && c != '.' && c != '_') {
      return wrong(text, fmt::format("holds the byte 0x{:02x}", static_cast<unsigned char>(c)));
    }
  }
  return {};
}

}  // namespace

std::string Host::in_url() const {
  return address && address->family == Address::Family::kV6 ? fmt::format("[{}]", name) : name;
}

Result<Host> canonical_host(std::string_view text) {
  if (text.empty()) return Error{.code = base::codes::kInvalid, .message = "the host is empty"};
  if (text.starts_with('[')) {
    if (!text.ends_with(']')) return wrong(text, "lacks its closing bracket");
    return literal_v6(text, text.substr(1, text.size() - 2));
  }
  if (text.find(':') != std::string_view::npos) return literal_v6(text, text);
  TRY_OK(check_characters(text));
  std::string name = base::lower(text);
  if (name.size() > 1 && name.ends_with('.')) name.pop_back();
  if (name.size() > kMaxHostBytes) return wrong(text, "is longer than 253 bytes");
  for (const std::string_view label : base::split(name, '.')) TRY_OK(check_label(text, label));
  if (!ends_in_a_number(name)) return Host{.name = std::move(name)};
  const auto address = Address::parse(name);
  if (!address) return wrong(text, "is an unusual form of an IPv4 address", "write it as four decimal numbers");
  return Host{.name = address->text(), .address = address};
}

std::string Endpoint::text() const { return fmt::format("{}:{}", host.in_url(), port); }

Result<Endpoint> parse_endpoint(std::string_view authority, std::uint16_t default_port) {
  std::string_view host = authority;
  std::string_view port;
  const std::size_t colon = authority.rfind(':');
  const bool bracketed = authority.starts_with('[');
  if (colon != std::string_view::npos && (!bracketed || authority.find(']') < colon)) {
    host = authority.substr(0, colon);
    port = authority.substr(colon + 1);
    if (port.empty()) return wrong(authority, "has no number after its colon");
  }
  if (!bracketed && host.find(':') != std::string_view::npos) return wrong(authority, "is IPv6 without brackets");
  Endpoint endpoint;
  endpoint.port = default_port;
  TRY(endpoint.host, canonical_host(host));
  if (!port.empty()) {
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), endpoint.port);
    if (error != std::errc() || end != port.data() + port.size())
      return wrong(authority, "has no port from 1 to 65535");
  }
  if (endpoint.port == 0) return wrong(authority, "names no port");
  return endpoint;
}

}  // namespace lathe::egress
