#include "lathe/tools/patch/line_match.h"

#include <array>
#include <vector>

#include "lathe/base/strings.h"

namespace lathe::tools::patch {
namespace {

enum class Pass { kExact, kTrimmedRight, kTrimmed, kPlain };

struct Replacement {
  std::string_view from;
  char to;
};
/// U+2010 to 2015 and 2212; 2018 to 201B; 201C to 201F; 00A0, 2002 to 200A, 202F, 205F, 3000.
constexpr std::array<Replacement, 28> kTypographic = {{
    {"\u2010", '-'}, {"\u2011", '-'},  {"\u2012", '-'},  {"\u2013", '-'},  {"\u2014", '-'},  {"\u2015", '-'},
    {"\u2212", '-'}, {"\u2018", '\''}, {"\u2019", '\''}, {"\u201A", '\''}, {"\u201B", '\''}, {"\u201C", '"'},
    {"\u201D", '"'}, {"\u201E", '"'},  {"\u201F", '"'},  {"\u00A0", ' '},  {"\u2002", ' '},  {"\u2003", ' '},
    {"\u2004", ' '}, {"\u2005", ' '},  {"\u2006", ' '},  {"\u2007", ' '},  {"\u2008", ' '},  {"\u2009", ' '},
    {"\u200A", ' '}, {"\u202F", ' '},  {"\u205F", ' '},  {"\u3000", ' '},
}};

std::string plain(std::string_view line) {
  std::string out;
  while (!line.empty()) {
    bool replaced = false;
    // All of them begin with one of three bytes.
    if (line[0] == '\xE2' || line[0] == '\xC2' || line[0] == '\xE3') {
      for (const Replacement& replacement : kTypographic) {
        if (!line.starts_with(replacement.from)) continue;
        out += replacement.to;
        line.remove_prefix(replacement.from.size());
        replaced = true;
        break;
      }
    }
    if (replaced) continue;
    out += line[0];
    line.remove_prefix(1);
  }
  return std::string(base::trim(out));
}

std::string as_seen(std::string_view line, Pass pass) {
  switch (pass) {
    case Pass::kExact:
      return std::string(line);
    case Pass::kTrimmedRight:
      return std::string(base::trim_right(line));
    case Pass::kTrimmed:
      return std::string(base::trim(line));
    case Pass::kPlain:
      return plain(line);
  }
  return "";
}

}  // namespace

std::optional<std::size_t> find_lines(std::span<const std::string_view> lines, std::span<const std::string> wanted,
                                      std::size_t start, Where where) {
  if (wanted.empty()) return start;
  if (wanted.size() > lines.size()) return std::nullopt;
  const std::size_t last = lines.size() - wanted.size();
  const std::size_t first = where == Where::kAtEnd ? last : start;
  for (const Pass pass : {Pass::kExact, Pass::kTrimmedRight, Pass::kTrimmed, Pass::kPlain}) {
    std::vector<std::string> pattern;
    for (const std::string& line : wanted) pattern.push_back(as_seen(line, pass));
    for (std::size_t at = first; at <= last; ++at) {
      std::size_t same = 0;
      while (same < pattern.size() && as_seen(lines[at + same], pass) == pattern[same]) ++same;
      if (same == pattern.size()) return at;
    }
  }
  return std::nullopt;
}

}  // namespace lathe::tools::patch
