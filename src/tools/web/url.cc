#include "lathe/tools/web/url.h"

#include <fmt/format.h>

#include <algorithm>

#include "lathe/base/strings.h"
#include "lathe/base/utf8.h"

namespace lathe::tools::web {

using base::Error;
using base::Result;

namespace {

constexpr std::uint16_t kHttpPort = 80;
constexpr std::uint16_t kHttpsPort = 443;

bool is_unreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("-._~").find(c) != std::string_view::npos;
}

Error wrong(std::string_view url, std::string_view what) {
  return {.code = base::codes::kInvalid,
          .message = fmt::format("the URL \"{}\" {}", base::terminal_safe(base::utf8_prefix(url, 200)), what),
          .hint = "give a whole URL such as https://example.com/path"};
}

std::string encoded(std::string_view text, bool (*keep)(char)) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    if (keep(c)) {
      out += c;
    } else {
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

/// "scheme:" in front, as RFC 3986 has it.
bool has_scheme(std::string_view text) {
  const std::size_t end = text.find_first_of(":/?#");
  return end != std::string_view::npos && end > 0 && text[end] == ':';
}

/// Without the segments "." and "..".
std::string without_dots(std::string_view path) {
  std::vector<std::string_view> kept;
  bool folder = false;
  for (const std::string_view segment : base::split(path.substr(1), '/')) {
    folder = segment == "." || segment == "..";
    if (segment == ".." && !kept.empty()) kept.pop_back();
    if (!folder) kept.push_back(segment);
  }
  std::string out;
  for (const std::string_view segment : kept) (out += '/') += segment;
  return folder || out.empty() ? out + "/" : out;
}

}  // namespace

std::string Url::text() const {
  const bool plain = endpoint.port == (https ? kHttpsPort : kHttpPort);
  return fmt::format("{}://{}{}", https ? "https" : "http", plain ? endpoint.host.in_url() : endpoint.text(), target);
}

Result<Url> parse_url(std::string_view text) {
  if (text.size() > kMaxUrlBytes) return wrong(text, fmt::format("has more than {} bytes", kMaxUrlBytes));
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte <= 0x20 || byte == 0x7f || c == '\\') return wrong(text, fmt::format("holds the byte 0x{:02x}", byte));
  }
  const std::string scheme = base::lower(text.substr(0, std::min(text.find("://"), text.size())));
  if (scheme != "http" && scheme != "https") return wrong(text, "does not begin with http:// or https://");
  Url url;
  url.https = scheme == "https";
  const std::string_view rest = text.substr(scheme.size() + 3);
  const std::size_t path_at = std::min(rest.find_first_of("/?#"), rest.size());
  const std::string_view authority = rest.substr(0, path_at);
  if (authority.find('@') != std::string_view::npos)
    return wrong(text, "holds a user name; keys do not belong in URLs");
  TRY(url.endpoint, egress::parse_endpoint(authority, url.https ? kHttpsPort : kHttpPort));
  const std::string_view target = rest.substr(path_at, rest.find('#', path_at) - path_at);
  url.target = (target.starts_with('/') ? "" : "/") +
               encoded(target, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
  return url;
}

Result<Url> resolve(const Url& from, std::string_view reference) {
  reference = base::trim(reference);
  if (has_scheme(reference)) return parse_url(reference);
  const std::string scheme = from.https ? "https:" : "http:";
  if (reference.starts_with("//")) return parse_url(scheme + std::string(reference));
  const std::string origin = scheme + "//" + from.endpoint.text();
  const std::string_view path = std::string_view(from.target).substr(0, from.target.find('?'));
  if (reference.empty() || reference.starts_with('#')) return from;
  if (reference.starts_with('?')) return parse_url(fmt::format("{}{}{}", origin, path, reference));
  const std::size_t path_end = std::min(reference.find_first_of("?#"), reference.size());
  const std::string whole = reference.starts_with('/') ? std::string(reference.substr(0, path_end))
                                                       : fmt::format("{}{}", path.substr(0, path.rfind('/') + 1),
                                                                     reference.substr(0, path_end));
  return parse_url(fmt::format("{}{}{}", origin, without_dots(whole), reference.substr(path_end)));
}

std::string percent_encoded(std::string_view text) { return encoded(text, &is_unreserved); }

}  // namespace lathe::tools::web
