#include "lathe/cli/term/style.h"

#include <algorithm>

#include "lathe/base/strings.h"
#include "lathe/base/utf8.h"

namespace lathe::cli {

namespace {

/// Length of the escape sequence (CSI … letter) at the start of `text`, or 0.
std::size_t escape_length(std::string_view text) {
  if (!text.starts_with("\x1b[")) return 0;
  for (std::size_t i = 2; i < text.size(); ++i) {
    if (text[i] >= '@' && text[i] <= '~') return i + 1;
  }
  return text.size();
}

/// The end of a text, more of it than a screen shows. It begins at a multiple of kWindow, so that its rows do not move
/// with every letter that comes.
std::string_view end_of(std::string_view text) {
  constexpr std::size_t kWindow = 16 * 1024;
  if (text.size() <= 2 * kWindow) return text;
  const std::size_t start = (text.size() / kWindow - 1) * kWindow;
  return base::utf8_suffix(text, text.size() - start);
}

/// How many bytes of the line, at least one letter, make its first row.
std::size_t row_length(std::string_view line, std::size_t width) {
  std::size_t column = 0;
  std::size_t word = 0;  // where the last one begins that follows a space
  std::size_t next = 0;
  for (std::size_t at = 0; at < line.size(); at = next) {
    next = at + 1;
    while (next < line.size() && (static_cast<unsigned char>(line[next]) & 0xc0) == 0x80) ++next;
    column += base::display_width(line.substr(at, next - at));
    if (line[at] == ' ') word = next;
    if (column <= width) continue;
    if (word > 0) return word;
    return at > 0 ? at : next;
  }
  return line.size();
}

}  // namespace

std::string_view Style::begin(Ink ink) const {
  if (!on) return "";
  switch (ink) {
    case Ink::kBold:
      return "\x1b[1m";
    case Ink::kDim:
      return "\x1b[2m";
    case Ink::kItalic:
      return "\x1b[3m";
    case Ink::kUnderline:
      return "\x1b[4m";
    case Ink::kRed:
      return "\x1b[31m";
    case Ink::kGreen:
      return "\x1b[32m";
    case Ink::kYellow:
      return "\x1b[33m";
    case Ink::kBlue:
      return "\x1b[34m";
    case Ink::kMagenta:
      return "\x1b[35m";
    case Ink::kCyan:
      return "\x1b[36m";
  }
  return "";
}

std::string_view Style::end(Ink ink) const {
  if (!on) return "";
  switch (ink) {
    case Ink::kBold:
    case Ink::kDim:
      return "\x1b[22m";
    case Ink::kItalic:
      return "\x1b[23m";
    case Ink::kUnderline:
      return "\x1b[24m";
    case Ink::kRed:
    case Ink::kGreen:
    case Ink::kYellow:
    case Ink::kBlue:
    case Ink::kMagenta:
    case Ink::kCyan:
      return "\x1b[39m";
  }
  return "";
}

std::string Style::paint(Ink ink, std::string_view text) const {
  std::string out(begin(ink));
  out += text;
  out += end(ink);
  return out;
}

std::size_t visible_width(std::string_view text) {
  std::string plain;
  while (!text.empty()) {
    if (const std::size_t escape = escape_length(text); escape > 0) {
      text.remove_prefix(escape);
      continue;
    }
    const std::size_t next = std::min(text.size(), std::max<std::size_t>(1, text.find('\x1b', 1)));
    plain += text.substr(0, next);
    text.remove_prefix(next);
  }
  return base::display_width(plain);
}

std::string wrap(std::string_view text, std::size_t width, std::string_view first, std::string_view rest) {
  std::string out;
  std::string_view indent = first;
  for (const std::string_view line : base::split(text, '\n')) {
    if (!out.empty()) out += '\n';
    out += indent;
    std::size_t column = visible_width(indent);
    const std::size_t start = column;
    indent = rest;
    for (const std::string_view word : base::split(line, ' ')) {
      const std::size_t wide = visible_width(word);
      if (column > start && column + 1 + wide > width) {
        out += '\n';
        out += rest;
        column = visible_width(rest);
      } else if (column > start) {
        out += ' ';
        ++column;
      }
      out += word;
      column += wide;
    }
  }
  return out;
}

std::string elide(std::string_view text, std::size_t width) {
  if (base::display_width(text) <= width) return std::string(text);
  if (width == 0) return "";
  std::string_view kept = base::utf8_prefix(text, text.size());
  while (base::display_width(kept) > width - 1) kept = base::utf8_prefix(kept, kept.size() - 1);
  return std::string(kept) + "…";
}

std::vector<std::string> last_rows(std::string_view text, std::size_t width, std::size_t count) {
  std::string clean = base::replace_all(std::string(end_of(text)), "\r\n", "\n");
  if (clean.ends_with('\r')) clean.pop_back();
  clean = base::replace_all(base::terminal_safe(clean), "\t", "    ");
  std::vector<std::string> rows;
  for (std::string_view line : base::split_lines(clean)) {
    do {
      const std::size_t length = row_length(line, width);
      rows.emplace_back(base::trim_right(line.substr(0, length)));
      line.remove_prefix(length);
    } while (!line.empty());
  }
  if (rows.size() > count) rows.erase(rows.begin(), rows.end() - static_cast<std::ptrdiff_t>(count));
  return rows;
}

}  // namespace lathe::cli
