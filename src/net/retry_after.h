#pragma once

#include <chrono>
#include <optional>
#include <string_view>

#include "lathe/base/clock.h"
#include "lathe/net/http_client.h"

namespace lathe::net {

/// How long the server asks to wait: `retry-after-ms`, else `retry-after` as seconds (fractions too) or as an HTTP date
/// (RFC 9110 10.2.3, all three date forms). Never negative, at most a day; nothing when absent or unreadable.
[[nodiscard]] std::optional<std::chrono::milliseconds> retry_after(const ResponseHead& head, base::UnixMillis now);

/// "Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT" or "Sun Nov  6 08:49:37 1994". A two-digit year
/// is the one nearest to `now` that is not 50 years ahead.
[[nodiscard]] std::optional<base::UnixMillis> parse_http_date(std::string_view text, base::UnixMillis now);

}  // namespace lathe::net
