#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "lathe/base/ids.h"
#include "lathe/ports/blob_store.h"
#include "lathe/ports/job_runner.h"
#include "lathe/ports/session_state.h"
#include "lathe/runtime/loop.h"
#include "lathe/runtime/signal.h"
#include "lathe/tools/shell/keeper_command_runner.h"
#include "lathe/tools/shell/keeper_set.h"

namespace lathe::tools::shell {

/// Has to know when commands go on beside the calls. Loop thread.
class JobObserver {
 public:
  enum class Start {
    kNew,
    /// It was running before, and the process that had started it died.
    kTakenOver,
  };
  virtual ~JobObserver() = default;
  /// Before a job is started or taken over.
  virtual void job_begins(Start start) = 0;
  /// It has ended, or could not start.
  virtual void job_ended() = 0;
};

struct JobOptions {
  std::size_t most_live = 64;
  /// Output of ended ones stays readable that long; their records and blobs stay for good.
  std::size_t most_ended = 32;
  keeper::Limits limits{.output_bytes = std::uint64_t{4} << 30};
  /// Gets ends that no call tells, and passing events with what live jobs write. May be empty.
  ports::RecordEvent record = {};
  /// May be null.
  JobObserver* observer = nullptr;
  JailSight sight = {};
  /// What no record and no blob may hold. May be empty.
  std::function<std::vector<std::string>()> secrets = {};
};

/// Background jobs and live terminals over the session's keepers (ports/job_runner.h). stop() is awaited before the
/// KeeperSet's.
class KeeperJobs final : public ports::JobRunner {
 public:
  KeeperJobs(runtime::Loop& loop, KeeperSet& keepers, ports::BlobStore& blobs, JobOptions options);
  ~KeeperJobs() override;

  [[nodiscard]] std::string new_job() override;
  runtime::Async<base::Result<void>> start(ports::JobSpec spec) override;
  runtime::Async<base::Result<void>> write(std::string job, std::string text) override;
  base::Result<void> close_input(const std::string& job) override;
  base::Result<void> resize(const std::string& job, unsigned columns, unsigned rows) override;
  runtime::Async<base::Result<void>> wait(std::string job, std::chrono::milliseconds span,
                                          runtime::CancelToken cancel) override;
  [[nodiscard]] base::Result<ports::JobOutput> read(const std::string& job, std::uint64_t from,
                                                    std::size_t most) override;
  [[nodiscard]] base::Result<ports::JobOutput> read_new(const std::string& job, std::size_t most) override;
  runtime::Async<base::Result<void>> kill(std::string job) override;
  [[nodiscard]] std::vector<ports::JobStatus> list() const override;
  [[nodiscard]] base::Result<ports::JobStatus> status(const std::string& job) const override;
  void hold(const std::string& job) override;
  void release(const std::string& job) override;
  [[nodiscard]] runtime::Async<std::string> hidden(std::string job) override;
  [[nodiscard]] std::optional<protocol::JobEnd> take_end(const std::string& job) override;

  /// Takes over what the process before this one left behind: jobs go on as jobs; a command of a call goes on as a job
  /// too, or has ended meanwhile. Gives what is to be recorded of it.
  runtime::Async<std::vector<protocol::EventMsg>> recover(ports::SessionState state);
  /// Ends all jobs; their ends are told.
  runtime::Async<void> stop();
  /// From now on nothing of them is told here: they are the next process's.
  void leave();

 private:
  struct Job;
  using JobPtr = std::shared_ptr<Job>;

  [[nodiscard]] JobPtr find(const std::string& job) const;
  JobPtr add(std::string name, const ports::CommandSpec& spec, Started started);
  runtime::Async<void> make_room();
  void on_change(Job& job);
  void show_output(Job& job);
  void finish(Job& job);
  void begin_one(JobObserver::Start start) const;
  void end_one() const;
  [[nodiscard]] std::string without_secrets(std::string text) const;
  void tell(Job& job);
  void forget_oldest();
  std::vector<protocol::EventMsg> recover_call(const ports::CallEntry& call, const ports::SessionState& state,
                                               Started started);

  runtime::Loop& loop_;
  KeeperSet& keepers_;
  ports::BlobStore& blobs_;
  const JobOptions options_;
  base::SystemRandom random_;
  std::deque<JobPtr> jobs_;
};

}  // namespace lathe::tools::shell
