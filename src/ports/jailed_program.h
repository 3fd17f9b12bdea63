#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "lathe/base/result.h"
#include "lathe/runtime/async.h"
#include "lathe/runtime/subprocess.h"

namespace lathe::ports {

/// A program that Lathe itself runs over what a workspace holds (git): it can write nothing but a temporary folder,
/// reaches nobody, and sees of the person's files what is named here.
struct JailedProgram {
  std::vector<std::string> argv;
  /// The whole environment, "NAME=value".
  std::vector<std::string> env;
  /// Where it works; made before.
  std::string folder;
  std::vector<std::string> readable;
  std::string input;
  std::size_t max_output_bytes = 0;
};

/// Runs it, to whatever end. Errors: no jail can be had (as for commands, unless the person waives it), it cannot be
/// started, it takes too long. Loop thread.
using RunJailed = std::function<runtime::Async<base::Result<runtime::CommandOutput>>(JailedProgram)>;

}  // namespace lathe::ports
