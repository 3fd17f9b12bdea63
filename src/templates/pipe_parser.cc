#include "lathe/templates/pipe_parser.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "lathe/base/strings.h"
#include "lathe/base/utf8.h"

// pipeline = [ names (":=" | "=") ] command { "|" command } ; command = operand { " " operand } ; an operand may be a
// pipeline in parentheses.

namespace lathe::templates {
namespace {

constexpr std::size_t kShownBytes = 60;

constexpr auto kKeywords = std::to_array<std::string_view>(
    {"if", "else", "end", "range", "with", "define", "template", "block", "break", "continue"});

std::string token_text(const Token& token) {
  if (token.kind == Token::Kind::kEnd) return "the end of the action";
  const bool point = token.kind == Token::Kind::kDot || token.kind == Token::Kind::kField;
  return fmt::format("\"{}{}\"", point ? "." : "", base::utf8_prefix(token.word, kShownBytes));
}

bool begins_operand(Token::Kind kind) { return kind < Token::Kind::kPipe || kind == Token::Kind::kOpen; }

class PipeReader {
 public:
  PipeReader(std::span<const Token> tokens, const PipeContext& context) : tokens_(tokens), context_(context) {}

  Pipe read() {
    Pipe pipe = whole_pipe();
    if (!failed_ && here().kind != Token::Kind::kEnd) unexpected();
    return pipe;
  }

 private:
  [[nodiscard]] const Token& here() const { return tokens_[at_]; }
  [[nodiscard]] const Token& ahead(std::size_t count) const {
    return tokens_[std::min(at_ + count, tokens_.size() - 1)];
  }

  void fail(Offset at, std::string message, std::string hint = "") {
    if (!failed_) context_.faults.push_back({.at = at, .message = std::move(message), .hint = std::move(hint)});
    failed_ = true;
  }

  void unexpected() {
    const bool close = here().kind == Token::Kind::kClose;
    fail(here().at, close ? "\")\" closes no \"(\"" : fmt::format("{} has no meaning here", token_text(here())));
  }

  Pipe whole_pipe() {
    Pipe pipe;
    names(pipe);
    const Offset begin = here().at;
    while (!failed_) {
      command(pipe);
      if (failed_ || here().kind != Token::Kind::kPipe) break;
      ++at_;
    }
    if (!failed_ && pipe.commands.empty()) fail(begin, "a value is missing");
    if (!pipe.assigns) context_.variables.insert(context_.variables.end(), pipe.names.begin(), pipe.names.end());
    return pipe;
  }

  void names(Pipe& pipe) {
    if (here().kind != Token::Kind::kVariable) return;
    std::size_t count = 1;
    if (context_.in_range && depth_ == 0 && ahead(1).kind == Token::Kind::kComma &&
        ahead(2).kind == Token::Kind::kVariable) {
      count = 3;
    }
    const Token::Kind sign = ahead(count).kind;
    if (sign != Token::Kind::kDeclare && sign != Token::Kind::kAssign) return;
    pipe.assigns = sign == Token::Kind::kAssign;
    for (std::size_t i = 0; i < count; i += 2) {
      if (ahead(i).word == "$") return fail(ahead(i).at, "\"$\" cannot be given a value", "name it: {{$x := …}}");
      if (pipe.assigns && !known(ahead(i))) return;
      pipe.names.emplace_back(ahead(i).word);
    }
    at_ += count + 1;
  }

  bool known(const Token& variable) {
    if (std::ranges::find(context_.variables, variable.word) != context_.variables.end()) return true;
    const std::string_view name = base::utf8_prefix(variable.word, kShownBytes);
    const std::string near = base::did_you_mean(name, context_.variables);
    fail(variable.at, fmt::format("there is no variable {}", name),
         near.empty() ? fmt::format("declare it before: {{{{{} := …}}}}", name) : near);
    return false;
  }

  void command(Pipe& pipe) {
    const Token& first = here();
    Command command;
    while (!failed_ && begins_operand(here().kind)) {
      if (!command.words.empty() && !here().spaced) {
        return fail(here().at, fmt::format("a space is missing before {}", token_text(here())));
      }
      command.words.push_back(operand());
    }
    if (failed_) return;
    if (command.words.empty()) {
      if (here().kind == Token::Kind::kEnd || here().kind == Token::Kind::kPipe || depth_ > 0) {
        return fail(here().at, "a value is missing", pipe.commands.empty() ? "" : "\"|\" gives it to a function");
      }
      return unexpected();
    }
    check(command, first, pipe.commands.size());
    pipe.commands.push_back(std::move(command));
  }

  /// What Go finds before or while it runs: calls of what is no function, and of functions with a wrong number of
  /// words.
  void check(const Command& command, const Token& first, std::size_t stage) {
    const Operand& head = command.words.front();
    const bool constant = head.kind == Operand::Kind::kConstant;
    if (stage > 0 && (constant || (head.kind == Operand::Kind::kDot && head.fields.empty()))) {
      return fail(head.at, fmt::format("{} is no function, so nothing can be piped into it", token_text(first)));
    }
    if (constant && command.words.size() > 1) {
      return fail(head.at, fmt::format("{} is no function and takes no arguments", token_text(first)));
    }
    if (first.kind == Token::Kind::kNil) return fail(head.at, "nil is no command");
    for (std::size_t i = 0; i < command.words.size(); ++i) {
      const Operand& word = command.words[i];
      if (word.function == nullptr) continue;
      const bool called = i == 0 && word.fields.empty();
      check_count(word, called ? command.words.size() - 1 + (stage > 0 ? 1 : 0) : 0);
    }
  }

  void check_count(const Operand& word, std::size_t count) {
    const Function::Count wanted = word.function->arguments();
    if (count >= wanted.least && count <= wanted.most) return;
    const std::string least = wanted.least == wanted.most ? "" : count < wanted.least ? "at least " : "at most ";
    const std::size_t number = count < wanted.least ? wanted.least : wanted.most;
    fail(word.at, fmt::format("{} takes {}{} argument{}, not {}", word.function->name, least, number,
                              number == 1 ? "" : "s", count));
  }

  Operand operand() {
    const Token& token = here();
    Operand out{.at = token.at};
    ++at_;
    if (token.kind == Token::Kind::kField) {
      out.fields.emplace_back(token.word);
    } else if (token.kind == Token::Kind::kVariable) {
      out.kind = Operand::Kind::kVariable;
      out.variable = token.word;
      known(token);
    } else if (token.kind == Token::Kind::kWord) {
      function(out, token);
    } else if (token.kind == Token::Kind::kOpen) {
      parentheses(out, token);
    } else if (token.kind != Token::Kind::kDot) {
      constant(out, token);
    }
    fields(out);
    return out;
  }

  void fields(Operand& out) {
    while (!failed_ && here().kind == Token::Kind::kField && !here().spaced) {
      if (out.kind == Operand::Kind::kConstant) return fail(here().at, "a constant has no fields");
      out.fields.emplace_back(here().word);
      ++at_;
    }
    if (failed_ || out.fields.empty()) return;
    const bool of_dot = out.kind == Operand::Kind::kDot && context_.dot_is_root;
    const bool of_dollar = out.kind == Operand::Kind::kVariable && out.variable == "$" && context_.dollar_is_root;
    if (of_dot || of_dollar) context_.uses.push_back({.path = out.fields, .at = out.at});
  }

  void function(Operand& out, const Token& token) {
    out.kind = Operand::Kind::kFunction;
    if (is_keyword(token.word)) {
      return fail(token.at, fmt::format("\"{}\" begins an action of its own", token.word));
    }
    out.function = find_function(token.word);
    if (out.function != nullptr) return;
    std::vector<std::string> names;
    for (const std::string_view name : function_names()) names.emplace_back(name);
    const std::string_view word = base::utf8_prefix(token.word, kShownBytes);
    std::string hint = base::did_you_mean(word, names);
    if (hint.empty()) hint = fmt::format("a variable is written with a point: {{{{.{}}}}}", word);
    fail(token.at, fmt::format("there is no function \"{}\"", word), std::move(hint));
  }

  void parentheses(Operand& out, const Token& open) {
    out.kind = Operand::Kind::kPipe;
    if (++depth_ > kMaxNesting)
      return fail(open.at, fmt::format("more than {} parentheses in each other", kMaxNesting));
    out.pipe.push_back(whole_pipe());
    --depth_;
    if (failed_) return;
    if (here().kind != Token::Kind::kClose) return fail(open.at, "\"(\" is not closed");
    ++at_;
  }

  static void constant(Operand& out, const Token& token) {
    out.kind = Operand::Kind::kConstant;
    if (token.kind == Token::Kind::kText) {
      out.constant.kind = Kind::kText;
      out.constant_text = token.text;
    } else if (token.kind == Token::Kind::kInt) {
      out.constant = int_value(token.whole);
    } else if (token.kind == Token::Kind::kFloat) {
      out.constant = float_value(token.real);
    } else if (token.kind == Token::Kind::kBool) {
      out.constant = bool_value(token.whole != 0);
    }
  }

  std::span<const Token> tokens_;
  const PipeContext& context_;
  std::size_t at_ = 0;
  std::size_t depth_ = 0;
  bool failed_ = false;
};

}  // namespace

Pipe read_pipe(std::span<const Token> tokens, const PipeContext& context) { return PipeReader(tokens, context).read(); }

bool is_keyword(std::string_view word) { return std::ranges::find(kKeywords, word) != kKeywords.end(); }

}  // namespace lathe::templates
