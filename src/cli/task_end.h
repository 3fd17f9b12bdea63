#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "lathe/cli/main.h"
#include "lathe/protocol/frames.h"

namespace lathe::cli {

/// Why this front end asked for a Task's end.
enum class StopCause { kPerson, kTimeout, kSignal, kReaderGone };

/// How a Task ended, for the one who started it.
struct TaskEnd {
  ExitCode code = kDone;
  std::string last_message;
  struct Waiting {
    std::string question;
    /// The model asked for words, not for an approval.
    bool wants_text = false;
    friend bool operator==(const Waiting&, const Waiting&) = default;
  };
  /// What it waits for, when it is parked.
  std::vector<Waiting> questions = {};
  /// Background jobs of the session that still run, with their commands.
  std::vector<std::pair<std::string, std::string>> jobs = {};
  friend bool operator==(const TaskEnd&, const TaskEnd&) = default;
};

/// "lathe approvals answer ID --approve (or --deny, --abort)"
[[nodiscard]] std::string how_to_answer(const TaskEnd::Waiting& waiting);

/// Watches a session's events for the end of one Task. Pure.
class TaskEndWatch final {
 public:
  /// Records up to `after_seq` belong to what was before.
  explicit TaskEndWatch(std::int64_t after_seq) : after_seq_(after_seq) {}

  /// This front end asked for the end; the first cause counts.
  void stopping(StopCause cause);
  [[nodiscard]] std::optional<StopCause> stop_cause() const { return cause_; }
  [[nodiscard]] std::optional<TaskEnd> observe(const protocol::Event& event);
  /// Background jobs that were seen to begin and not to end, with their commands.
  [[nodiscard]] const std::vector<std::pair<std::string, std::string>>& jobs() const { return jobs_; }

 private:
  [[nodiscard]] ExitCode stopped_code() const;
  void watch_jobs(const protocol::Event& event);
  [[nodiscard]] std::optional<TaskEnd> end_of(const protocol::Event& event) const;

  std::int64_t after_seq_;
  std::optional<StopCause> cause_;
  std::string last_message_;
  std::vector<std::pair<std::string, std::string>> jobs_;
  bool time_spent_ = false;
  std::set<std::string> text_questions_;
};

}  // namespace lathe::cli
