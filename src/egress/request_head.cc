#include "lathe/egress/request_head.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <vector>

#include "lathe/base/strings.h"

namespace lathe::egress {

using base::Error;
using base::Result;

namespace {

constexpr std::uint16_t kHttpPort = 80;

struct HeaderLine {
  std::string_view name;
  std::string_view value;
};

Error malformed(std::string what) {
  return {.code = base::codes::kInvalid, .message = "the request to the proxy " + std::move(what)};
}

Error unsupported(std::string what, std::string hint) {
  return {.code = base::codes::kUnsupported,
          .message = "the request to the proxy " + std::move(what),
          .hint = std::move(hint)};
}

bool is_token(std::string_view text) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::ranges::all_of(text, [&](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           kMarks.find(c) != std::string_view::npos;
  });
}

/// Lines between CRLFs; a CR or LF elsewhere, and every other control character but the tab, is refused.
Result<std::vector<std::string_view>> split_head(std::string_view head) {
  std::vector<std::string_view> lines;
  while (true) {
    const std::size_t end = head.find("\r\n");
    const std::string_view line = head.substr(0, end);
    for (const char c : line) {
      if ((static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f) {
        return malformed(fmt::format("holds the control character 0x{:02x}", static_cast<unsigned char>(c)));
      }
    }
    lines.push_back(line);
    if (end == std::string_view::npos) return lines;
    head.remove_prefix(end + 2);
  }
}

Result<std::vector<HeaderLine>> read_headers(const std::vector<std::string_view>& lines) {
  std::vector<HeaderLine> headers;
  for (std::size_t i = 1; i < lines.size(); ++i) {
    const std::size_t colon = lines[i].find(':');
    const std::string_view name = lines[i].substr(0, colon);
    if (colon == std::string_view::npos || !is_token(name)) {
      return malformed("has a header line that begins with no name and colon");
    }
    headers.push_back({name, base::trim(lines[i].substr(colon + 1))});
  }
  return headers;
}

/// Headers that concern one connection only (RFC 9110 7.6.1), and those that we write ourselves.
bool stays_here(std::string_view lower_name, const std::vector<std::string>& named_by_connection) {
  constexpr std::array<std::string_view, 10> kHere = {"connection",
                                                      "proxy-connection",
                                                      "proxy-authorization",
                                                      "proxy-authenticate",
                                                      "keep-alive",
                                                      "te",
                                                      "trailer",
                                                      "upgrade",
                                                      "transfer-encoding",
                                                      "host"};
  return std::ranges::find(kHere, lower_name) != kHere.end() ||
         std::ranges::find(named_by_connection, lower_name) != named_by_connection.end();
}

std::vector<std::string> named_by_connection(const std::vector<HeaderLine>& headers) {
  std::vector<std::string> names;
  for (const HeaderLine& header : headers) {
    if (base::lower(header.name) != "connection") continue;
    for (const std::string_view name : base::split(header.value, ',')) names.push_back(base::lower(base::trim(name)));
  }
  // A length that is taken away would turn the body into a second request.
  std::erase(names, "content-length");
  return names;
}

Result<std::uint64_t> body_length(const std::vector<HeaderLine>& headers) {
  std::optional<std::uint64_t> length;
  for (const HeaderLine& header : headers) {
    const std::string name = base::lower(header.name);
    if (name == "transfer-encoding") {
      return unsupported("has a body without a length", "send it with Content-Length, or over https");
    }
    if (name != "content-length") continue;
    std::uint64_t value = 0;
    const char* const end = header.value.data() + header.value.size();
    const auto [read_to, error] = std::from_chars(header.value.data(), end, value);
    if (error != std::errc() || read_to != end) return malformed("has a Content-Length that is no number");
    if (length) return malformed("has two lengths");
    length = value;
  }
  return length.value_or(0);
}

Result<ProxyRequest> plain_request(std::string_view method, std::string_view url,
                                   const std::vector<HeaderLine>& headers) {
  constexpr std::string_view kScheme = "http://";
  if (base::lower(url.substr(0, 8)) == "https://") {
    return unsupported("asks for https in the open", "use CONNECT, as HTTP clients do by themselves");
  }
  if (base::lower(url.substr(0, kScheme.size())) != kScheme) {
    return malformed("names no http:// URL; this is a proxy, not a server");
  }
  url.remove_prefix(kScheme.size());
  const std::size_t path_at = std::min(url.find_first_of("/?#"), url.size());
  const std::string_view authority = url.substr(0, path_at);
  if (authority.find('@') != std::string_view::npos) return malformed("has a user in its URL");
  ProxyRequest request;
  request.kind = ProxyRequest::Kind::kPlain;
  TRY(request.target, parse_endpoint(authority, kHttpPort));
  TRY(request.body_bytes, body_length(headers));
  std::string_view path = url.substr(path_at);
  path = path.substr(0, path.find('#'));
  const std::string host = request.target.port == kHttpPort ? request.target.host.in_url() : request.target.text();
  request.head_for_server =
      fmt::format("{} {}{} HTTP/1.1\r\nHost: {}\r\n", method, path.starts_with('/') ? "" : "/", path, host);
  const auto dropped = named_by_connection(headers);
  for (const HeaderLine& header : headers) {
    if (stays_here(base::lower(header.name), dropped)) continue;
    request.head_for_server += fmt::format("{}: {}\r\n", header.name, header.value);
  }
  request.head_for_server += "Connection: close\r\n\r\n";
  return request;
}

}  // namespace

Result<ProxyRequest> parse_request_head(std::string_view head) {
  TRY(const auto lines, split_head(head));
  const auto words = base::split(lines.front(), ' ');
  if (words.size() != 3 || !is_token(words[0]) || words[1].empty()) {
    return malformed("does not begin with a method, a target and a version");
  }
  if (words[2] != "HTTP/1.1" && words[2] != "HTTP/1.0") {
    return unsupported("is not in HTTP/1.1", "use an HTTP/1.1 client");
  }
  TRY(const auto headers, read_headers(lines));
  if (words[0] != "CONNECT") return plain_request(words[0], words[1], headers);
  ProxyRequest request;
  TRY(request.target, parse_endpoint(words[1], 0));
  return request;
}

}  // namespace lathe::egress
