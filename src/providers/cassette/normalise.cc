#include "lathe/providers/cassette/normalise.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>
#include <span>

#include "lathe/base/ids.h"

// One pass over the text: at the start of each word every recogniser in use says how many bytes it would replace. A
// recogniser looks at a bounded piece of the text (or at one word), so the whole is linear.

namespace lathe::providers::cassette {
namespace {

bool is_digit(char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0; }
bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

std::size_t digits(std::string_view text, std::size_t at) {
  std::size_t count = 0;
  while (at + count < text.size() && is_digit(text[at + count])) ++count;
  return count;
}

/// A cursor that remembers whether everything asked for was there.
class Scan final {
 public:
  explicit Scan(std::string_view text) : text_(text) {}
  bool number(std::size_t fewest, std::size_t most) {
    const std::size_t count = digits(text_, at_);
    if (count < fewest || count > most) return false;
    at_ += count;
    return true;
  }
  bool one_of(std::string_view set) {
    if (at_ >= text_.size() || set.find(text_[at_]) == std::string_view::npos) return false;
    ++at_;
    return true;
  }
  bool word(std::string_view word) {
    if (!text_.substr(at_).starts_with(word)) return false;
    at_ += word.size();
    return true;
  }
  void fraction() {
    const std::size_t before = at_;
    if (!one_of(".,") || !number(1, 9)) at_ = before;
  }
  [[nodiscard]] std::size_t at() const { return at_; }
  void back_to(std::size_t at) { at_ = at; }
  [[nodiscard]] bool at_word_end() const { return at_ >= text_.size() || !is_word(text_[at_]); }

 private:
  std::string_view text_;
  std::size_t at_ = 0;
};

bool scan_clock(Scan& scan, bool seconds_needed) {
  const std::size_t before = scan.at();
  if (!scan.number(2, 2) || !scan.one_of(":") || !scan.number(2, 2)) {
    scan.back_to(before);
    return false;
  }
  const std::size_t minutes = scan.at();
  if (scan.one_of(":") && scan.number(2, 2)) {
    scan.fraction();
    return true;
  }
  scan.back_to(seconds_needed ? before : minutes);
  return !seconds_needed;
}

void scan_zone(Scan& scan) {
  const std::size_t before = scan.at();
  if (scan.one_of("Z")) return;
  (void)scan.one_of(" ");
  if (scan.word("UTC") || scan.word("GMT")) return;
  if (scan.one_of("+-") && scan.number(2, 4)) {
    const std::size_t hours = scan.at();
    if (!scan.one_of(":") || !scan.number(2, 2)) scan.back_to(hours);
    return;
  }
  scan.back_to(before);
}

/// 2026-11-20, 2026-11-20T11:05:15.123Z, 11:05:15
std::size_t numeric_time(std::string_view text) {
  Scan scan(text);
  if (scan_clock(scan, /*seconds_needed=*/true)) return scan.at_word_end() ? scan.at() : 0;
  if (!scan.number(4, 4) || !scan.one_of("-/") || !scan.number(2, 2) || !scan.one_of("-/") || !scan.number(2, 2))
    return 0;
  const std::size_t date = scan.at();
  if (scan.one_of("T ") && scan_clock(scan, /*seconds_needed=*/false)) {
    scan_zone(scan);
  } else {
    scan.back_to(date);
  }
  return scan.at_word_end() ? scan.at() : 0;
}

bool scan_name(Scan& scan, std::span<const std::string_view> names) {
  return std::ranges::any_of(names, [&](std::string_view name) { return scan.word(name); });
}

/// "Fri Nov 20 11:05:15 UTC 2026", "Nov 20 11:05", "Fri, 20 Nov 2026 11:05:15 GMT"
std::size_t worded_time(std::string_view text) {
  static constexpr std::array<std::string_view, 7> kDays{"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
  static constexpr std::array<std::string_view, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                            "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  Scan scan(text);
  if (scan_name(scan, kDays)) {
    (void)scan.one_of(",");
    if (!scan.one_of(" ")) return 0;
  }
  const bool day_first = scan.number(1, 2);
  if (day_first && !scan.one_of(" ")) return 0;
  if (!scan_name(scan, kMonths) || !scan.one_of(" ")) return 0;
  if (!day_first) {
    (void)scan.one_of(" ");
    if (!scan.number(1, 2)) return 0;
  }
  std::size_t end = scan.at();
  // Up to three more words that belong to it: year, time of day, zone, year.
  for (int word = 0; word < 3; ++word) {
    scan.back_to(end);
    if (!scan.one_of(" ")) break;
    (void)scan.one_of(" ");
    if (!scan_clock(scan, /*seconds_needed=*/false) && !scan.word("UTC") && !scan.word("GMT") && !scan.number(4, 4))
      break;
    end = scan.at();
  }
  scan.back_to(end);
  return scan.at_word_end() ? end : 0;
}

std::size_t uuid_or_name(std::string_view text) {
  constexpr std::size_t kUuid = 36;
  if (text.size() >= kUuid && base::is_uuid(text.substr(0, kUuid)) && (text.size() == kUuid || !is_word(text[kUuid]))) {
    return kUuid;
  }
  std::size_t end = 0;
  while (end < text.size() && (is_word(text[end]) || text[end] == '-')) ++end;
  const std::string_view word = text.substr(0, end);
  const bool hex = std::ranges::all_of(word, [](char c) { return std::isxdigit(static_cast<unsigned char>(c)) != 0; });
  if (hex && (end == 40 || end == 64)) return end;
  constexpr std::array<std::string_view, 8> kLeads{"call_", "toolu_", "resp_",     "msg_",
                                                   "rs_",   "fc_",    "chatcmpl-", "req_"};
  constexpr std::size_t kShortest = 6;
  for (const std::string_view lead : kLeads) {
    if (word.starts_with(lead) && word.size() >= lead.size() + kShortest &&
        std::ranges::any_of(word.substr(lead.size()), is_digit)) {
      return end;
    }
  }
  return 0;
}

std::size_t duration(std::string_view text) {
  constexpr std::array<std::string_view, 16> kUnits{
      "milliseconds", "millisecond", "microseconds", "seconds", "second", "minutes", "minute", "secs",
      "sec",          "mins",        "min",          "ms",      "us",     "ns",      "s",      "m"};
  Scan scan(text);
  std::size_t end = 0;
  while (scan.number(1, 12)) {
    scan.fraction();
    (void)scan.one_of(" ");
    const std::size_t unit = scan.at();
    const bool found = std::ranges::any_of(kUnits, [&](std::string_view name) {
      scan.back_to(unit);
      if (!scan.word(name)) return false;
      return scan.at_word_end() || (name.size() == 1 && is_digit(text[scan.at()]));
    });
    if (!found) break;
    end = scan.at();
  }
  scan.back_to(end);
  return scan.at_word_end() ? end : 0;
}

struct Rules {
  bool paths = false;
  bool times = false;
  bool ids = false;
  bool durations = false;
};

struct Match {
  std::size_t length;
  std::string_view stands_in;
};

std::optional<Match> match_path(std::string_view text, const Places& places) {
  const auto stands = [&](const std::string& folder) {
    return folder.size() > 1 && text.starts_with(folder) &&
           (text.size() == folder.size() || !is_word(text[folder.size()]));
  };
  if (stands(places.cwd)) return Match{places.cwd.size(), "{cwd}"};
  if (!stands(places.temp_dir)) return std::nullopt;
  std::size_t end = places.temp_dir.size();
  if (end < text.size() && text[end] == '/') {
    ++end;
    while (end < text.size() && (is_word(text[end]) || text[end] == '-' || text[end] == '.')) ++end;
  }
  return Match{end, "{tmp}"};
}

std::optional<Match> match_word(std::string_view text, const Rules& rules) {
  if (rules.ids) {
    if (const std::size_t length = uuid_or_name(text)) return Match{length, "{id}"};
  }
  if (rules.times) {
    if (const std::size_t length = numeric_time(text)) return Match{length, "{time}"};
    if (const std::size_t length = worded_time(text)) return Match{length, "{time}"};
  }
  if (rules.durations) {
    if (const std::size_t length = duration(text)) return Match{length, "{duration}"};
  }
  return std::nullopt;
}

}  // namespace

std::vector<std::string> all_normalisers() { return {"paths", "times", "ids", "durations"}; }

std::string normalise(std::string_view text, const Places& places, const std::vector<std::string>& normalisers) {
  const auto uses = [&](std::string_view name) { return std::ranges::find(normalisers, name) != normalisers.end(); };
  const Rules rules{uses("paths"), uses("times"), uses("ids"), uses("durations")};
  std::string out;
  out.reserve(text.size());
  bool in_word = false;
  std::size_t at = 0;
  while (at < text.size()) {
    const std::string_view rest = text.substr(at);
    std::optional<Match> match;
    if (rules.paths && text[at] == '/' && !in_word) match = match_path(rest, places);
    if (!match && !in_word && is_word(text[at])) match = match_word(rest, rules);
    if (match) {
      out += match->stands_in;
      at += match->length;
      in_word = is_word(text[at - 1]);
      continue;
    }
    in_word = is_word(text[at]);
    out += text[at++];
  }
  return out;
}

base::Json normalise_strings(base::Json value, const Places& places, const std::vector<std::string>& normalisers) {
  if (value.is_string()) return normalise(value.get_ref<const std::string&>(), places, normalisers);
  if (value.is_structured()) {
    for (base::Json& member : value) member = normalise_strings(std::move(member), places, normalisers);
  }
  return value;
}

}  // namespace lathe::providers::cassette
