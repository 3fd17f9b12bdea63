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

}  // namespace lathe::cli
