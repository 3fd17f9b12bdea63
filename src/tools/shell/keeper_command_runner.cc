#include "lathe/tools/shell/keeper_command_runner.h"

#include <fmt/format.h>

#include "lathe/keeper/piped_command.h"
#include "lathe/runtime/files.h"

namespace lathe::tools::shell {

using base::Result;
using ports::CommandExit;
using protocol::CallStatus;
using protocol::OutputStream;
using runtime::Async;

namespace {

constexpr int kKilledExitCode = 137;

/// Ours, read without changing it: umask() could only set it, for all threads.
unsigned own_file_mode_mask() {
  constexpr std::string_view kLine = "\nUmask:\t";
  constexpr unsigned kUsual = 022;
  const auto status = runtime::read_file("/proc/self/status");
  if (!status.ok()) return kUsual;
  const std::size_t at = status->find(kLine);
  return at == std::string::npos ? kUsual
                                 : static_cast<unsigned>(std::stoul(status->substr(at + kLine.size()), nullptr, 8));
}

CallStatus status_of(keeper::Ended ended) {
  switch (ended) {
    case keeper::Ended::kExited:
    case keeper::Ended::kLost:
      return CallStatus::kCompleted;
    case keeper::Ended::kKilled:
      return CallStatus::kCancelled;
    case keeper::Ended::kTimedOut:
      return CallStatus::kTimedOut;
  }
  return CallStatus::kCompleted;
}

}  // namespace

KeeperCommandRunner::KeeperCommandRunner(runtime::Loop& loop, std::string keeper_program)
    : loop_(loop), file_mode_mask_(own_file_mode_mask()), client_(loop, std::move(keeper_program)) {}

Async<Result<CommandExit>> KeeperCommandRunner::run(ports::CommandSpec spec, ports::OutputSink& out,
                                                    runtime::CancelToken cancel) {
  const base::MonoTime started = loop_.mono_now();
  keeper::PipedCommand piped;
  piped.command = {.argv = std::move(spec.argv),
                   .cwd = std::move(spec.cwd),
                   .env = std::move(spec.env),
                   .timeout = spec.timeout,
                   .file_mode_mask = file_mode_mask_};
  piped.input = std::move(spec.input);
  piped.on_output = [sink = &out](keeper::Output output, std::string_view bytes) {
    sink->write(output == keeper::Output::kStdout ? OutputStream::kStdout : OutputStream::kStderr, bytes);
  };
  auto exit = co_await keeper::run_piped(loop_, client_, std::move(piped), cancel);
  const auto duration = std::chrono::duration_cast<std::chrono::milliseconds>(loop_.mono_now() - started);
  if (!exit.ok()) {
    // Cancelled before it was started.
    if (cancel.cancelled()) {
      co_return CommandExit{.status = CallStatus::kCancelled, .exit_code = kKilledExitCode, .duration = duration};
    }
    co_return std::move(exit).error();
  }
  if (exit->ended == keeper::Ended::kLost) {
    out.write(OutputStream::kStderr, "[the command killed the process that watched it, and was ended]\n");
  }
  if (exit->survivors > 0) {
    out.write(OutputStream::kStderr,
              fmt::format("[{} processes of the command could not be ended]\n", exit->survivors));
  }
  co_return CommandExit{.status = status_of(exit->ended), .exit_code = exit->code, .duration = duration};
}

Async<void> KeeperCommandRunner::stop() { return client_.stop(); }

}  // namespace lathe::tools::shell
