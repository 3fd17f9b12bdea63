#pragma once

#include <string>
#include <string_view>

#include "lathe/base/result.h"
#include "lathe/egress/host.h"

namespace lathe::tools::web {

/// An http or https URL, read once: what is checked is what is asked for.
struct Url {
  bool https = false;
  egress::Endpoint endpoint;
  /// Path and query, beginning with "/", as sent; without fragment.
  std::string target;

  /// In one form: canonical host, no port that goes without saying.
  [[nodiscard]] std::string text() const;
  friend bool operator==(const Url&, const Url&) = default;
};

inline constexpr std::size_t kMaxUrlBytes = 8000;

/// `invalid` for other schemes, a user or password, hosts that are none (egress/host.h), spaces and control characters,
/// and more than kMaxUrlBytes. Bytes beyond ASCII in path and query are percent-encoded.
[[nodiscard]] base::Result<Url> parse_url(std::string_view text);
/// What a link or a Location header of `from` leads to.
[[nodiscard]] base::Result<Url> resolve(const Url& from, std::string_view reference);
/// For a query: everything but letters, digits and "-._~" percent-encoded.
[[nodiscard]] std::string percent_encoded(std::string_view text);

}  // namespace lathe::tools::web
