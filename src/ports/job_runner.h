#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lathe/base/clock.h"
#include "lathe/base/result.h"
#include "lathe/ports/command_runner.h"
#include "lathe/protocol/events.h"
#include "lathe/runtime/async.h"
#include "lathe/runtime/cancel.h"

namespace lathe::ports {

struct JobSpec {
  /// JobRunner::new_job().
  std::string job;
  /// Its timeout and input do not count: a job runs until it ends or is ended.
  CommandSpec command;
  /// A live terminal instead of pipes.
  bool terminal = false;
};

struct JobStatus {
  std::string job;
  std::string call_id;
  std::vector<std::string> command;
  /// When it was started, by Clock::unix_now().
  base::UnixMillis started_at = 0;
  std::uint64_t output_bytes = 0;
  /// Absent: it runs.
  std::optional<protocol::JobEnd> end;
};

struct JobOutput {
  std::string text;
  /// Where in the output it begins, and where it ends.
  std::uint64_t from = 0;
  std::uint64_t next = 0;
  /// Bytes of the output so far.
  std::uint64_t total = 0;
};

/// Commands of one session that outlive the call that started them: background jobs and live terminals. They end with
/// the session. At most 64 live; starting one more ends the one that nobody wrote to or read from for the longest time.
/// Of the output of each, the first and the last 512 KiB are kept.
///
/// The end of a job is told once: to the call that holds it and takes the end (take_end), else to the session, which
/// records it and has the model told. Loop thread. Errors: `not_found` there is no such job.
class JobRunner {
 public:
  virtual ~JobRunner() = default;

  /// A name for a job to come.
  [[nodiscard]] virtual std::string new_job() = 0;
  /// Starts it, held once for the caller. Errors as CommandRunner::run(); then there is no such job.
  virtual runtime::Async<base::Result<void>> start(JobSpec spec) = 0;

  /// Types into it. `invalid` when it has ended; `timeout` when it takes nothing for some seconds.
  virtual runtime::Async<base::Result<void>> write(std::string job, std::string text) = 0;
  /// End of file for a job without a terminal.
  virtual base::Result<void> close_input(const std::string& job) = 0;
  /// `invalid` when it has no terminal.
  virtual base::Result<void> resize(const std::string& job, unsigned columns, unsigned rows) = 0;
  /// Waits until it ends, `span` is over or it is cancelled (which ends the waiting only); nothing of that is an error.
  virtual runtime::Async<base::Result<void>> wait(std::string job, std::chrono::milliseconds span,
                                                  runtime::CancelToken cancel) = 0;
  /// Its output from a place on, at most so many bytes; moves nothing.
  [[nodiscard]] virtual base::Result<JobOutput> read(const std::string& job, std::uint64_t from, std::size_t most) = 0;
  /// What came since this was last asked: at most so many bytes, the newest.
  [[nodiscard]] virtual base::Result<JobOutput> read_new(const std::string& job, std::size_t most) = 0;
  /// Ends the whole tree and waits until it is gone.
  virtual runtime::Async<base::Result<void>> kill(std::string job) = 0;

  /// Those that run and those that ended, oldest first.
  [[nodiscard]] virtual std::vector<JobStatus> list() const = 0;
  [[nodiscard]] virtual base::Result<JobStatus> status(const std::string& job) const = 0;

  // A call that may tell of the end itself holds the job meanwhile.
  virtual void hold(const std::string& job) = 0;
  virtual void release(const std::string& job) = 0;
  /// For a call that saw a job fail and offers it to a person (CommandExit::hidden): the line that misses what is there
  /// outside of the jail. Empty: none, or it told of a refusal (JobEnd::refused).
  [[nodiscard]] virtual runtime::Async<std::string> hidden(std::string job) = 0;
  /// The end, unless it was told already; whoever takes it tells.
  [[nodiscard]] virtual std::optional<protocol::JobEnd> take_end(const std::string& job) = 0;
};

/// Records an event that belongs to no call of the moment.
using RecordEvent = std::function<void(protocol::EventMsg)>;

[[nodiscard]] inline base::Error no_job(const std::string& job) {
  return {.code = base::codes::kNotFound, .message = "no live shell or job \"" + job + "\" in this session"};
}

/// How a result begins that tells the model of a job's end, so that it need not be told once more.
[[nodiscard]] inline std::string job_ended_words(const std::string& job) { return "Job " + job + " ended"; }

/// Whether a call's result tells the model of the job's end, in a line of its own.
[[nodiscard]] inline bool tells_job_end(std::string_view output, const std::string& job) {
  const std::string words = job_ended_words(job);
  return output.starts_with(words) || output.contains("\n" + words);
}

/// What the model is told where the jail stopped a job, with a line end; empty where it did not.
[[nodiscard]] inline std::string refusal_words(const protocol::JobEnd& end) {
  if (end.refused.empty()) return {};
  return "The sandbox may have refused it: " + end.refused +
         "\nIf it has to run outside the sandbox, call shell again with sandbox_permissions \"require_escalated\" and "
         "a "
         "justification; a person decides.\n";
}

/// "exit code 0", "was killed", …
[[nodiscard]] inline std::string describe(const protocol::JobEnd& end) {
  switch (end.state) {
    case protocol::JobState::kExited:
      return "exit code " + std::to_string(end.exit_code.value_or(0));
    case protocol::JobState::kKilled:
      return "it was killed";
    case protocol::JobState::kTimedOut:
      return "its time was over";
    case protocol::JobState::kLost:
      return "it was lost with the process that ran it; nothing more is known of it";
  }
  return "";
}

}  // namespace lathe::ports
