#pragma once

#include <utility>

#include "lathe/runtime/subprocess.h"
#include "lathe/undo/git_objects.h"

namespace lathe::undo {

inline runtime::Async<base::Result<runtime::CommandOutput>> run_git_unjailed(runtime::Loop* loop,
                                                                             ports::JailedProgram call) {
  runtime::CommandOptions options;
  options.spawn = {.argv = std::move(call.argv), .env = std::move(call.env), .cwd = std::move(call.folder)};
  options.input = std::move(call.input);
  options.max_output_bytes = call.max_output_bytes;
  co_return co_await runtime::run_command(*loop, std::move(options), runtime::CancelToken());
}

/// For tests of what is asked of git, not of how it is confined.
inline ports::RunJailed unjailed_git(runtime::Loop& loop) {
  return [&loop](ports::JailedProgram call) { return run_git_unjailed(&loop, std::move(call)); };
}

}  // namespace lathe::undo
