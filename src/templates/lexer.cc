#include "lathe/templates/lexer.h"

#include <fmt/format.h>

#include <charconv>
#include <optional>

#include "lathe/base/utf8.h"
#include "lathe/templates/constants.h"

namespace lathe::templates {
namespace {

/// Words that are constants of their own.
bool is_bool(std::string_view word) { return word == "true" || word == "false"; }

class ActionReader {
 public:
  ActionReader(std::string_view text, Offset begin, std::vector<Fault>& faults)
      : text_(text), at_(begin), faults_(faults) {}

  Action read() {
    while (!done_) next();
    Token end{.kind = Token::Kind::kEnd, .at = std::min(at_, text_.size())};
    action_.tokens.push_back(std::move(end));
    if (action_.broken || action_.open) skip_to_end();
    return std::move(action_);
  }

 private:
  [[nodiscard]] bool here(std::string_view what) const { return text_.substr(at_).starts_with(what); }

  void next() {
    const Offset before = at_;
    while (at_ < text_.size() && is_blank(text_[at_])) ++at_;
    const bool spaced = at_ > before || action_.tokens.empty();
    if (at_ == text_.size()) {
      action_.open = done_ = true;
    } else if (here("}}")) {
      finish(2);
    } else if (at_ > before && here("-}}")) {
      action_.trims_right = true;
      finish(3);
    } else {
      token(spaced);
    }
  }

  void finish(std::size_t marker) {
    action_.end = at_ + marker;
    done_ = true;
  }

  void token(bool spaced) {
    const char c = text_[at_];
    const bool digit_follows = at_ + 1 < text_.size() && text_[at_ + 1] >= '0' && text_[at_ + 1] <= '9';
    if ((c >= '0' && c <= '9') || ((c == '.' || c == '+' || c == '-') && digit_follows) ||
        ((c == '+' || c == '-') && at_ + 1 < text_.size() && text_[at_ + 1] == '.')) {
      number(spaced);
    } else if (c == '"' || c == '`' || c == '\'') {
      quoted(spaced);
    } else if (c == '.' || c == '$' || is_name_byte(c)) {
      name(spaced);
    } else {
      mark(spaced);
    }
  }

  void add(Token::Kind kind, std::size_t size, bool spaced) {
    action_.tokens.push_back({.kind = kind, .at = at_, .spaced = spaced, .word = text_.substr(at_, size)});
    at_ += size;
  }

  void mark(bool spaced) {
    if (here(":=")) return add(Token::Kind::kDeclare, 2, spaced);
    switch (text_[at_]) {
      case '=':
        return add(Token::Kind::kAssign, 1, spaced);
      case '|':
        return add(Token::Kind::kPipe, 1, spaced);
      case ',':
        return add(Token::Kind::kComma, 1, spaced);
      case '(':
        return add(Token::Kind::kOpen, 1, spaced);
      case ')':
        return add(Token::Kind::kClose, 1, spaced);
      default:
        break;
    }
    std::string hint;
    if (here("/*")) hint = "a comment begins right behind the braces: {{/* … */}}";
    if (here("{{")) hint = "an action cannot stand in another one";
    fail(at_, fmt::format("\"{}\" has no meaning here", printable_byte(text_[at_])), std::move(hint));
  }

  static std::string printable_byte(char c) {
    return c >= ' ' && c < 0x7f ? std::string(1, c) : fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
  }

  void name(bool spaced) {
    const char first = text_[at_];
    Offset end = at_ + 1;
    while (end < text_.size() && is_name_byte(text_[end])) ++end;
    const std::string_view whole = text_.substr(at_, end - at_);
    if (first == '.') {
      action_.tokens.push_back({.kind = whole.size() == 1 ? Token::Kind::kDot : Token::Kind::kField,
                                .at = at_,
                                .spaced = spaced,
                                .word = whole.substr(1)});
      at_ = end;
    } else if (first == '$') {
      add(Token::Kind::kVariable, whole.size(), spaced);
    } else if (is_bool(whole)) {
      add(Token::Kind::kBool, whole.size(), spaced);
      action_.tokens.back().whole = whole == "true" ? 1 : 0;
    } else {
      add(whole == "nil" ? Token::Kind::kNil : Token::Kind::kWord, whole.size(), spaced);
    }
  }

  void number(bool spaced) {
    Offset end = at_ + 1;
    while (end < text_.size()) {
      const char c = text_[end];
      const bool sign = (c == '+' || c == '-') && (text_[end - 1] == 'e' || text_[end - 1] == 'E');
      if (!is_name_byte(c) && c != '.' && !(sign && !is_hex(text_.substr(at_)))) break;
      ++end;
    }
    const std::string_view word = text_.substr(at_, end - at_);
    const std::optional<Number> read = number_constant(word);
    if (!read) return fail(at_, fmt::format("\"{}\" is no number", base::utf8_prefix(word, 60)));
    add(read->is_whole ? Token::Kind::kInt : Token::Kind::kFloat, word.size(), spaced);
    action_.tokens.back().whole = read->whole;
    action_.tokens.back().real = read->real;
  }

  static bool is_hex(std::string_view word) {
    if (word.starts_with('-') || word.starts_with('+')) word.remove_prefix(1);
    return word.starts_with("0x") || word.starts_with("0X");
  }

  void quoted(bool spaced) {
    const Quoted read = quoted_constant(text_.substr(at_));
    if (!read.fault.empty()) return fail(at_ + read.fault_at, read.fault);
    const bool character = text_[at_] == '\'';
    add(character ? Token::Kind::kInt : Token::Kind::kText, read.bytes, spaced);
    action_.tokens.back().text = read.text;
    action_.tokens.back().whole = static_cast<std::int64_t>(read.character);
  }

  void fail(Offset at, std::string message, std::string hint = "") {
    faults_.push_back({.at = at, .message = std::move(message), .hint = std::move(hint)});
    action_.broken = done_ = true;
  }

  void skip_to_end() {
    const std::size_t close = text_.find("}}", at_);
    action_.open = close == std::string_view::npos;
    action_.end = action_.open ? text_.size() : close + 2;
    action_.trims_right = false;
  }

  std::string_view text_;
  Offset at_;
  std::vector<Fault>& faults_;
  Action action_;
  bool done_ = false;
};

}  // namespace

Action read_action(std::string_view text, Offset begin, std::vector<Fault>& faults) {
  return ActionReader(text, begin, faults).read();
}

}  // namespace lathe::templates
