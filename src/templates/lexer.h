#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lathe/templates/template.h"

namespace lathe::templates {

struct Token {
  enum class Kind {
    /// "."
    kDot,
    /// ".name"; `word` is the name.
    kField,
    /// "$" or "$name".
    kVariable,
    /// A function or a keyword.
    kWord,
    kText,
    kInt,
    kFloat,
    kBool,
    kNil,
    /// From here on: what is between values.
    kPipe,
    kDeclare,
    kAssign,
    kComma,
    kOpen,
    kClose,
    /// The end of the action.
    kEnd,
  };
  Kind kind = Kind::kEnd;
  Offset at = 0;
  /// Space stands before it.
  bool spaced = true;
  std::string_view word = {};
  std::string text = {};
  std::int64_t whole = 0;
  double real = 0;
};

/// The tokens of one action, with a kEnd behind them.
struct Action {
  std::vector<Token> tokens;
  /// Past the "}}".
  Offset end = 0;
  bool trims_right = false;
  /// There is no "}}".
  bool open = false;
  /// A fault was found: the tokens are those before it.
  bool broken = false;
};

/// Reads the action whose inside begins at `begin`, which is past its "{{" and its trim marker.
[[nodiscard]] Action read_action(std::string_view text, Offset begin, std::vector<Fault>& faults);

/// What Go's templates trim.
[[nodiscard]] constexpr bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }
[[nodiscard]] constexpr bool is_name_byte(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80;
}

}  // namespace lathe::templates
