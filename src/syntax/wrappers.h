#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "lathe/syntax/shell.h"

// Programs that start the program named in their arguments, as data.

namespace lathe::syntax {

struct WrapperSpec {
  std::string_view name;
  /// Short options that take a value, as letters ("un" for -u X, -n X).
  std::string_view value_letters = "";
  /// Long options that take their value as the next word, separated by blanks.
  std::string_view value_names = "";
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
};

[[nodiscard]] std::span<const WrapperSpec> wrapper_specs();
[[nodiscard]] const WrapperSpec* find_wrapper(std::string_view name);
[[nodiscard]] bool is_shell(std::string_view name);

}  // namespace lathe::syntax
