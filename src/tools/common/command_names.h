#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lathe/base/result.h"

namespace lathe::tools::common {

/// What a line of shell would start, as far as its text tells.
struct CommandNames {
  /// The words in command position, as written; builtins that start nothing (cd, test, …) are left out.
  std::vector<std::string> started;
  /// Every word, unquoted.
  std::vector<std::string> words;
  friend bool operator==(const CommandNames&, const CommandNames&) = default;
};

/// Reads simple commands with pipes, lists, groups, conditions, loops, redirections and assignments. Whatever could
/// start something that the text does not name is refused, not guessed: substitutions, here-documents, functions, a
/// variable or pattern in command position, assignments that change what a name means. Errors: `invalid` with what it
/// is. For lists of allowed and denied names (tool policies); what a command really can do is decided by the jail.
[[nodiscard]] base::Result<CommandNames> command_names(std::string_view script);

}  // namespace lathe::tools::common
