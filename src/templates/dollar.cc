#include <optional>
#include <string>

#include "lathe/base/strings.h"
#include "lathe/templates/lexer.h"
#include "lathe/templates/tree.h"

// $(name.path) is a value; $(file:…), $(call:…) and $(bash:…) are macros. Every other "$(" is text: prompts are full of
// shell. Parentheses inside of a macro are counted, and in a command those in quotes are not.

namespace lathe::templates {
namespace {

constexpr std::string_view kOpening = "$(";

/// Past the ")" that closes what begins at `at`, which is inside of it; npos where there is none.
std::size_t closing(std::string_view text, std::size_t at) {
  std::size_t depth = 1;
  for (; at < text.size(); ++at) {
    if (text[at] == '(') ++depth;
    if (text[at] == ')' && --depth == 0) return at + 1;
  }
  return std::string_view::npos;
}

/// The same in a command. What is open lies on a stack: parentheses, and double quotes, inside of which $( opens again.
std::size_t closing_of_command(std::string_view text, std::size_t at) {
  std::string open = "(";
  for (; at < text.size(); ++at) {
    const char c = text[at];
    const bool quoted = open.back() == '"';
    if (c == '\\') {
      ++at;
    } else if (c == '"') {
      if (quoted) {
        open.pop_back();
      } else {
        open += '"';
      }
    } else if (c == '\'' && !quoted) {
      at = text.find('\'', at + 1);
      if (at == std::string_view::npos) return at;
    } else if (c == '(' && (!quoted || text[at - 1] == '$')) {
      open += '(';
    } else if (c == ')' && !quoted) {
      open.pop_back();
      if (open.empty()) return at + 1;
    }
  }
  return std::string_view::npos;
}

/// "a.b-c" as its parts; nothing for what is no name.
std::optional<std::vector<std::string>> path_of(std::string_view name) {
  const bool begins = !name.empty() && is_name_byte(name[0]) && (name[0] < '0' || name[0] > '9');
  if (!begins) return std::nullopt;
  std::vector<std::string> path;
  for (const std::string_view part : base::split(name, '.')) {
    if (part.empty()) return std::nullopt;
    path.emplace_back(part);
  }
  return path;
}

class DollarParser {
 public:
  DollarParser(std::string_view text, std::vector<Fault>& faults)
      : text_(text), faults_(faults), first_fault_(faults.size()) {
    tree_.syntax = Syntax::kDollar;
    tree_.source = text;
  }

  Template::Tree parse() {
    for (std::size_t open = text_.find(kOpening); open != std::string_view::npos; open = text_.find(kOpening, next_)) {
      next_ = open + kOpening.size();
      if (!hole(open)) break;
    }
    add_text(text_.size());
    return std::move(tree_);
  }

 private:
  void add_text(Offset end) {
    if (end == done_) return;
    tree_.root.push_back({.at = done_, .end = end, .text = std::string(text_.substr(done_, end - done_))});
    done_ = end;
  }

  /// False when nothing behind it can be read.
  bool hole(Offset open) {
    Offset end = next_;
    while (end < text_.size() && (is_name_byte(text_[end]) || text_[end] == '.' || text_[end] == '-')) ++end;
    const std::string_view name = text_.substr(next_, end - next_);
    const char mark = end < text_.size() ? text_[end] : '\0';
    if (mark == ')') {
      if (auto path = path_of(name)) variable(open, end + 1, *std::move(path));
    } else if (mark == ':' && (name == "file" || name == "call" || name == "bash")) {
      return macro(open, name, end + 1);
    }
    next_ = std::max(next_, end);
    return true;
  }

  void variable(Offset open, Offset end, std::vector<std::string> path) {
    add_text(open);
    tree_.root.push_back({.kind = Node::Kind::kName, .at = open, .end = end, .index = tree_.variables.size()});
    tree_.variables.push_back({.path = std::move(path), .at = open});
    done_ = next_ = end;
  }

  bool macro(Offset open, std::string_view space, Offset inside) {
    const std::size_t end = space == "bash" ? closing_of_command(text_, inside) : closing(text_, inside);
    if (end == std::string_view::npos) {
      const char* const quotes = space == "bash" ? "quotes and parentheses of the command are counted" : "";
      faults_.push_back({.at = open, .message = "\"$(" + std::string(space) + ":\" has no \")\"", .hint = quotes});
      return false;
    }
    Macro found{
        .space = std::string(space), .argument = std::string(text_.substr(inside, end - 1 - inside)), .at = open};
    if (space != "bash") found.argument = base::trim(found.argument);
    if (base::trim(found.argument).empty()) {
      faults_.push_back({.at = open, .message = "\"$(" + std::string(space) + ":)\" names nothing"});
    }
    add_text(open);
    tree_.root.push_back({.kind = Node::Kind::kMacro, .at = open, .end = end, .index = tree_.holes.size()});
    tree_.holes.push_back({.macro = std::move(found), .begin = open, .end = end});
    done_ = next_ = end;
    return faults_.size() - first_fault_ < kMaxFaults;
  }

  std::string_view text_;
  std::vector<Fault>& faults_;
  std::size_t first_fault_;
  Template::Tree tree_;
  /// What the tree has already, and where to look on.
  Offset done_ = 0;
  Offset next_ = 0;
};

}  // namespace

Template::Tree parse_dollars(std::string_view text, std::vector<Fault>& faults) {
  return DollarParser(text, faults).parse();
}

}  // namespace lathe::templates
