#include "lathe/tools/common/command_names.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>

namespace lathe::tools::common {

using base::Error;
using base::Result;

namespace {

Error refuse(std::string_view what) {
  return {.code = base::codes::kInvalid,
          .message = "a list of allowed or denied commands is in force, and " + std::string(what),
          .hint = "write plain commands, one after another"};
}

template <std::size_t N>
bool is_one_of(std::string_view word, const std::array<std::string_view, N>& words) {
  return std::ranges::find(words, word) != words.end();
}

/// After these a command stands.
constexpr std::array<std::string_view, 10> kPrefixes{"if",    "then",  "elif", "else", "do",
                                                     "while", "until", "!",    "{",    "time"};
constexpr std::array<std::string_view, 3> kClosers{"fi", "done", "}"};
constexpr std::array<std::string_view, 7> kUnread{"for", "case", "select", "function", "coproc", "[[", "(("};
constexpr std::array<std::string_view, 6> kBuiltins{"cd", ":", "true", "false", "test", "["};
constexpr std::array<std::string_view, 6> kMeaningful{"PATH", "IFS", "ENV", "BASH_ENV", "SHELLOPTS", "PROMPT_COMMAND"};

struct Word {
  std::string text;
  /// Holds a variable or a pattern outside of quotes, so that the text is not what the shell will use.
  bool changes = false;
  bool quoted = false;
};

/// A name and "=" at the start of a word.
std::optional<std::string_view> assigned_name(const Word& word) {
  const std::string_view text = word.text;
  const std::size_t equals = text.find('=');
  if (equals == 0 || equals == std::string_view::npos || (std::isdigit(static_cast<unsigned char>(text[0])) != 0)) {
    return std::nullopt;
  }
  std::string_view name = text.substr(0, equals);
  if (name.ends_with('+')) name.remove_suffix(1);
  const bool plain = std::ranges::all_of(name, [](unsigned char c) { return std::isalnum(c) != 0 || c == '_'; });
  if (!plain) return std::nullopt;
  return name;
}

class Reader {
 public:
  explicit Reader(std::string_view script) : script_(script) {}

  Result<CommandNames> read() {
    while (at_ < script_.size()) TRY_OK(step());
    return std::move(names_);
  }

 private:
  [[nodiscard]] char peek(std::size_t ahead = 0) const {
    return at_ + ahead < script_.size() ? script_[at_ + ahead] : '\0';
  }

  Result<void> step() {
    const char c = peek();
    if (c == ' ' || c == '\t' || c == '\r') {
      ++at_;
    } else if (c == '\\' && peek(1) == '\n') {
      at_ += 2;
    } else if (c == '#') {
      at_ = std::min(script_.find('\n', at_), script_.size());
    } else if (c == '>' || c == '<' || (c == '&' && peek(1) == '>')) {
      return redirection();
    } else if (c == '\n' || c == ';' || c == '&' || c == '|' || c == '(' || c == ')') {
      if (c == '(' && peek(1) == '(') return refuse("arithmetic is not read");
      if (c == ';' && (peek(1) == ';' || peek(1) == '&')) return refuse("\"case\" is not read");
      ++at_;
      command_next_ = true;
    } else {
      return word_step();
    }
    return {};
  }

  Result<void> redirection() {
    const std::size_t start = at_;
    while (peek() == '<' || peek() == '>' || peek() == '&' || peek() == '|') ++at_;
    const std::string_view mark = script_.substr(start, at_ - start);
    if (mark == "<<" || mark.starts_with("<<&")) return refuse("a here-document is not read");
    if (peek() == '(') return refuse("a process substitution is not read");
    while (peek() == ' ' || peek() == '\t') ++at_;
    if (peek() == '-') {  // >&- closes, <<- is a here-document
      if (mark == "<<") return refuse("a here-document is not read");
      ++at_;
      return {};
    }
    TRY(const Word target, word());
    if (target.text.empty() && !target.quoted) return refuse("a redirection has no target");
    names_.words.push_back(target.text);
    return {};
  }

  Result<void> word_step() {
    TRY(Word one, word());
    const char after = peek();
    const bool number =
        !one.text.empty() && std::ranges::all_of(one.text, [](unsigned char c) { return std::isdigit(c); });
    if (number && (after == '<' || after == '>')) return redirection();
    if (after == '(') return refuse("a function is not read");
    names_.words.push_back(one.text);
    if (!command_next_) return {};
    if (!one.quoted) {
      if (is_one_of(one.text, kUnread)) return refuse("\"" + one.text + "\" is not read");
      if (is_one_of(one.text, kPrefixes)) return {};
      if (is_one_of(one.text, kClosers)) {
        command_next_ = false;
        return {};
      }
    }
    if (const auto name = assigned_name(one)) {
      if (is_one_of(*name, kMeaningful) || name->starts_with("LD_")) {
        return refuse("\"" + std::string(*name) + "\" changes what a command name means");
      }
      return {};
    }
    if (one.changes || one.text.empty()) return refuse("a command's name is not plain: \"" + one.text + "\"");
    command_next_ = false;
    if (!is_one_of(one.text, kBuiltins)) names_.started.push_back(one.text);
    return {};
  }

  Result<Word> word() {
    Word out;
    while (at_ < script_.size()) {
      const char c = peek();
      if (std::string_view(" \t\r\n;&|()<>").find(c) != std::string_view::npos) break;
      ++at_;
      if (c == '\'') {
        const std::size_t end = script_.find('\'', at_);
        if (end == std::string_view::npos) return refuse("a quote is not closed");
        out.text += script_.substr(at_, end - at_);
        out.quoted = true;
        at_ = end + 1;
      } else if (c == '"') {
        TRY_OK(double_quoted(out));
      } else if (c == '\\') {
        if (peek() == '\n') {
          ++at_;
          continue;
        }
        out.quoted = true;
        if (at_ < script_.size()) out.text += script_[at_++];
      } else {
        TRY_OK(plain(c, out));
      }
    }
    return out;
  }

  Result<void> double_quoted(Word& out) {
    out.quoted = true;
    while (at_ < script_.size()) {
      const char c = script_[at_++];
      if (c == '"') return {};
      if (c == '\\' && std::string_view("$`\"\\\n").find(peek()) != std::string_view::npos && at_ < script_.size()) {
        if (peek() != '\n') out.text += peek();
        ++at_;
        continue;
      }
      TRY_OK(plain(c, out));
    }
    return refuse("a quote is not closed");
  }

  /// A character with no quoting of its own before it; `at_` is behind it.
  Result<void> plain(char c, Word& out) {
    if (c == '`') return refuse("a command substitution is not read");
    if (c == '$') {
      const char next = peek();
      if (next == '(' || next == '\'' || next == '"' || next == '[') return refuse("a substitution is not read");
      if (next == '{') {
        const std::size_t end = script_.find('}', at_);
        if (end == std::string_view::npos) return refuse("a variable is not closed");
        const std::string_view inside = script_.substr(at_, end - at_);
        if (inside.find_first_of("$`(@!") != std::string_view::npos) return refuse("a substitution is not read");
      }
      out.changes = true;
    }
    if (std::string_view("*?[{~").find(c) != std::string_view::npos) out.changes = true;
    out.text += c;
    return {};
  }

  std::string_view script_;
  std::size_t at_ = 0;
  bool command_next_ = true;
  CommandNames names_;
};

}  // namespace

Result<CommandNames> command_names(std::string_view script) { return Reader(script).read(); }

}  // namespace lathe::tools::common
