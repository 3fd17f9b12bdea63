#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "lathe/ports/command_runner.h"
#include "lathe/ports/job_runner.h"
#include "lathe/ports/tool.h"

namespace lathe::tools::shell {

struct ShellOptions {
  /// Outlives the tools.
  ports::CommandRunner* runner = nullptr;
  /// Outlives the tools.
  ports::JobRunner* jobs = nullptr;
  /// The environment that commands get, usually command_environment(); "NAME=value".
  std::vector<std::string> environment;
  /// bash where there is one, else sh: default_shell().
  std::string shell;
  std::chrono::milliseconds least_timeout{1'000};
  std::chrono::milliseconds default_timeout{120'000};
  std::chrono::milliseconds most_timeout{600'000};
  /// Gets a command that is nothing but `apply_patch <<EOF …`, as an ordinary call. May be null. Outlives the tools.
  ports::Tool* apply_patch = nullptr;
};

/// The tool `shell`: one command, run to its end, in the background or in a live terminal; and the tools of jobs.
[[nodiscard]] std::vector<std::unique_ptr<ports::Tool>> make_shell_tools(ShellOptions options);

/// /bin/bash, or /bin/sh.
[[nodiscard]] std::string default_shell();

}  // namespace lathe::tools::shell
