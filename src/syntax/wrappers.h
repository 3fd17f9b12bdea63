#pragma once

#include <cstddef>
#include <string_view>

#include "lathe/syntax/options.h"

// Programs that start the program named in their arguments, as data.

namespace lathe::syntax {

struct WrapperSpec {
  std::string_view name;
  /// All that it has: with an option that is not listed, what it starts is not known for certain.
  OptionNames options = {};
  /// Words before the command, behind the options.
  std::size_t operands = 0;
  /// NAME=value words may stand before the command.
  bool assignments = false;
  /// Whether it is judged itself besides what it starts: it gives other rights, writes files of its own, or starts more
  /// than its last words.
  enum class Judged { kNever, kWithOptions, kAlways };
  Judged judged = Judged::kNever;
  /// The rest of the words are joined and given to a shell.
  bool joins = false;
  /// Options whose value is text for a shell, in place of a command; letters and names, separated by blanks.
  std::string_view text_options = "";
  /// Options with which it starts a shell when no command follows; "*": also without any.
  std::string_view shell_options = "";
  /// Options with which what it starts runs in another folder than itself; "*": also without any.
  std::string_view elsewhere_options = "";
  /// Its options stand anywhere among its words, of which a command is made only with one of `command_options`.
  bool permutes = false;
  std::string_view command_options = "";
};

[[nodiscard]] const WrapperSpec* find_wrapper(std::string_view name);
[[nodiscard]] bool is_shell(std::string_view name);

}  // namespace lathe::syntax
