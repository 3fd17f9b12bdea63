#include "lathe/tools/shell/keeper_command_runner.h"

#include <fmt/format.h>

#include "lathe/keeper/piped_command.h"

namespace lathe::tools::shell {

using base::Result;
using ports::CommandExit;
using protocol::CallStatus;
using protocol::OutputStream;
using runtime::Async;

namespace {

constexpr int kKilledExitCode = 137;
/// A jail that is planned anew because what it masks was swapped meanwhile.
constexpr int kMostPlans = 3;

CallStatus status_of(keeper::Ended ended) {
  switch (ended) {
    case keeper::Ended::kKilled:
      return CallStatus::kCancelled;
    case keeper::Ended::kTimedOut:
      return CallStatus::kTimedOut;
    case keeper::Ended::kExited:
    case keeper::Ended::kLost:
    case keeper::Ended::kProcesses:
    case keeper::Ended::kMemory:
    case keeper::Ended::kDisk:
    case keeper::Ended::kOutput:
      return CallStatus::kCompleted;
  }
  return CallStatus::kCompleted;
}

std::string exceeded(const keeper::Exit& exit) {
  switch (exit.ended) {
    case keeper::Ended::kProcesses:
      return "it started more processes than a command may have";
    case keeper::Ended::kMemory:
      return "it took more memory than a command may have (memory-bytes)";
    case keeper::Ended::kDisk:
      // The watcher sees what is free, not who took it.
      return exit.disk.empty() ? "its disk was nearly full"
                               : fmt::format("the disk of {} was nearly full, whoever filled it", exit.disk);
    case keeper::Ended::kOutput:
      return "it wrote more output than a job may write";
    case keeper::Ended::kExited:
    case keeper::Ended::kKilled:
    case keeper::Ended::kTimedOut:
    case keeper::Ended::kLost:
      return {};
  }
  return {};
}

}  // namespace

CommandExit command_exit(const keeper::Exit& exit, ports::OutputSink& out) {
  if (exit.ended == keeper::Ended::kLost) {
    out.write(OutputStream::kStderr, "[the command killed the process that watched it, and was ended]\n");
  }
  if (exit.survivors > 0) {
    out.write(OutputStream::kStderr, fmt::format("[{} processes of the command could not be ended]\n", exit.survivors));
  }
  CommandExit result{.status = status_of(exit.ended), .exit_code = exit.code, .exceeded = exceeded(exit)};
  if (!result.exceeded.empty()) {
    out.write(OutputStream::kStderr, fmt::format("[the command was ended with all it started: {}]\n", result.exceeded));
  }
  return result;
}

Async<std::string> hidden_line(JailSight sight, RefusalScan::Missing missing) {
  if (missing.paths.empty() || sight.pool == nullptr) co_return std::string();
  const bool hides = co_await sight.pool->run([&] { return is_hidden(missing.paths, sight.visible); });
  co_return hides ? std::move(missing.line) : std::string();
}

Async<Result<CommandExit>> KeeperCommandRunner::run(ports::CommandSpec spec, ports::OutputSink& out,
                                                    runtime::CancelToken cancel) {
  const base::MonoTime started = loop_.mono_now();
  const auto took = [&] { return std::chrono::duration_cast<std::chrono::milliseconds>(loop_.mono_now() - started); };
  RefusalScan scan;
  const auto on_output = [&](keeper::Output output, std::string_view bytes) {
    scan.add(bytes);
    out.write(output == keeper::Output::kStdout ? OutputStream::kStdout : OutputStream::kStderr, bytes);
  };
  for (int plans = 1;; ++plans) {
    if (cancel.cancelled()) {
      co_return CommandExit{.status = CallStatus::kCancelled, .exit_code = kKilledExitCode, .duration = took()};
    }
    keeper::Command command;
    command.name = spec.call_id;
    command.timeout = spec.timeout;
    command.input = spec.input.value_or("");
    CO_TRY(Started run, co_await keepers_.start(spec, std::move(command)));
    auto exit = co_await keeper::follow(loop_, *run.client, run.process, on_output, cancel);
    if (!exit.ok() && exit.error().retryable && run.confined && plans < kMostPlans) continue;
    if (!exit.ok()) co_return std::move(exit).error();
    CommandExit result = command_exit(*exit, out);
    result.duration = took();
    if (!run.confined) co_return result;
    result.refused = scan.refused(exit->code);
    if (result.refused.empty()) result.hidden = co_await hidden_line(sight_, scan.missing(exit->code));
    co_return result;
  }
}

}  // namespace lathe::tools::shell
