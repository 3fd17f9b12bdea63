#include "lathe/net/retry_after.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <vector>

#include "lathe/base/strings.h"

namespace lathe::net {

namespace {

using std::chrono::milliseconds;

constexpr double kMaxMillis = 24.0 * 3600 * 1000;

std::optional<milliseconds> clamped(double millis) {
  if (!std::isfinite(millis)) return std::nullopt;
  return milliseconds(static_cast<std::int64_t>(std::clamp(millis, 0.0, kMaxMillis)));
}

std::optional<double> read_number(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<int> read_int(std::string_view text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 0) return std::nullopt;
  return value;
}

std::optional<unsigned> month_of(std::string_view name) {
  static constexpr std::array<std::string_view, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                            "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const auto* const found = std::ranges::find(kMonths, name);
  if (found == kMonths.end()) return std::nullopt;
  return static_cast<unsigned>(found - kMonths.begin()) + 1;
}

/// The parts of a date between its separators, without the day of the week.
std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> words;
  std::size_t begin = 0;
  while (begin < text.size() && words.size() < 8) {
    const std::size_t end = std::min(text.find_first_of(" ,-", begin), text.size());
    if (end > begin) words.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  if (!words.empty()) words.erase(words.begin());
  return words;
}

std::optional<std::chrono::seconds> time_of_day(std::string_view text) {
  const std::vector<std::string_view> parts = base::split(text, ':');
  if (parts.size() != 3) return std::nullopt;
  const auto hour = read_int(parts[0]);
  const auto minute = read_int(parts[1]);
  const auto second = read_int(parts[2]);
  if (!hour || !minute || !second || *hour > 23 || *minute > 59 || *second > 60) return std::nullopt;
  return std::chrono::hours(*hour) + std::chrono::minutes(*minute) + std::chrono::seconds(*second);
}

int full_year(int year, base::UnixMillis now) {
  const auto today = std::chrono::floor<std::chrono::days>(std::chrono::sys_time<milliseconds>(milliseconds(now)));
  const int this_year = static_cast<int>(std::chrono::year_month_day(today).year());
  const int candidate = this_year - this_year % 100 + year;
  return candidate >= this_year + 50 ? candidate - 100 : candidate;
}

}  // namespace

std::optional<base::UnixMillis> parse_http_date(std::string_view text, base::UnixMillis now) {
  // Without the weekday: "06 Nov 1994 08:49:37 GMT", "06 Nov 94 08:49:37 GMT" or "Nov 6 08:49:37 1994".
  std::vector<std::string_view> words = words_of(text);
  if (words.size() < 4) return std::nullopt;
  if (month_of(words[0])) {
    if (words.size() != 4) return std::nullopt;
    words = {words[1], words[0], words[3], words[2]};
  } else if (words.size() != 5 || words[4] != "GMT") {
    return std::nullopt;
  }
  const auto day = read_int(words[0]);
  const auto month = month_of(words[1]);
  const auto year = read_int(words[2]);
  const auto time = time_of_day(words[3]);
  if (!day || !month || !year || !time || *year > 9999) return std::nullopt;
  const std::chrono::year_month_day date(std::chrono::year(words[2].size() == 2 ? full_year(*year, now) : *year),
                                         std::chrono::month(*month), std::chrono::day(static_cast<unsigned>(*day)));
  if (!date.ok()) return std::nullopt;
  const auto moment = std::chrono::sys_days(date) + *time;
  return std::chrono::duration_cast<milliseconds>(moment.time_since_epoch()).count();
}

std::optional<milliseconds> retry_after(const ResponseHead& head, base::UnixMillis now) {
  if (const auto millis = read_number(base::trim(head.header("retry-after-ms")))) return clamped(*millis);
  const std::string_view value = base::trim(head.header("retry-after"));
  if (const auto seconds = read_number(value)) return clamped(*seconds * 1000);
  if (const auto when = parse_http_date(value, now)) return clamped(static_cast<double>(*when - now));
  return std::nullopt;
}

}  // namespace lathe::net
