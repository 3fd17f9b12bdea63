#include "lathe/templates/go_date.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>

namespace lathe::templates {
namespace {

constexpr std::array<std::string_view, 12> kMonths = {"January",   "February", "March",    "April",
                                                      "May",       "June",     "July",     "August",
                                                      "September", "October",  "November", "December"};
constexpr std::array<std::string_view, 7> kWeekdays = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                       "Thursday", "Friday", "Saturday"};

struct Moment {
  int year = 0;
  unsigned month = 1;
  unsigned day = 1;
  unsigned weekday = 0;
  unsigned day_of_year = 1;
  int hour = 0;
  int minute = 0;
  int second = 0;
};

Moment moment_of(std::int64_t seconds) {
  using namespace std::chrono;  // NOLINT(google-build-using-namespace): days, hours and their like
  // The years that a calendar of four digits has; others are its ends.
  constexpr std::int64_t kFirst = -62'135'596'800;
  constexpr std::int64_t kLast = 253'402'300'799;
  const sys_seconds time(std::chrono::seconds(std::clamp(seconds, kFirst, kLast)));
  const sys_days day = floor<days>(time);
  const year_month_day date(day);
  const hh_mm_ss clock(time - day);
  return {.year = static_cast<int>(date.year()),
          .month = static_cast<unsigned>(date.month()),
          .day = static_cast<unsigned>(date.day()),
          .weekday = std::chrono::weekday(day).c_encoding(),
          .day_of_year = static_cast<unsigned>((day - sys_days(date.year() / January / 1)).count() + 1),
          .hour = static_cast<int>(clock.hours().count()),
          .minute = static_cast<int>(clock.minutes().count()),
          .second = static_cast<int>(clock.seconds().count())};
}

int twelve(int hour) { return hour % 12 == 0 ? 12 : hour % 12; }

struct LayoutPart {
  std::string_view shape;
  std::string (*write)(const Moment&);
};

/// A shape that begins with another one stands before it.
constexpr auto kParts = std::to_array<LayoutPart>({
    {"January", [](const Moment& at) { return std::string(kMonths[at.month - 1]); }},
    {"Jan", [](const Moment& at) { return std::string(kMonths[at.month - 1].substr(0, 3)); }},
    {"Monday", [](const Moment& at) { return std::string(kWeekdays[at.weekday]); }},
    {"Mon", [](const Moment& at) { return std::string(kWeekdays[at.weekday].substr(0, 3)); }},
    {"MST", [](const Moment&) { return std::string("UTC"); }},
    {"2006", [](const Moment& at) { return fmt::format("{:04}", at.year); }},
    {"002", [](const Moment& at) { return fmt::format("{:03}", at.day_of_year); }},
    {"01", [](const Moment& at) { return fmt::format("{:02}", at.month); }},
    {"02", [](const Moment& at) { return fmt::format("{:02}", at.day); }},
    {"03", [](const Moment& at) { return fmt::format("{:02}", twelve(at.hour)); }},
    {"04", [](const Moment& at) { return fmt::format("{:02}", at.minute); }},
    {"05", [](const Moment& at) { return fmt::format("{:02}", at.second); }},
    {"06", [](const Moment& at) { return fmt::format("{:02}", at.year % 100); }},
    {"15", [](const Moment& at) { return fmt::format("{:02}", at.hour); }},
    {"1", [](const Moment& at) { return fmt::format("{}", at.month); }},
    {"__2", [](const Moment& at) { return fmt::format("{:3}", at.day_of_year); }},
    {"_2", [](const Moment& at) { return fmt::format("{:2}", at.day); }},
    {"2", [](const Moment& at) { return fmt::format("{}", at.day); }},
    {"3", [](const Moment& at) { return fmt::format("{}", twelve(at.hour)); }},
    {"4", [](const Moment& at) { return fmt::format("{}", at.minute); }},
    {"5", [](const Moment& at) { return fmt::format("{}", at.second); }},
    {"PM", [](const Moment& at) { return std::string(at.hour < 12 ? "AM" : "PM"); }},
    {"pm", [](const Moment& at) { return std::string(at.hour < 12 ? "am" : "pm"); }},
    {"-07:00:00", [](const Moment&) { return std::string("+00:00:00"); }},
    {"-07:00", [](const Moment&) { return std::string("+00:00"); }},
    {"-070000", [](const Moment&) { return std::string("+000000"); }},
    {"-0700", [](const Moment&) { return std::string("+0000"); }},
    {"-07", [](const Moment&) { return std::string("+00"); }},
    {"Z07:00:00", [](const Moment&) { return std::string("Z"); }},
    {"Z07:00", [](const Moment&) { return std::string("Z"); }},
    {"Z070000", [](const Moment&) { return std::string("Z"); }},
    {"Z0700", [](const Moment&) { return std::string("Z"); }},
    {"Z07", [](const Moment&) { return std::string("Z"); }},
});

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_lower_letter(char c) { return c >= 'a' && c <= 'z'; }

/// ".000" or ",999": the parts of a second, of which there are none. Zero where it is none.
std::size_t fraction_size(std::string_view rest) {
  if (rest.size() < 2 || (rest[0] != '.' && rest[0] != ',') || (rest[1] != '0' && rest[1] != '9')) return 0;
  const std::size_t end = rest.find_first_not_of(rest[1], 1);
  if (end != std::string_view::npos && is_digit(rest[end])) return 0;
  return end == std::string_view::npos ? rest.size() : end;
}

const LayoutPart* part_at(std::string_view rest) {
  for (const LayoutPart& part : kParts) {
    if (!rest.starts_with(part.shape)) continue;
    // "Jan" and "Mon" are no part of a longer word.
    const bool short_name = part.shape == "Jan" || part.shape == "Mon";
    if (short_name && rest.size() > 3 && is_lower_letter(rest[3])) continue;
    // "_2006" is "_" and a year.
    if (part.shape == "_2" && rest.starts_with("_2006")) continue;
    return &part;
  }
  return nullptr;
}

}  // namespace

std::string go_date(std::int64_t seconds, std::string_view layout) {
  const Moment moment = moment_of(seconds);
  std::string out;
  bool after_second = false;
  while (!layout.empty()) {
    if (const std::size_t fraction = fraction_size(layout); fraction > 0 && (after_second || layout[1] == '0')) {
      if (layout[1] == '0') out += layout.substr(0, fraction);
      layout.remove_prefix(fraction);
      after_second = false;
      continue;
    }
    const LayoutPart* const part = part_at(layout);
    after_second = part != nullptr && (part->shape == "05" || part->shape == "5");
    out += part != nullptr ? part->write(moment) : std::string(1, layout.front());
    layout.remove_prefix(part != nullptr ? part->shape.size() : 1);
  }
  return out;
}

}  // namespace lathe::templates
