#include "lathe/egress/idna.h"

#include <fmt/format.h>

#include <array>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace lathe::egress {

using base::Error;
using base::Result;

namespace {

// RFC 3492 section 5.
constexpr std::uint32_t kBase = 36;
constexpr std::uint32_t kTMin = 1;
constexpr std::uint32_t kTMax = 26;
constexpr std::uint32_t kSkew = 38;
constexpr std::uint32_t kDamp = 700;
constexpr std::uint32_t kInitialBias = 72;
constexpr std::uint32_t kInitialN = 128;
constexpr std::uint32_t kMaxCodePoint = 0x10ffff;

std::uint32_t adapt(std::uint32_t delta, std::uint32_t points, bool first) {
  delta = first ? delta / kDamp : delta / 2;
  delta += delta / points;
  std::uint32_t k = 0;
  while (delta > (kBase - kTMin) * kTMax / 2) {
    delta /= kBase - kTMin;
    k += kBase;
  }
  return k + (kBase - kTMin + 1) * delta / (delta + kSkew);
}

std::optional<std::uint32_t> digit_of(char c) {
  if (c >= 'a' && c <= 'z') return static_cast<std::uint32_t>(c - 'a');
  if (c >= '0' && c <= '9') return static_cast<std::uint32_t>(c - '0') + 26;
  return std::nullopt;
}

/// One generalised variable-length integer of RFC 3492 section 6.2, taken off the front of `text`.
std::optional<std::uint32_t> take_delta(std::string_view& text, std::uint32_t bias) {
  std::uint64_t value = 0;
  std::uint64_t weight = 1;
  for (std::uint32_t k = kBase;; k += kBase) {
    if (text.empty()) return std::nullopt;
    const auto digit = digit_of(text.front());
    text.remove_prefix(1);
    if (!digit) return std::nullopt;
    value += *digit * weight;
    if (value > UINT32_MAX) return std::nullopt;
    const std::uint32_t threshold = k <= bias ? kTMin : k >= bias + kTMax ? kTMax : k - bias;
    if (*digit < threshold) return static_cast<std::uint32_t>(value);
    weight *= kBase - threshold;
    if (weight > UINT32_MAX) return std::nullopt;
  }
}

/// The code points of what follows "xn--"; nothing when it is not punycode.
std::optional<std::vector<std::uint32_t>> decode_punycode(std::string_view text) {
  std::vector<std::uint32_t> points;
  if (const std::size_t dash = text.rfind('-'); dash != std::string_view::npos) {
    for (const char c : text.substr(0, dash)) points.push_back(static_cast<unsigned char>(c));
    text.remove_prefix(dash + 1);
  }
  std::uint64_t n = kInitialN;
  std::uint64_t i = 0;
  std::uint32_t bias = kInitialBias;
  while (!text.empty()) {
    const auto delta = take_delta(text, bias);
    if (!delta) return std::nullopt;
    i += *delta;
    const std::uint64_t count = points.size() + 1;
    bias = adapt(*delta, static_cast<std::uint32_t>(count), i == *delta);
    n += i / count;
    i %= count;
    if (n > kMaxCodePoint || (n >= 0xd800 && n <= 0xdfff)) return std::nullopt;
    points.insert(points.begin() + static_cast<std::ptrdiff_t>(i), static_cast<std::uint32_t>(n));
    ++i;
  }
  return points;
}

struct ScriptRange {
  std::uint32_t first;
  std::uint32_t last;
  std::string_view script;
};
/// Letters of the scripts that domain names are written in (Unicode Scripts.txt, by block). What stands in none of them
/// is refused. "" goes with every script.
constexpr std::array kScripts = {
    ScriptRange{'-', '-', ""},
    ScriptRange{'0', '9', ""},
    ScriptRange{'a', 'z', "Latin"},
    ScriptRange{0xb7, 0xb7, "Latin"},
    ScriptRange{0xdf, 0x24f, "Latin"},
    ScriptRange{0x300, 0x36f, ""},
    ScriptRange{0x370, 0x3ff, "Greek"},
    ScriptRange{0x400, 0x52f, "Cyrillic"},
    ScriptRange{0x531, 0x58f, "Armenian"},
    ScriptRange{0x591, 0x5f4, "Hebrew"},
    ScriptRange{0x620, 0x6ff, "Arabic"},
    ScriptRange{0x750, 0x77f, "Arabic"},
    ScriptRange{0x900, 0x97f, "Devanagari"},
    ScriptRange{0x980, 0x9ff, "Bengali"},
    ScriptRange{0xa01, 0xa7f, "Gurmukhi"},
    ScriptRange{0xa81, 0xaff, "Gujarati"},
    ScriptRange{0xb01, 0xb7f, "Oriya"},
    ScriptRange{0xb80, 0xbff, "Tamil"},
    ScriptRange{0xc00, 0xc7f, "Telugu"},
    ScriptRange{0xc80, 0xcff, "Kannada"},
    ScriptRange{0xd00, 0xd7f, "Malayalam"},
    ScriptRange{0xd80, 0xdff, "Sinhala"},
    ScriptRange{0xe01, 0xe5b, "Thai"},
    ScriptRange{0xe80, 0xeff, "Lao"},
    ScriptRange{0x1000, 0x109f, "Myanmar"},
    ScriptRange{0x10a0, 0x10ff, "Georgian"},
    ScriptRange{0x1100, 0x11ff, "Hangul"},
    ScriptRange{0x1200, 0x137f, "Ethiopic"},
    ScriptRange{0x1780, 0x17ff, "Khmer"},
    ScriptRange{0x1e00, 0x1eff, "Latin"},
    ScriptRange{0x1f00, 0x1fff, "Greek"},
    ScriptRange{0x3005, 0x3007, "Han"},
    ScriptRange{0x3041, 0x309f, "Hiragana"},
    ScriptRange{0x30a0, 0x30ff, "Katakana"},
    ScriptRange{0x3105, 0x312f, "Bopomofo"},
    ScriptRange{0x3400, 0x4dbf, "Han"},
    ScriptRange{0x4e00, 0x9fff, "Han"},
    ScriptRange{0xac00, 0xd7a3, "Hangul"},
    ScriptRange{0x20000, 0x3134f, "Han"},
};

std::optional<std::string_view> script_of(std::uint32_t point) {
  for (const ScriptRange& range : kScripts) {
    if (point >= range.first && point <= range.last) return range.script;
  }
  return std::nullopt;
}

/// Scripts that one language writes together (UTS 39, "highly restrictive", without Latin).
bool written_together(const std::set<std::string_view>& scripts) {
  static const std::array<std::set<std::string_view>, 3> kTogether = {
      {{"Han", "Hiragana", "Katakana"}, {"Han", "Hangul"}, {"Han", "Bopomofo"}}};
  for (const auto& allowed : kTogether) {
    bool all = true;
    for (const std::string_view script : scripts) all = all && allowed.contains(script);
    if (all) return true;
  }
  return scripts.size() <= 1;
}

}  // namespace

Result<void> check_international_label(std::string_view label) {
  const auto wrong = [&](std::string what) {
    return Error{.code = base::codes::kInvalid,
                 .message = fmt::format("\"{}\" {}", label, what),
                 .hint = "check that this is the name that was meant"};
  };
  const auto points = decode_punycode(label.substr(4));
  if (!points) return wrong("does not decode to a name");
  std::set<std::string_view> scripts;
  bool international = false;
  for (const std::uint32_t point : *points) {
    const auto script = script_of(point);
    if (!script) return wrong(fmt::format("holds U+{:04X}, which names are not written with", point));
    if (!script->empty()) scripts.insert(*script);
    international = international || point >= 128;
  }
  if (!international) return wrong("stands for a plain name");
  if (!written_together(scripts)) {
    return wrong(fmt::format("mixes letters of {}", fmt::join(scripts, " and ")));
  }
  return {};
}

}  // namespace lathe::egress
