#pragma once

#include <string>
#include <vector>

#include "lathe/base/result.h"
#include "lathe/cli/options.h"

namespace lathe::cli {

struct CommandLine {
  Options options;
  /// --embedded
  bool embedded = false;
};

/// Reads a command line (without the program's name). Errors are `invalid` and name the argument, with the nearest name
/// in the hint. A single argument that holds a space is a prompt for `exec`. Touches nothing outside.
[[nodiscard]] base::Result<CommandLine> parse(std::vector<std::string> args, const std::string& version);

}  // namespace lathe::cli
