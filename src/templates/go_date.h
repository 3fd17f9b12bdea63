#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace lathe::templates {

/// A time, in seconds since 1970, in UTC, in the shape of a layout of Go: how that shape writes the second of January
/// 2006, 15:04:05, "2006-01-02" for one.
[[nodiscard]] std::string go_date(std::int64_t seconds, std::string_view layout);

/// What {{date}} and {{now}} are without a layout.
inline constexpr std::string_view kDateLayout = "2006-01-02";
inline constexpr std::string_view kNowLayout = "2006-01-02T15:04:05Z07:00";

}  // namespace lathe::templates
