#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "lathe/keeper/program/supervisor.h"
#include "lathe/sandbox/command_jail.h"

namespace lathe::keeper {

/// The spec of a command, parsed (protocol.h).
struct Spec {
  std::string bytes;
  const char* cwd = nullptr;
  std::vector<char*> argv;
  std::vector<char*> env;
  /// Absent: not confined.
  std::optional<sandbox::CommandJail> jail;
};

/// 0, or an errno.
[[nodiscard]] int read_spec(int fd, Spec& spec);

struct CommandFailure {
  Report::Stage stage;
  int error;
  char detail[sizeof Report::detail];
};

/// In the forked child: becomes the command, or writes a CommandFailure to the pipe and exits.
[[noreturn]] void become_command(const Spec& spec, const RunSetup& setup, int failure_pipe, pid_t supervisor);

}  // namespace lathe::keeper
