#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "lathe/templates/functions.h"
#include "lathe/templates/template.h"
#include "lathe/templates/value.h"

// The tree of a template, as the parsers make it and the evaluator walks it.

namespace lathe::templates {

struct Pipe;

/// A word of a command, with the fields that are taken of it: (index .a 0).name has a pipe and one field.
struct Operand {
  enum class Kind { kDot, kVariable, kConstant, kFunction, kPipe };
  Kind kind = Kind::kDot;
  Offset at = 0;
  /// With its "$".
  std::string variable;
  /// `constant_text` is the text of a constant that is one.
  Value constant;
  std::string constant_text;
  const Function* function = nullptr;
  /// One, where it stands in parentheses.
  std::vector<Pipe> pipe;
  std::vector<std::string> fields;
};

struct Command {
  std::vector<Operand> words;
};

struct Pipe {
  /// What "$x :=" and "$x =" before it name.
  std::vector<std::string> names;
  bool assigns = false;
  std::vector<Command> commands;
};

struct Branch;

struct Node {
  enum class Kind { kText, kMacro, kName, kAction, kBranches, kBreak, kContinue, kTemplate };
  Kind kind = Kind::kText;
  /// Where it stands in the source.
  Offset at = 0;
  Offset end = 0;
  /// The text, or which template.
  std::string text;
  /// Of kMacro: in Tree::holes; of kName: in Tree::variables.
  std::size_t index = 0;
  /// One, or none.
  std::vector<Pipe> pipe;
  /// {{if}} with its {{else if}}, {{with}} with its {{else with}}, one {{range}}.
  std::vector<Branch> branches;
  std::vector<Node> otherwise;
};

struct Branch {
  enum class Kind { kIf, kWith, kRange };
  Kind kind = Kind::kIf;
  Offset at = 0;
  Offset end = 0;
  Pipe pipe;
  std::vector<Node> body;
};

/// A macro, and where it stands in the text.
struct Hole {
  Macro macro;
  Offset begin = 0;
  Offset end = 0;
  bool trims_left = false;
  bool trims_right = false;
  /// What stands there by now.
  std::optional<std::string> filled;
};

struct Template::Tree {
  Syntax syntax = Syntax::kBraces;
  std::string source;
  /// The source with the macros that have a value, once there are some.
  std::optional<std::string> expanded;
  std::vector<Node> root;
  std::map<std::string, std::vector<Node>, std::less<>> defined;
  std::vector<Variable> variables;
  std::vector<Hole> holes;
  /// Of the holes that are not filled.
  std::vector<Macro> macros;
};

/// A template may lie in itself, and parentheses in each other, at most so deep.
inline constexpr std::size_t kMaxNesting = 100;
/// More faults of one template are not looked for.
inline constexpr std::size_t kMaxFaults = 100;

/// Both leave what they could not read out of the tree.
[[nodiscard]] Template::Tree parse_braces(std::string_view text, std::vector<Fault>& faults);
[[nodiscard]] Template::Tree parse_dollars(std::string_view text, std::vector<Fault>& faults);

}  // namespace lathe::templates
