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
#include "lathe/protocol/session_calls.h"
#include "lathe/runtime/scope.h"

namespace lathe::cli {

/// Where a session was when this front end joined it, to follow it from Task to Task.
struct Joined {
  /// What subscribing told. Of the records up to last_seq only what is still open is asked.
  protocol::SessionSubscribeReply at;
  /// Questions that were open then, of records that do not come again.
  std::vector<protocol::EventMsg> open_questions = {};
};

/// What following a Task needs; everything pointed to outlives it.
struct FollowRequest {
  client::Transport* transport = nullptr;
  std::string session;
  /// Records up to this one belong to what was before the Task, or do not come.
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
  /// A person sees what is shown, so that lists need not call the session unread.
  bool person_reads = false;
  /// Follow the session instead, whatever Tasks come and go in it and whoever starts them, until leave().
  std::optional<Joined> joined = {};
};

/// Shows a Task that runs in a session until it ends: renders events, answers questions, turns Ctrl-C, signals and the
/// deadline into one Interrupt, and waits for its end at most 10 s longer. When stdout can no longer be written, the
/// Task is interrupted too. Subscribes again when it was too slow. Used once; lives in the frame that awaits run().
///
/// Of a session that it joined, it interrupts nothing unless told to, and leaves when output can no longer be written;
/// run() gives the end of the last Task that ended meanwhile, if any did. What stops it is for its owner to watch.
///
/// Questions are listed together and asked one after the other, while events are still taken in: those that come
/// meanwhile join the list, one that is settled elsewhere is withdrawn, and all else is held until the person answered.
/// Whether time is over for an answer is the engine's to say, which settles the question then: by the clock here it may
/// look so early or late.
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

  /// Of a session that was joined: a Task runs in it.
  [[nodiscard]] bool running() const { return state_ == protocol::SessionState::kRunning; }
  /// One waits there for a person.
  [[nodiscard]] bool parked() const { return state_ == protocol::SessionState::kParked; }
  /// Ends the Task that runs, as a person's Ctrl-C.
  runtime::Async<void> interrupt() { return stop(StopCause::kPerson); }
  /// Ends run(); nothing of the session changes.
  void leave();
  /// Leaves when this record was shown and no Task runs.
  void leave_when_idle(std::int64_t after_seq);

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
  /// What run() gives when it was told to give up or to leave.
  [[nodiscard]] TaskEnd given_up() const;
  runtime::Async<base::Result<void>> take(client::Delivery delivery);
  /// Says that what was shown so far was looked at.
  runtime::Async<void> mark_read();
  /// Notes Tasks that come and go in a session that was joined.
  void watch_session(const protocol::Event& event);
  /// From here on the next Task's end is watched for; `past`: that one may have ended long since.
  void watch_next(bool past);
  void leave_if_idle();
  /// Records come that were there when the session was joined.
  [[nodiscard]] bool catches_up() const { return request_.joined && last_seq_ < request_.joined->at.last_seq; }
  void take_question(client::Delivery delivery);
  /// Where nobody is asked here: how to answer from elsewhere.
  void tell_how_to_answer(const protocol::EventMsg& question);
  void forget_settled(const protocol::EventMsg& msg);
  runtime::Async<void> flush();
  /// Asks until no question waits, and shows what was held meanwhile.
  runtime::Async<void> answer_all();
  runtime::Async<void> answer_next();
  runtime::Async<base::Result<protocol::Op>> ask(Waiting waiting);
  runtime::Async<void> submit_answer(std::string session, protocol::Op answer);
  /// Has the Task that is parked go on with the answers that it has, where the engine by itself did not: whoever
  /// answered here may take away what is in the way.
  runtime::Async<void> go_on();
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
  /// Of a session that was joined.
  protocol::SessionState state_ = protocol::SessionState::kIdle;
  std::optional<TaskEnd> last_end_;
  std::optional<std::int64_t> leave_after_seq_;
  base::MonoTime started_;
  std::size_t frame_ = 0;
  bool asking_ = false;
  /// Pieces are on their way to the screen.
  bool showing_ = false;
  bool over_ = false;
  /// Those that are not shown yet, and the one that is.
  std::deque<Waiting> questions_;
  std::optional<Waiting> shown_;
  /// Questions came since they were listed.
  bool unlisted_ = false;
  /// Somebody answered here.
  bool answered_ = false;
  /// The Task has its answers and did not go on by them.
  bool not_continued_ = false;
  /// Arguments of the calls of the last answer of the model of this session, by call id.
  std::map<std::string, std::string> arguments_;
  /// Set when stdout or stderr failed; the rest of the Task is not shown.
  std::optional<base::Error> output_error_;
  runtime::CancelSource question_;
  runtime::CancelSource give_up_;
  runtime::Timer give_up_timer_;
  runtime::Scope answering_;
  runtime::Scope scope_;
};

}  // namespace lathe::cli
