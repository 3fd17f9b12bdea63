#pragma once

#include <string>

#include "lathe/cli/context.h"
#include "lathe/cli/options.h"
#include "lathe/protocol/ops.h"

// From options to what is asked of the engine; shared by exec, chat and answers to approvals.

namespace lathe::cli {

/// A file or folder among the options that is not there, or is something else, is an error.
[[nodiscard]] base::Result<client::OpenOptions> open_options(const TaskOptions& task);

/// What happens to questions: "tty" needs a terminal; without a word it is asked there when there is one, else denied.
[[nodiscard]] base::Result<protocol::AskMode> ask_mode(const Context& context, const TaskOptions& task);

/// The op that makes a new session as the options say; its folder is the current one unless they name another.
[[nodiscard]] base::Result<protocol::ConfigureSession> new_session(const TaskOptions& task, protocol::AskMode ask);
/// The op that continues a session: only what the options name changes.
[[nodiscard]] base::Result<protocol::ConfigureSession> same_session(const TaskOptions& task, protocol::AskMode ask);

/// The ceilings that the options name, --timeout among them.
[[nodiscard]] std::optional<protocol::Budget> task_budget(const TaskOptions& task);
/// When a Task that its --timeout did not end is interrupted: the engine ends one whose time is over, and says so in
/// its records; this is for one that does not start, or not end.
[[nodiscard]] runtime::Deadline task_deadline(const runtime::Loop& loop, const TaskOptions& task);
/// The prompt with the images, the schema and the ceilings that the options name. A file that cannot be read is an
/// error.
[[nodiscard]] base::Result<protocol::UserInput> user_input(const TaskOptions& task, std::string prompt);

/// What becomes of a Task that runs in a session which is continued.
enum class Busy {
  /// It is left alone, and the session is not entered.
  kRefuse,
  /// It is told what is said, and keeps its settings: one that the options name is refused.
  kSteer,
  /// It is ended.
  kReplace,
};

/// Which session a command works in.
struct Entry {
  /// Id, start of an id, or "last"; empty: a new one.
  std::string resume = {};
  /// A fork of it.
  bool fork = false;
  /// The Turn that the fork continues from; empty: the last.
  std::string fork_at = {};
  Busy busy = Busy::kRefuse;
};
/// The session that a command works in.
struct Entered {
  std::string session;
  /// New, or a new fork.
  bool made = false;
  /// The last record of the process before this one, where that died in a Task: what was under way then is recorded
  /// after it.
  std::optional<std::int64_t> recovered_after = std::nullopt;
};
/// Makes or continues a session, which this client is subscribed to then.
runtime::Async<base::Result<Entered>> enter_session(Context* context, client::Transport* transport, TaskOptions task,
                                                    Entry entry);
/// Removes a session that was made for something which `refusal` then refused. Where that is nothing that the person
/// must mend, one is left in which anything was said.
runtime::Async<void> take_back(client::Transport* transport, Entered entered, base::Error refusal);
/// Removes a session that was made and in which nothing was said; whether it did.
runtime::Async<bool> take_back_unused(client::Transport* transport, Entered entered);

}  // namespace lathe::cli
