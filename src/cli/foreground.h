#pragma once

#include <memory>
#include <string>

#include "lathe/cli/follow_task.h"
#include "lathe/cli/options.h"

namespace lathe::cli {

/// Whether the files that a Task's end is to be written to can be written, before anything is spent. What is in them
/// stays.
[[nodiscard]] base::Result<void> check_output_files(const TaskOptions& task);

/// One Task shown to its end by a command that ends with it (exec, session resume, approvals answer): the view that the
/// options ask for, Ctrl-C, questions, the file for the last message, what to do when it parked. Signals are taken over
/// from its construction on.
class Foreground final {
 public:
  Foreground(Context& context, const TaskOptions& task, runtime::Deadline deadline);

  /// Follows the Task whose records come after `after_seq`, and gives the exit code. `recovered_after`: of Entered.
  runtime::Async<base::Result<ExitCode>> follow(client::Transport* engine, std::string session, std::int64_t after_seq,
                                                std::optional<std::int64_t> recovered_after = std::nullopt);

 private:
  [[nodiscard]] base::Result<void> write_last_message(const std::string& text) const;
  void tell_how_to_answer(const TaskEnd& end) const;

  Context& context_;
  TaskOptions task_;
  runtime::Deadline deadline_;
  std::unique_ptr<TaskView> view_;
  Screen screen_;
  Stops stops_;
  TerminalAsker asker_;
};

}  // namespace lathe::cli
