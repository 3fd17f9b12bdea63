#include "lathe/syntax/parser.h"

#include <algorithm>
#include <array>
#include <utility>

namespace lathe::syntax {
namespace {

/// Words that end a list when they stand where a command could; whoever began the list expects one of them.
constexpr std::array<std::string_view, 8> kClosers{"then", "elif", "else", "fi", "do", "done", "esac", "}"};
constexpr std::array<std::string_view, 11> kOpeners{"if",   "for", "while",    "until",  "case", "select",
                                                    "time", "!",   "function", "coproc", "{"};

constexpr std::array<std::string_view, 8> kCompounds{"if", "for", "while", "until", "case", "select", "{", "[["};

bool contains(const auto& words, std::string_view word) { return std::ranges::find(words, word) != words.end(); }

/// Ends an unquoted word.
bool is_meta(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == ';' || c == '&' || c == '|' || c == '(' || c == ')' || c == '<' ||
         c == '>' || c == '\0';
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// {name}, which before a redirection is a variable that gets the descriptor.
bool names_descriptor(std::string_view word) {
  return word.size() > 2 && word.starts_with('{') && word.ends_with('}') && !word.contains(',');
}

}  // namespace

bool is_reserved(std::string_view word) { return contains(kClosers, word) || contains(kOpeners, word) || word == "[["; }

void Budget::not_known(std::string_view why) {
  if (!script.understood) return;
  script.understood = false;
  script.why = why;
}

void Budget::give_up(std::string_view why) {
  not_known(why);
  lost = true;
}

void Budget::exhaust(std::string_view why) {
  not_known(why);
  exhausted = true;
}

void parse_into(Budget& budget, std::string_view text) {
  const Nested nested(budget);
  if (text.size() > budget.bytes_left) budget.exhaust("it holds too many scripts inside scripts");
  if (text.find('\0') != std::string_view::npos) return budget.not_known("it has a NUL byte");
  if (budget.gave_up()) return;
  budget.bytes_left -= text.size();
  Parser(budget, text).script();
  // Where one text is lost, those around it go on.
  budget.lost = false;
}

// ---- text

bool Parser::take(std::string_view what) {
  if (done() || !ahead(what)) return false;
  at_ += what.size();
  return true;
}

void Parser::blanks() {
  while (!done()) {
    if (peek() == ' ' || peek() == '\t') {
      ++at_;
    } else if (ahead("\\\n")) {
      at_ += 2;
    } else {
      break;
    }
  }
  const bool starts_word = at_ == 0 || is_meta(text_[at_ - 1]);
  if (peek() != '#' || !starts_word) return;
  while (at_ < text_.size() && text_[at_] != '\n') ++at_;
}

void Parser::newline() {
  if (here_ && at_ > here_->line_end) give_up("a here-document begins inside a line that goes on");
  if (here_ && at_ == here_->line_end) {
    at_ = here_->resume;
    here_.reset();
  } else {
    ++at_;
  }
}

void Parser::blanks_and_lines() {
  blanks();
  while (!done() && peek() == '\n') {
    newline();
    blanks();
  }
}

bool Parser::at_delimiter() const { return is_meta(peek()); }

std::string_view Parser::reserved_word() const {
  std::size_t end = at_;
  while (end < text_.size() && !is_meta(text_[end])) ++end;
  const std::string_view word = text_.substr(at_, end - at_);
  return is_reserved(word) ? word : std::string_view();
}

bool Parser::at_list_end() const {
  return at_ >= text_.size() || peek() == ')' || ahead(";;") || ahead(";&") || contains(kClosers, reserved_word());
}

void Parser::expect(std::string_view reserved) {
  if (done()) return give_up("it ends too early");
  if (reserved_word() != reserved) return give_up("it is not a whole " + std::string(reserved) + " construct");
  at_ += reserved.size();
}

// ---- commands

void Parser::script() {
  list();
  if (!done()) give_up("something is closed that was not opened");
  if (here_) give_up("a here-document stands on the last line");
}

void Parser::list() {
  const Nested nested(budget_);
  std::optional<InScope> part;
  while (true) {
    blanks_and_lines();
    if (done() || at_list_end()) return;
    if (!part) part.emplace(budget_, Scope::Kind::kSame);
    pipeline();
    blanks();
    if (done() || at_list_end()) return;
    if (take("&&") || take("||")) continue;
    if (take("&")) {
      part->becomes(Scope::Kind::kOwn);
    } else if (!take(";") && peek() != '\n') {
      return give_up("there is text where a command should end");
    }
    part.reset();
  }
}

void Parser::pipeline() {
  std::optional<InScope> part;
  bool piped = false;
  bool beside = false;
  while (!budget_.gave_up()) {
    blanks_and_lines();
    if (!part) part.emplace(budget_, Scope::Kind::kSame);
    const std::string_view reserved = reserved_word();
    if (reserved == "!" || reserved == "time" || reserved == "coproc") {
      at_ += reserved.size();
      blanks();
      if (reserved == "time") {
        if (ahead("-p") && is_meta(peek(2))) at_ += 2;
        blanks();
        if (ahead("--") && is_meta(peek(2))) at_ += 2;
        blanks();
        if (peek() == '-') not_known("\"time\" has options that only the program of that name has");
      }
      if (reserved == "coproc") coproc_name();
      beside = beside || reserved == "coproc";
      continue;
    }
    if (done()) return give_up("it ends where a command should stand");
    command();
    blanks();
    const bool goes_on = !ahead("||") && (take("|&") || take("|"));
    if (goes_on || beside) {
      part->becomes(Scope::Kind::kOwn);
    } else if (piped) {
      part->becomes(Scope::Kind::kLastPart);
    }
    if (!goes_on) return;
    piped = true;
    part.reset();
  }
}

/// A compound command may have a name before it: coproc NAME { …; }.
void Parser::coproc_name() {
  if (at_delimiter() || !reserved_word().empty()) return;
  std::size_t end = at_;
  while (end < text_.size() && !is_meta(text_[end])) ++end;
  const std::size_t next = text_.find_first_not_of(" \t", end);
  if (next == std::string_view::npos || next == end) return;
  const std::size_t name = std::exchange(at_, next);
  if (peek() != '(' && !contains(kCompounds, reserved_word())) at_ = name;
}

void Parser::command() {
  const Nested nested(budget_);
  const std::string_view reserved = reserved_word();
  if (ahead("((") && arithmetic_ahead(2)) {
    at_ += 2;
    arithmetic("))");
  } else if (take("(")) {
    const InScope own(budget_, Scope::Kind::kOwn);
    list();
    if (!take(")")) return give_up("a parenthesis is not closed");
  } else if (!reserved.empty()) {
    at_ += reserved.size();
    if (!compound(reserved)) return give_up("\"" + std::string(reserved) + "\" stands where it should not");
  } else {
    return simple();
  }
  SimpleCommand around;
  redirections(around);
  if (!around.redirections.empty()) finish(std::move(around));
}

bool Parser::compound(std::string_view reserved) {
  if (reserved == "{") {
    list();
    expect("}");
  } else if (reserved == "if") {
    if_command();
  } else if (reserved == "while" || reserved == "until") {
    const InScope repeated(budget_, Scope::Kind::kRepeated);
    list();
    loop();
  } else if (reserved == "for" || reserved == "select") {
    const InScope repeated(budget_, Scope::Kind::kRepeated);
    for_command();
  } else if (reserved == "case") {
    case_command();
  } else if (reserved == "[[") {
    test_command();
  } else if (reserved == "function") {
    function_keyword();
  } else {
    return false;
  }
  return true;
}

void Parser::if_command() {
  list();
  expect("then");
  list();
  while (!done() && reserved_word() == "elif") {
    at_ += 4;
    list();
    expect("then");
    list();
  }
  if (!done() && reserved_word() == "else") {
    at_ += 4;
    list();
  }
  expect("fi");
}

void Parser::loop() {
  blanks_and_lines();
  expect("do");
  list();
  expect("done");
}

void Parser::for_command() {
  blanks();
  if (take("((")) {
    arithmetic("))");
    blanks();
    (void)take(";");
    return loop();
  }
  (void)word();
  blanks_and_lines();
  const bool has_words = ahead("in") && is_meta(peek(2));
  if (has_words) {
    at_ += 2;
    blanks();
    while (!done() && peek() != ';' && peek() != '\n') {
      if (at_delimiter()) return give_up("the words of a for loop are not plain");
      (void)word();
      blanks();
    }
  }
  blanks();
  (void)take(";");
  loop();
}

void Parser::case_command() {
  blanks();
  (void)word();
  blanks_and_lines();
  if (!take("in")) return give_up("a case has no \"in\"");
  while (true) {
    blanks_and_lines();
    if (done() || reserved_word() == "esac") break;
    (void)take("(");
    blanks();
    while (!done() && peek() != ')') {
      if (peek() != '|' && at_delimiter()) return give_up("the pattern of a case is not plain");
      if (!take("|")) (void)word();
      blanks();
    }
    if (!take(")")) return give_up("the pattern of a case is not closed");
    list();
    if (!(take(";;&") || take(";;") || take(";&"))) break;
  }
  blanks_and_lines();
  expect("esac");
}

/// [[ … ]] runs nothing but the substitutions in it; its operators are read as words.
void Parser::test_command() {
  // Where [[ is a program, what follows && in it is one too.
  if (budget_.for_plain_sh) not_known("sh need not know a [[ ]] test");
  while (!done()) {
    blanks_and_lines();
    if (take("]]")) return;
    if (take("&&") || take("||") || take("|") || take("(") || take(")") || take("<") || take(">")) continue;
    if (at_delimiter()) return give_up("a [[ ]] test is not plain");
    const bool asks_for_name = (ahead("-v") || ahead("-R")) && is_meta(peek(2));
    if (asks_for_name || ahead("-eq") || ahead("-ne") || ahead("-lt") || ahead("-le") || ahead("-gt") || ahead("-ge")) {
      not_known("a [[ ]] test evaluates arithmetic");
    }
    (void)word();
  }
  give_up("a [[ ]] test is not closed");
}

void Parser::function_keyword() {
  blanks();
  define_function(word());
  blanks();
  if (take("(")) {
    blanks();
    if (!take(")")) return give_up("a function is not plain");
  }
  function_body();
}

void Parser::define_function(const Word& name) {
  if (name.dynamic) return give_up("the name of a function is computed");
  budget_.functions.insert(name.text);
}

/// Its commands count as if they ran: whoever defines a function means to call it.
void Parser::function_body() {
  blanks_and_lines();
  const std::string_view reserved = reserved_word();
  if (peek() != '(' && (reserved.empty() || contains(kClosers, reserved))) return give_up("a function has no body");
  const InScope later(budget_, Scope::Kind::kLater);
  command();
}

void Parser::simple() {
  SimpleCommand made;
  while (!done()) {
    blanks();
    if (done()) break;
    if (redirection(made)) continue;
    if (peek() == '(' && made.words.size() == 1 && made.assignments.empty()) {
      ++at_;
      blanks();
      if (!take(")")) return give_up("a word has a parenthesis in it");
      define_function(made.words.front());
      return function_body();
    }
    if (at_delimiter() && !ahead("<(") && !ahead(">(")) break;
    if (made.words.empty()) {
      if (auto set = assignment()) {
        made.assignments.push_back(*std::move(set));
        continue;
      }
    }
    made.words.push_back(word());
    if ((peek() == '<' || peek() == '>') && names_descriptor(made.words.back().text)) {
      not_known("a redirection names its descriptor by a variable");
      made.words.pop_back();
    }
  }
  if (made == SimpleCommand{}) return give_up("there is no command where one should stand");
  finish(std::move(made));
}

void Parser::finish(SimpleCommand command) {
  if (budget_.script.commands.size() >= Budget::kMaxCommands) return budget_.exhaust("it has too many commands");
  add_simple(budget_, std::move(command));
}

void Parser::redirections(SimpleCommand& into) {
  do {
    blanks();
  } while (!done() && redirection(into));
}

bool Parser::redirection(SimpleCommand& into) {
  std::size_t digits = 0;
  while (is_digit(peek(digits))) ++digits;
  const std::string_view rest = text_.substr(std::min(at_ + digits, text_.size()));
  const bool both = digits == 0 && rest.starts_with("&>");
  if (!both && !rest.starts_with('<') && !rest.starts_with('>')) return false;
  if (digits == 0 && (rest.starts_with("<(") || rest.starts_with(">("))) return false;
  const std::string_view descriptor = text_.substr(at_, digits);
  const bool other = digits > 0 && descriptor != (rest.starts_with('<') ? "0" : "1");
  at_ += digits;
  using Kind = Redirection::Kind;
  const auto add = [&](Kind kind) {
    blanks();
    if (done() || (at_delimiter() && !ahead("<(") && !ahead(">("))) return give_up("a redirection has no target");
    Word target = word();
    const bool number = !target.text.empty() && std::ranges::all_of(target.text, is_digit);
    if (kind == Kind::kDuplicate && !number && target.text != "-") kind = Kind::kWrite;
    into.redirections.push_back({.kind = kind, .target = std::move(target), .other_descriptor = other});
  };
  if (take("<<<")) {
    add(Kind::kHereText);
  } else if (ahead("<<")) {
    into.redirections.push_back({.kind = Kind::kHereText, .target = here_document(), .other_descriptor = other});
  } else if (take("<>")) {
    add(Kind::kReadWrite);
  } else if (take("<&") || take(">&")) {
    add(Kind::kDuplicate);
  } else if (take("&>>") || take("&>") || take(">>") || take(">|") || take(">")) {
    add(Kind::kWrite);
  } else if (take("<")) {
    add(Kind::kRead);
  }
  return true;
}

}  // namespace lathe::syntax
