#pragma once

#include <span>
#include <string>
#include <vector>

#include "lathe/templates/lexer.h"
#include "lathe/templates/tree.h"

namespace lathe::templates {

/// What is known where a pipeline stands.
struct PipeContext {
  /// The variables that it may name, the newest last. What it declares comes behind them.
  std::vector<std::string>& variables;
  /// Where it notes what it takes from the values.
  std::vector<Variable>& uses;
  std::vector<Fault>& faults;
  /// "." is what the template is rendered over.
  bool dot_is_root = true;
  /// So is "$".
  bool dollar_is_root = true;
  bool in_range = false;
};

/// Reads the pipeline that the tokens up to the kEnd are. A fault ends it.
[[nodiscard]] Pipe read_pipe(std::span<const Token> tokens, const PipeContext& context);

/// Words with a meaning of their own, which no function has as its name.
[[nodiscard]] bool is_keyword(std::string_view word);

}  // namespace lathe::templates
