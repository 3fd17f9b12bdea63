#include "lathe/cli/term/line_editor.h"

#include <algorithm>
#include <utility>

#include "lathe/base/strings.h"
#include "lathe/base/utf8.h"

namespace lathe::cli {

namespace {

constexpr std::string_view kBlock = "\"\"\"";
constexpr std::string_view kPasteBegin = "\x1b[200~";
constexpr std::string_view kPasteEnd = "\x1b[201~";

std::size_t count_of(std::string_view text, std::string_view part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != std::string_view::npos; at = text.find(part, at + part.size())) ++count;
  return count;
}

bool is_continuation(char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; }
bool is_word(char c) { return c != ' ' && c != '\n' && c != '\t'; }

}  // namespace

bool needs_more(std::string_view text) { return text.ends_with('\\') || count_of(text, kBlock) % 2 == 1; }

std::string finish_message(std::string_view text) {
  std::string out = base::replace_all(std::string(text), "\\\n", "\n");
  return std::string(base::trim(base::replace_all(std::move(out), kBlock, "")));
}

LineEditor::Outcome LineEditor::feed(std::string_view bytes) {
  input_ += bytes;
  while (!input_.empty()) {
    switch (take_key()) {
      case Step::kNeedMore:
        return Outcome::kMore;
      case Step::kTaken:
        break;
      case Step::kSubmit:
        return Outcome::kSubmit;
      case Step::kEnd:
        return Outcome::kEnd;
    }
  }
  return Outcome::kMore;
}

LineEditor::Step LineEditor::take_key() {
  if (input_.starts_with(kPasteBegin)) return take_paste();
  if (input_[0] == '\x1b') return take_escape();
  const auto first = static_cast<unsigned char>(input_[0]);
  if (first < 0x20 || first == 0x7f) {
    const char key = input_[0];
    input_.erase(0, 1);
    return take_control(key);
  }
  // All plain characters at once, up to the next control key.
  const auto end = std::ranges::find_if(input_, [](unsigned char c) { return c < 0x20 || c == 0x7f; });
  auto length = static_cast<std::size_t>(end - input_.begin());
  if (length == input_.size()) length -= base::utf8_incomplete_tail(input_);
  if (length == 0) return Step::kNeedMore;
  insert(std::string_view(input_).substr(0, length));
  input_.erase(0, length);
  return Step::kTaken;
}

LineEditor::Step LineEditor::take_paste() {
  const std::size_t end = input_.find(kPasteEnd);
  if (end == std::string::npos) return Step::kNeedMore;
  const std::string pasted = input_.substr(kPasteBegin.size(), end - kPasteBegin.size());
  insert(base::replace_all(base::replace_all(pasted, "\r\n", "\n"), "\r", "\n"));
  input_.erase(0, end + kPasteEnd.size());
  return Step::kTaken;
}

/// A sequence ends at its first letter or "~"; Alt with a key is two bytes.
LineEditor::Step LineEditor::take_escape() {
  if (input_.size() < 2) return Step::kNeedMore;
  std::size_t length = 2;
  if (input_[1] == '[' || input_[1] == 'O') {
    while (length < input_.size() && (input_[length] < '@' || input_[length] > '~')) ++length;
    if (length == input_.size()) return Step::kNeedMore;
    ++length;
  }
  const std::string sequence = input_.substr(1, length - 1);
  input_.erase(0, length);
  run_sequence(sequence);
  return Step::kTaken;
}

void LineEditor::run_sequence(std::string_view sequence) {
  if (sequence == "[A" || sequence == "OA") return browse(-1);
  if (sequence == "[B" || sequence == "OB") return browse(+1);
  if (sequence == "[D" || sequence == "OD") cursor_ = before(cursor_);
  if (sequence == "[C" || sequence == "OC") cursor_ = after(cursor_);
  if (sequence == "[H" || sequence == "OH" || sequence == "[1~") cursor_ = line_start();
  if (sequence == "[F" || sequence == "OF" || sequence == "[4~") cursor_ = line_end();
  if (sequence == "[3~") erase(cursor_, after(cursor_));
  if (sequence == "b" || sequence == "[1;5D" || sequence == "[1;3D") cursor_ = word_before(cursor_);
  if (sequence == "f" || sequence == "[1;5C" || sequence == "[1;3C") cursor_ = word_after(cursor_);
  if (sequence == "\x7f") erase(word_before(cursor_), cursor_);
  if (sequence == "\r") insert("\n");
}

LineEditor::Step LineEditor::take_control(char key) {
  switch (key) {
    case '\r':
    case '\n':  // typed ahead, while the terminal still made newlines of it
      return enter();
    case '\t':
      insert("  ");
      break;
    case '\x7f':
    case '\b':
      erase(before(cursor_), cursor_);
      break;
    case 'A' - '@':
      cursor_ = line_start();
      break;
    case 'E' - '@':
      cursor_ = line_end();
      break;
    case 'B' - '@':
      cursor_ = before(cursor_);
      break;
    case 'F' - '@':
      cursor_ = after(cursor_);
      break;
    case 'D' - '@':
      if (text_.empty()) return Step::kEnd;
      erase(cursor_, after(cursor_));
      break;
    case 'K' - '@':
      erase(cursor_, line_end());
      break;
    case 'U' - '@':
      erase(line_start(), cursor_);
      break;
    case 'W' - '@':
      erase(word_before(cursor_), cursor_);
      break;
    case 'Y' - '@':
      insert(std::string(killed_));
      break;
    case 'P' - '@':
      browse(-1);
      break;
    case 'N' - '@':
      browse(+1);
      break;
    default:
      break;
  }
  return Step::kTaken;
}

LineEditor::Step LineEditor::enter() {
  if (!needs_more(text_)) return Step::kSubmit;
  cursor_ = text_.size();
  insert("\n");
  return Step::kTaken;
}

void LineEditor::set_text(std::string text) {
  text_ = std::move(text);
  cursor_ = text_.size();
  browsed_ = history_.size();
}

void LineEditor::set_history(std::vector<std::string> history) {
  history_ = std::move(history);
  browsed_ = history_.size();
}

void LineEditor::remember(const std::string& text) {
  if (history_.empty() || history_.back() != text) history_.push_back(text);
  browsed_ = history_.size();
}

void LineEditor::insert(std::string_view text) {
  text_.insert(cursor_, text);
  cursor_ += text.size();
}

void LineEditor::erase(std::size_t from, std::size_t to) {
  if (to - from > 1) killed_ = text_.substr(from, to - from);
  text_.erase(from, to - from);
  cursor_ = from;
}

void LineEditor::browse(int direction) {
  if (direction < 0 ? browsed_ == 0 : browsed_ == history_.size()) return;
  if (browsed_ == history_.size()) draft_ = text_;
  browsed_ = direction < 0 ? browsed_ - 1 : browsed_ + 1;
  text_ = browsed_ == history_.size() ? draft_ : history_[browsed_];
  cursor_ = text_.size();
}

std::size_t LineEditor::before(std::size_t at) const {
  if (at == 0) return 0;
  do --at;
  while (at > 0 && is_continuation(text_[at]));
  return at;
}

std::size_t LineEditor::after(std::size_t at) const {
  if (at == text_.size()) return at;
  do ++at;
  while (at < text_.size() && is_continuation(text_[at]));
  return at;
}

std::size_t LineEditor::word_before(std::size_t at) const {
  while (at > 0 && !is_word(text_[at - 1])) --at;
  while (at > 0 && is_word(text_[at - 1])) --at;
  return at;
}

std::size_t LineEditor::word_after(std::size_t at) const {
  while (at < text_.size() && !is_word(text_[at])) ++at;
  while (at < text_.size() && is_word(text_[at])) ++at;
  return at;
}

std::size_t LineEditor::line_start() const {
  const std::size_t newline = cursor_ == 0 ? std::string::npos : text_.rfind('\n', cursor_ - 1);
  return newline == std::string::npos ? 0 : newline + 1;
}

std::size_t LineEditor::line_end() const { return std::min(text_.find('\n', cursor_), text_.size()); }

InputRows LineEditor::rows(std::string_view prompt, std::size_t columns) const {
  InputRows out{.rows = {std::string(prompt)}};
  std::size_t column = visible_width(prompt);
  for (std::size_t at = 0; at <= text_.size(); at = after(at)) {
    const std::string_view letter = std::string_view(text_).substr(at, after(at) - at);
    const std::string shown = base::terminal_safe(letter);
    const std::size_t width = letter == "\n" ? 0 : base::display_width(shown);
    if (column + width >= columns) {
      out.rows.emplace_back();
      column = 0;
    }
    if (at == cursor_) {
      out.cursor_row = out.rows.size() - 1;
      out.cursor_column = column;
    }
    if (at == text_.size()) break;
    if (letter == "\n") {
      out.rows.emplace_back("  ");
      column = 2;
    } else {
      out.rows.back() += shown;
      column += width;
    }
  }
  return out;
}

}  // namespace lathe::cli
