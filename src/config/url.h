#pragma once

#include <string>
#include <string_view>

#include "lathe/base/result.h"

namespace lathe::config {

/// The base URL of a backend, taken apart as far as checks need it.
struct Url {
  /// As given, without a final "/".
  std::string text;
  /// "http" or "https".
  std::string scheme;
  /// In lower case; an IPv6 address without its brackets.
  std::string host;
  /// The scheme's own where the text names none.
  int port = 0;
  /// "host:port", the same for all URLs of one server.
  [[nodiscard]] std::string server() const;
  /// Whether the host is this machine, as far as its name says: localhost, 127.0.0.0/8, ::1.
  [[nodiscard]] bool is_local() const;
};

/// Takes http and https only, without user name, query or fragment: keys do not belong into a URL.
[[nodiscard]] base::Result<Url> parse_url(std::string_view text);

}  // namespace lathe::config
