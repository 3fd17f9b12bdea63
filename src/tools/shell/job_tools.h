#pragma once

#include <chrono>
#include <memory>
#include <vector>

#include "lathe/ports/job_runner.h"
#include "lathe/ports/tool.h"
#include "lathe/runtime/loop.h"

namespace lathe::tools::shell {

/// `write_stdin`, `job_list`, `job_log`, `job_wait`, `job_kill`. The runner outlives them.
[[nodiscard]] std::vector<std::unique_ptr<ports::Tool>> make_job_tools(ports::JobRunner& jobs);

/// Of what came since the model was last told, it gets the newest so many bytes.
inline constexpr std::size_t kNewOutputBytes = 64U << 10;

/// Holds a job for the time of one call, so that this call tells the model should it end meanwhile.
class JobHold final {
 public:
  enum class Taken { kNow, kAtStart };
  JobHold(ports::JobRunner& jobs, std::string job, Taken taken) : jobs_(jobs), job_(std::move(job)) {
    if (taken == Taken::kNow) jobs_.hold(job_);
  }
  ~JobHold() { jobs_.release(job_); }
  JobHold(const JobHold&) = delete;
  JobHold& operator=(const JobHold&) = delete;

 private:
  ports::JobRunner& jobs_;
  const std::string job_;
};

/// Waits for the job, then gives what is new of its output and whether it runs or how it ended. The caller holds it.
[[nodiscard]] runtime::Async<base::Result<ports::RunResult>> report_job(ports::JobRunner* jobs, std::string job,
                                                                        std::chrono::milliseconds span,
                                                                        ports::OutputSink* out,
                                                                        runtime::CancelToken cancel);

}  // namespace lathe::tools::shell
