#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

#include "lathe/base/utf8.h"
#include "lathe/templates/lexer.h"
#include "lathe/templates/macros.h"
#include "lathe/templates/pipe_parser.h"
#include "lathe/templates/tree.h"

// The structure of a template with braces: text, actions, and what {{if}}, {{range}}, {{with}}, {{define}} and
// {{block}} hold up to their {{end}}. Those that are open lie on a stack, so that no template is too deep for the
// parser. After a fault in an action the parser goes on behind it.

namespace lathe::templates {
namespace {

/// A block that has no {{end}} yet.
struct Block {
  std::string word;
  Node node;
  bool in_else = false;
  /// How many variables there were before it, and are in each of its parts.
  std::size_t outer_variables = 0;
  std::size_t variables = 0;

  [[nodiscard]] bool defines() const { return word == "define" || word == "block"; }
  [[nodiscard]] std::vector<Node>& list() { return in_else ? node.otherwise : node.branches.back().body; }
};

class BracesParser {
 public:
  BracesParser(std::string_view text, std::vector<Fault>& faults)
      : text_(text), faults_(faults), first_fault_(faults.size()) {
    tree_.source = text;
  }

  Template::Tree parse() {
    while (at_ < text_.size() && !stopped_) {
      const std::size_t open = text_.find("{{", at_);
      if (open == std::string_view::npos) {
        add_text(text_.size(), /*trims=*/false);
        break;
      }
      action(open);
      stopped_ = stopped_ || faults_.size() - first_fault_ >= kMaxFaults;
    }
    if (!stopped_) finish();
    return std::move(tree_);
  }

 private:
  void fail(Offset at, std::string message, std::string hint = "") {
    faults_.push_back({.at = at, .message = std::move(message), .hint = std::move(hint)});
  }

  std::vector<Node>& list() { return blocks_.empty() ? tree_.root : blocks_.back().list(); }

  /// What stands from here to `end`; spaces that an action trims are no part of it.
  void add_text(Offset end, bool trims) {
    Offset begin = at_;
    at_ = end;
    if (trims_next_) {
      while (begin < end && is_blank(text_[begin])) ++begin;
    }
    trims_next_ = false;
    while (trims && end > begin && is_blank(text_[end - 1])) --end;
    if (begin == end) return;
    list().push_back({.at = begin, .end = end, .text = std::string(text_.substr(begin, end - begin))});
  }

  void action(Offset open) {
    Offset begin = open + 2;
    const bool trims = begin + 1 < text_.size() && text_[begin] == '-' && is_blank(text_[begin + 1]);
    add_text(open, trims);
    if (trims) begin += 2;
    if (text_.substr(begin).starts_with("/*")) return comment(open, begin);
    if (const auto macro = macro_at(text_, begin)) return add_macro(open, *macro, trims);
    const Action read = read_action(text_, begin, faults_);
    if (read.open) {
      if (!read.broken) fail(open, "\"{{\" has no \"}}\"");
      stopped_ = true;
      return;
    }
    at_ = read.end;
    trims_next_ = read.trims_right;
    statement(open, read);
  }

  void comment(Offset open, Offset begin) {
    const std::size_t close = text_.find("*/", begin + 2);
    const std::size_t end = close == std::string_view::npos ? close : text_.find("}}", close + 2);
    if (end == std::string_view::npos) {
      fail(open, "the comment has no \"*/}}\"");
      stopped_ = true;
      return;
    }
    const std::string_view between = text_.substr(close + 2, end - close - 2);
    trims_next_ = between.size() == 2 && is_blank(between[0]) && between[1] == '-';
    if (!between.empty() && !trims_next_) fail(close + 2, "behind a comment comes the end of its action", "\"*/}}\"");
    at_ = end + 2;
  }

  void add_macro(Offset open, const MacroAction& read, bool trims) {
    if (read.open) {
      fail(open, "\"{{\" has no \"}}\"");
      stopped_ = true;
      return;
    }
    Hole hole{.macro = read.macro, .begin = open, .end = read.end, .trims_left = trims};
    hole.trims_right = trims_next_ = read.trims_right;
    hole.macro.at = open;
    at_ = read.end;
    if (read.macro.space == "var" && read.macro.argument.empty()) {
      fail(open, "the macro names no variable", "write {{var:name}}");
    }
    list().push_back({.kind = Node::Kind::kMacro, .at = open, .end = read.end, .index = tree_.holes.size()});
    tree_.holes.push_back(std::move(hole));
  }

  /// "." is what the template is rendered over, as seen from outside of the newest `without` blocks.
  [[nodiscard]] bool dot_is_root(std::size_t without) const {
    for (std::size_t i = blocks_.size() - std::min(without, blocks_.size()); i > 0; --i) {
      const Block& block = blocks_[i - 1];
      if (block.defines() || (block.word != "if" && !block.in_else)) return false;
    }
    return true;
  }

  Pipe pipe_of(std::span<const Token> tokens, const Action& read, bool in_range = false, std::size_t without = 0) {
    if (read.broken) {
      // What it would have declared is no fault where it is used.
      const auto sign = std::ranges::find(tokens, Token::Kind::kDeclare, &Token::kind);
      for (auto token = tokens.begin(); sign != tokens.end() && token != sign; ++token) {
        if (token->kind == Token::Kind::kVariable) variables_.emplace_back(token->word);
      }
      return {};
    }
    const bool defining = std::ranges::any_of(blocks_, [](const Block& block) { return block.defines(); });
    return read_pipe(tokens, {.variables = variables_,
                              .uses = tree_.variables,
                              .faults = faults_,
                              .dot_is_root = dot_is_root(without),
                              .dollar_is_root = !defining,
                              .in_range = in_range});
  }

  void statement(Offset open, const Action& read) {
    const Token& first = read.tokens.front();
    const std::string_view word = first.kind == Token::Kind::kWord ? first.word : "";
    std::span<const Token> rest = read.tokens;
    if (is_keyword(word)) rest = rest.subspan(1);
    if (word == "if" || word == "with" || word == "range") {
      begin_block(open, word, rest, read);
    } else if (word == "else") {
      begin_else(open, rest, read);
    } else if (word == "end") {
      ends(rest, read);
      end_block(open, read.end);
    } else if (word == "break" || word == "continue") {
      ends(rest, read);
      leave(open, word, read.end);
    } else if (word == "define" || word == "block" || word == "template") {
      named(open, word, rest, read);
    } else {
      add_action(open, read);
    }
  }

  /// Nothing is left; anything else is a fault.
  void ends(std::span<const Token> rest, const Action& read) {
    if (rest.front().kind != Token::Kind::kEnd && !read.broken) {
      fail(rest.front().at, "the action should end here");
    }
  }

  void add_action(Offset open, const Action& read) {
    Pipe pipe = pipe_of(read.tokens, read);
    const bool one_word = pipe.names.empty() && pipe.commands.size() == 1 && pipe.commands[0].words.size() == 1;
    if (one_word && pipe.commands[0].words[0].constant.kind == Kind::kText) {
      // {{"…"}} is how text is written that looks like an action.
      list().push_back({.at = open, .end = read.end, .text = pipe.commands[0].words[0].constant_text});
      return;
    }
    Node node{.kind = Node::Kind::kAction, .at = open, .end = read.end};
    node.pipe.push_back(std::move(pipe));
    list().push_back(std::move(node));
  }

  bool deeper(Offset open) {
    if (blocks_.size() < kMaxNesting) return true;
    fail(open, fmt::format("more than {} blocks in each other", kMaxNesting));
    stopped_ = true;
    return false;
  }

  static Branch::Kind branch_kind(std::string_view word) {
    if (word == "range") return Branch::Kind::kRange;
    return word == "with" ? Branch::Kind::kWith : Branch::Kind::kIf;
  }

  void begin_block(Offset open, std::string_view word, std::span<const Token> rest, const Action& read) {
    if (!deeper(open)) return;
    Block block{.word = std::string(word), .outer_variables = variables_.size()};
    block.node.kind = Node::Kind::kBranches;
    block.node.at = open;
    block.node.end = read.end;
    Branch branch{.kind = branch_kind(word), .at = open, .end = read.end};
    branch.pipe = pipe_of(rest, read, /*in_range=*/word == "range");
    block.node.branches.push_back(std::move(branch));
    block.variables = variables_.size();
    blocks_.push_back(std::move(block));
  }

  void begin_else(Offset open, std::span<const Token> rest, const Action& read) {
    Block* const block = blocks_.empty() ? nullptr : &blocks_.back();
    if (block == nullptr || block->defines()) return fail(open, "{{else}} belongs to no {{if}}, {{with}} or {{range}}");
    if (block->in_else) return fail(open, fmt::format("a second {{{{else}}}} of one {{{{{}}}}}", block->word));
    variables_.resize(block->variables);
    const std::string_view word = rest.front().kind == Token::Kind::kWord ? rest.front().word : "";
    if (word != "if" && word != "with") {
      block->in_else = true;
      ends(rest, read);
      return;
    }
    if (word != block->word) {
      return fail(open, fmt::format("{{{{else {}}}}} belongs to no {{{{{}}}}}", word, word),
                  fmt::format("this is the {{{{{}}}}} at byte {}", block->word, block->node.at));
    }
    Branch branch{.kind = branch_kind(word), .at = open, .end = read.end};
    branch.pipe = pipe_of(rest.subspan(1), read, /*in_range=*/false, /*without=*/1);
    block->node.branches.push_back(std::move(branch));
    block->variables = variables_.size();
  }

  void end_block(Offset open, Offset end) {
    if (blocks_.empty()) return fail(open, "{{end}} ends nothing");
    Block block = std::move(blocks_.back());
    blocks_.pop_back();
    variables_.resize(block.outer_variables);
    if (!block.defines()) {
      list().push_back(std::move(block.node));
      return;
    }
    variables_ = std::move(outside_variables_.back());
    outside_variables_.pop_back();
    tree_.defined[block.node.text] = std::move(block.node.branches.back().body);
    if (block.word != "block") return;
    Node call{.kind = Node::Kind::kTemplate, .at = block.node.at, .end = end, .text = block.node.text};
    call.pipe = std::move(block.node.pipe);
    list().push_back(std::move(call));
  }

  void leave(Offset open, std::string_view word, Offset end) {
    for (std::size_t i = blocks_.size(); i > 0 && !blocks_[i - 1].defines(); --i) {
      if (blocks_[i - 1].word != "range" || blocks_[i - 1].in_else) continue;
      list().push_back({.kind = word == "break" ? Node::Kind::kBreak : Node::Kind::kContinue, .at = open, .end = end});
      return;
    }
    fail(open, fmt::format("{{{{{}}}}} stands in no {{{{range}}}}", word));
  }

  /// {{define "name"}}, {{block "name" pipeline}}, {{template "name" pipeline}}.
  void named(Offset open, std::string_view word, std::span<const Token> rest, const Action& read) {
    Node node{.kind = Node::Kind::kTemplate, .at = open, .end = read.end};
    if (rest.front().kind != Token::Kind::kText) {
      if (!read.broken) {
        fail(rest.front().at, fmt::format("{} names a template", word), fmt::format("{{{{{} \"name\"}}}}", word));
      }
      if (word == "template") return;
    } else {
      node.text = rest.front().text;
      rest = rest.subspan(1);
      const bool argument = word != "define" && rest.front().kind != Token::Kind::kEnd && !read.broken;
      if (word == "block" && !argument && !read.broken) fail(rest.front().at, "a block needs a value");
      if (word == "define") ends(rest, read);
      if (argument) node.pipe.push_back(pipe_of(rest, read));
    }
    if (word == "template") {
      calls_.push_back({node.text, open});
      list().push_back(std::move(node));
      return;
    }
    if (word == "define" && !blocks_.empty()) fail(open, "{{define}} stands in no other block");
    if (!deeper(open)) return;
    Block block{.word = std::string(word), .node = std::move(node), .outer_variables = 1, .variables = 1};
    block.node.branches.emplace_back();
    blocks_.push_back(std::move(block));
    outside_variables_.push_back(std::exchange(variables_, {"$"}));
  }

  void finish() {
    for (const Block& block : blocks_) {
      fail(block.node.at, fmt::format("{{{{{}}}}} has no {{{{end}}}}", block.word));
    }
    if (!blocks_.empty()) return;
    for (const auto& [name, at] : calls_) {
      if (tree_.defined.contains(name)) continue;
      fail(at, fmt::format("there is no template \"{}\"", base::utf8_prefix(name, 60)),
           fmt::format("{{{{define \"{}\"}}}} makes one", base::utf8_prefix(name, 60)));
    }
  }

  struct TemplateCall {
    std::string name;
    Offset at = 0;
  };

  std::string_view text_;
  std::vector<Fault>& faults_;
  std::size_t first_fault_;
  Template::Tree tree_;
  std::vector<Block> blocks_;
  std::vector<std::string> variables_ = {"$"};
  /// Of what is around a {{define}} or a {{block}}, which see none of them.
  std::vector<std::vector<std::string>> outside_variables_;
  std::vector<TemplateCall> calls_;
  Offset at_ = 0;
  bool trims_next_ = false;
  bool stopped_ = false;
};

}  // namespace

Template::Tree parse_braces(std::string_view text, std::vector<Fault>& faults) {
  return BracesParser(text, faults).parse();
}

}  // namespace lathe::templates
