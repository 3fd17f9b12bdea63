#pragma once

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "lathe/cli/ask_person.h"
#include "lathe/cli/context.h"
#include "lathe/cli/task_end.h"
#include "lathe/cli/task_view.h"
#include "lathe/cli/term/screen.h"
#include "lathe/cli/term/stops.h"
#include "lathe/runtime/scope.h"

namespace lathe::cli {

/// What following a Task needs; everything pointed to outlives it.
struct FollowRequest {
  client::Transport* transport = nullptr;
  std::string session;
  /// Records up to this one belong to what was before the Task.
  std::int64_t after_seq = 0;
  TaskView* view = nullptr;
  Screen* screen = nullptr;
  Stops* stops = nullptr;
  /// Null: questions are answered elsewhere.
  Asker* asker = nullptr;
  /// When the Task is interrupted with StopCause::kTimeout.
  runtime::Deadline deadline = runtime::Deadline::never();
  /// More text behind the status, such as how to stop it.
  std::string hint = {};
};

/// Shows a Task that runs in a session until it ends: renders events, answers questions, turns Ctrl-C, signals and the
/// deadline into one Interrupt, and waits for its end at most 10 s longer. When stdout can no longer be written, the
/// Task is interrupted too. Subscribes again when it was too slow. Used once; lives in the frame that awaits run().
///
/// Questions are listed together and asked one after the other, while events are still taken in: those that come
/// meanwhile join the list, one that is settled elsewhere is withdrawn, and all else is held until the person answered.
class TaskFollower final {
 public:
  /// The Task's end has come, although it may not be shown yet.
  [[nodiscard]] bool ended() const { return end_.has_value(); }
  /// The last record that was shown.
  [[nodiscard]] std::int64_t last_seq() const { return last_seq_; }
  /// Why it asked for the Task's end, if it did.
  [[nodiscard]] std::optional<StopCause> stop_cause() const { return watch_.stop_cause(); }
  TaskFollower(Context& context, FollowRequest request);
  runtime::Async<base::Result<TaskEnd>> run();

 private:
  /// A question and the session that asks.
  struct Waiting {
    std::string session;
    /// Of its record in that session.
    std::int64_t seq = 0;
    protocol::EventMsg question;
  };
  runtime::Async<base::Result<TaskEnd>> follow();
  runtime::Async<base::Result<TaskEnd>> watch_events();
  runtime::Async<base::Result<void>> take(client::Delivery delivery);
  void take_question(client::Delivery delivery);
  void forget_settled(const protocol::EventMsg& msg);
  runtime::Async<void> flush();
  /// Asks until no question waits, and shows what was held meanwhile.
  runtime::Async<void> answer_all();
  runtime::Async<void> answer_next();
  runtime::Async<base::Result<protocol::Op>> ask(Waiting waiting);
  /// Lists what came while a question is shown.
  void tell_more();
  [[nodiscard]] std::string waiting_list() const;
  [[nodiscard]] std::string label_of(const Waiting& waiting) const;
  /// No answer is wanted any more.
  [[nodiscard]] bool is_over() const { return over_ || watch_.stop_cause().has_value(); }
  /// The arguments of the call that a question is about. Calls of sub-agents do not come here: theirs are read from
  /// their sessions.
  runtime::Async<base::Result<std::string>> arguments_of(Waiting waiting);
  runtime::Async<base::Result<void>> subscribe_again();
  runtime::Async<void> watch_stops();
  runtime::Async<void> stop(StopCause cause);
  runtime::Async<void> spin();
  void update_status();

  Context& context_;
  FollowRequest request_;
  TaskEndWatch watch_;
  std::optional<TaskEnd> end_;
  std::vector<Piece> pieces_;
  std::int64_t last_seq_ = 0;
  base::MonoTime started_;
  std::size_t frame_ = 0;
  bool asking_ = false;
  bool over_ = false;
  /// Those that are not shown yet, and the one that is.
  std::deque<Waiting> questions_;
  std::optional<Waiting> shown_;
  /// Questions came since they were listed.
  bool unlisted_ = false;
  /// Arguments of the calls of the last answer of the model of this session, by call id.
  std::map<std::string, std::string> arguments_;
  /// Set when stdout or stderr failed; the rest of the Task is not shown.
  std::optional<base::Error> output_error_;
  runtime::CancelSource question_;
  runtime::CancelSource give_up_;
  runtime::Timer give_up_timer_;
  runtime::Timer expiry_timer_;
  runtime::Scope answering_;
  runtime::Scope scope_;
};

}  // namespace lathe::cli
