#include "lathe/cli/render/answer_text.h"

#include <utility>

#include "lathe/base/utf8.h"

namespace lathe::cli {

/// One or more whole blocks, rendered; a blank line stands between blocks.
std::string AnswerText::render(std::string_view blocks) {
  std::string text = render_markdown(blocks, *markdown_);
  if (text.empty()) return text;
  return (std::exchange(any_, true) ? "\n" : "") + text;
}

/// Raw text is data for pipes and stays as it is; only what goes to a terminal is cleaned.
std::string AnswerText::show(std::string_view text) {
  if (markdown_) return render(blocks_.add(text));
  return plain_ == Plain::kSafe ? base::terminal_safe(text) : std::string(text);
}

/// Everything that is still held back, and the end of the line.
std::string AnswerText::end_block() {
  if (markdown_) return render(blocks_.finish());
  return told_.empty() || told_.ends_with('\n') ? "" : "\n";
}

std::string AnswerText::unfinished() const {
  const std::string_view pending = blocks_.pending();
  // Where render() will have it: a blank line below the block before.
  return (any_ && !pending.empty() ? "\n" : "") + std::string(pending);
}

std::string AnswerText::begin(std::string_view item) {
  if (item == item_) return "";
  std::string out = item_.empty() ? "" : end_block();
  item_ = item;
  received_.clear();
  told_.clear();
  any_ = false;
  return out;
}

std::string AnswerText::tell_received() {
  std::string out;
  if (told_.starts_with(received_)) return out;
  if (!received_.starts_with(told_)) {
    out = end_block();
    told_.clear();
    void_ = true;
  }
  out += show(std::string_view(received_).substr(told_.size()));
  told_ = received_;
  return out;
}

std::string AnswerText::delta(std::string_view item, std::int64_t offset, std::string_view text) {
  std::string out = begin(item);
  const auto at = static_cast<std::size_t>(offset);
  if (at > received_.size()) return out;  // a gap: the whole message fills it
  received_.resize(at);
  received_ += text;
  return out + tell_received();
}

void AnswerText::reset(std::string_view item) {
  if (item == item_) received_.clear();
}

std::string AnswerText::complete(std::string_view item, std::string_view text) {
  std::string out = begin(item);
  // A message that was cut short and ends before what was told adds nothing.
  received_ = text;
  out += tell_received();
  out += end_block();
  item_.clear();
  received_.clear();
  told_.clear();
  return out;
}

}  // namespace lathe::cli
