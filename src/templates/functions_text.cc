#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "lathe/base/strings.h"
#include "lathe/base/utf8.h"
#include "lathe/templates/functions.h"
#include "lathe/templates/letters.h"

// Sprig's functions of one text: its ends, its letters, its parts. Counts are bytes, as in Sprig; a cut that would
// fall into a character falls before it.

namespace lathe::templates {

using base::Result;

namespace {

Result<Value> trim_call(Heap&, Arguments arguments) {
  std::string_view text = arguments[0].text;
  while (!text.empty()) {
    const Letter first = letter_at(text, 0);
    if (!is_space(first.code)) break;
    text.remove_prefix(first.bytes);
  }
  std::size_t end = 0;
  for (std::size_t at = 0; at < text.size();) {
    const Letter letter = letter_at(text, at);
    at += letter.bytes;
    if (!is_space(letter.code)) end = at;
  }
  return text_value(text.substr(0, end));
}

bool holds_letter(std::string_view set, std::string_view letter) { return set.find(letter) != std::string_view::npos; }

std::string_view without_start(std::string_view text, std::string_view set) {
  while (!text.empty()) {
    const std::size_t bytes = letter_at(text, 0).bytes;
    if (!holds_letter(set, text.substr(0, bytes))) break;
    text.remove_prefix(bytes);
  }
  return text;
}

std::string_view without_end(std::string_view text, std::string_view set) {
  std::size_t end = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t bytes = letter_at(text, at).bytes;
    if (!holds_letter(set, text.substr(at, bytes))) end = at + bytes;
    at += bytes;
  }
  return text.substr(0, end);
}

Result<Value> trim_all_call(Heap& heap, Arguments arguments) {
  const std::string_view set = arguments[0].text;
  if (!heap.spend(arguments[1].text.size() * (set.size() / 64))) return Value{};
  return text_value(without_end(without_start(arguments[1].text, set), set));
}

Result<Value> trim_prefix_call(Heap&, Arguments arguments) {
  std::string_view text = arguments[1].text;
  if (text.starts_with(arguments[0].text)) text.remove_prefix(arguments[0].text.size());
  return text_value(text);
}

Result<Value> trim_suffix_call(Heap&, Arguments arguments) {
  std::string_view text = arguments[1].text;
  if (text.ends_with(arguments[0].text)) text.remove_suffix(arguments[0].text.size());
  return text_value(text);
}

Result<Value> upper_call(Heap& heap, Arguments arguments) {
  return heap.text(each_letter(arguments[0].text, upper_of));
}

Result<Value> lower_call(Heap& heap, Arguments arguments) {
  return heap.text(each_letter(arguments[0].text, lower_of));
}

/// `change` done to the first letter of each word; what is between words is what `between` says.
std::string word_starts(std::string_view text, char32_t (*change)(char32_t), bool (*between)(char32_t)) {
  std::string out;
  bool begins = true;
  for (std::size_t at = 0; at < text.size();) {
    const Letter letter = letter_at(text, at);
    if (begins && letter.valid) {
      append_letter(out, change(letter.code));
    } else {
      out += text.substr(at, letter.bytes);
    }
    begins = between(letter.code);
    at += letter.bytes;
  }
  return out;
}

Result<Value> title_call(Heap& heap, Arguments arguments) {
  return heap.text(word_starts(arguments[0].text, upper_of, [](char32_t code) { return !is_word(code); }));
}

Result<Value> untitle_call(Heap& heap, Arguments arguments) {
  return heap.text(word_starts(arguments[0].text, lower_of, is_space));
}

Result<Value> repeat_call(Heap& heap, Arguments arguments) {
  const std::string_view text = arguments[1].text;
  if (arguments[0].whole < 0) return wrong("text cannot be repeated less than no times");
  const auto count = static_cast<std::size_t>(arguments[0].whole);
  if (text.empty() || count == 0) return text_value("");
  if (count > std::string::npos / 2 / text.size() || !heap.fits(count * text.size())) {
    heap.fits(std::string::npos);
    return Value{};
  }
  std::string out;
  out.reserve(count * text.size());
  for (std::size_t i = 0; i < count; ++i) out += text;
  return heap.text(std::move(out));
}

/// From there on, without the rest of a character that begins before.
std::string_view from_byte(std::string_view text, std::size_t at) { return base::utf8_suffix(text, text.size() - at); }

Result<Value> substr_call(Heap&, Arguments arguments) {
  const std::string_view text = arguments[2].text;
  const auto size = static_cast<std::int64_t>(text.size());
  const std::int64_t start = std::max<std::int64_t>(arguments[0].whole, 0);
  const bool open = arguments[0].whole >= 0 && arguments[1].whole < 0;
  const std::int64_t end = open ? size : std::min(arguments[1].whole, size);
  if (start > end) return wrong(fmt::format("nothing lies between {} and {} of {} bytes", start, end, size));
  const std::string_view head = base::utf8_prefix(text, static_cast<std::size_t>(end));
  return text_value(from_byte(head, std::min(static_cast<std::size_t>(start), head.size())));
}

Result<Value> trunc_call(Heap&, Arguments arguments) {
  const std::string_view text = arguments[1].text;
  const auto size = static_cast<std::int64_t>(text.size());
  const std::int64_t count = arguments[0].whole;
  if (count >= 0) return text_value(base::utf8_prefix(text, static_cast<std::size_t>(std::min(count, size))));
  if (count <= -size) return text_value(text);
  return text_value(base::utf8_suffix(text, static_cast<std::size_t>(-count)));
}

Result<Value> abbrev_call(Heap& heap, Arguments arguments) {
  constexpr std::int64_t kLeast = 4;
  const std::string_view text = arguments[1].text;
  const std::int64_t width = arguments[0].whole;
  if (width < kLeast || width >= static_cast<std::int64_t>(text.size())) return text_value(text);
  return heap.text(std::string(base::utf8_prefix(text, static_cast<std::size_t>(width) - 3)) + "...");
}

Result<Value> nospace_call(Heap& heap, Arguments arguments) {
  const std::string_view text = arguments[0].text;
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const Letter letter = letter_at(text, at);
    if (!is_space(letter.code)) out += text.substr(at, letter.bytes);
    at += letter.bytes;
  }
  return heap.text(std::move(out));
}

Result<Value> contains_call(Heap&, Arguments arguments) {
  return bool_value(arguments[1].text.find(arguments[0].text) != std::string_view::npos);
}

Result<Value> has_prefix_call(Heap&, Arguments arguments) {
  return bool_value(arguments[1].text.starts_with(arguments[0].text));
}

Result<Value> has_suffix_call(Heap&, Arguments arguments) {
  return bool_value(arguments[1].text.ends_with(arguments[0].text));
}

/// In Go nothing stands before and behind each character.
std::string between_letters(std::string_view text, std::string_view with) {
  std::string out(with);
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t bytes = letter_at(text, at).bytes;
    out += text.substr(at, bytes);
    out += with;
    at += bytes;
  }
  return out;
}

Result<Value> replace_call(Heap& heap, Arguments arguments) {
  const std::string_view from = arguments[0].text;
  const std::string_view to = arguments[1].text;
  const std::string_view text = arguments[2].text;
  if (from.empty()) {
    if (!to.empty() && !heap.fits((text.size() + 1) * (to.size() + 1))) return Value{};
    return heap.text(between_letters(text, to));
  }
  std::string out;
  std::size_t at = 0;
  for (std::size_t found = text.find(from); found != std::string_view::npos; found = text.find(from, at)) {
    out += text.substr(at, found - at);
    out += to;
    at = found + from.size();
    if (!heap.fits(out.size())) return Value{};
  }
  out += text.substr(at);
  return heap.text(std::move(out));
}

constexpr auto kTexts = std::to_array<Function>({
    {"trim", "s", trim_call},
    {"trimAll", "ss", trim_all_call},
    {"trimPrefix", "ss", trim_prefix_call},
    {"trimSuffix", "ss", trim_suffix_call},
    {"upper", "s", upper_call},
    {"lower", "s", lower_call},
    {"title", "s", title_call},
    {"untitle", "s", untitle_call},
    {"repeat", "is", repeat_call},
    {"substr", "iis", substr_call},
    {"trunc", "is", trunc_call},
    {"abbrev", "is", abbrev_call},
    {"nospace", "s", nospace_call},
    {"contains", "ss", contains_call},
    {"hasPrefix", "ss", has_prefix_call},
    {"hasSuffix", "ss", has_suffix_call},
    {"replace", "sss", replace_call},
});

}  // namespace

std::span<const Function> text_functions() { return kTexts; }

}  // namespace lathe::templates
