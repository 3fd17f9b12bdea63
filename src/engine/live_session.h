#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "lathe/base/clock.h"
#include "lathe/engine/child_sessions.h"
#include "lathe/engine/event_feed.h"
#include "lathe/engine/parts.h"
#include "lathe/engine/session_family.h"
#include "lathe/engine/task_host.h"
#include "lathe/engine/task_outcome.h"
#include "lathe/ports/driver.h"
#include "lathe/protocol/frames.h"
#include "lathe/runtime/async_mutex.h"
#include "lathe/runtime/cancel.h"
#include "lathe/runtime/channel.h"
#include "lathe/runtime/scope.h"
#include "lathe/runtime/signal.h"

// One session that this engine holds. Ops are handled one after the other by a worker coroutine; the Task runs beside
// it, so that answers, steering and interrupts reach it. Loop thread.
//
//            user_input               driver done: record the end
//   idle ---------------> running ------------------------------> idle
//     ^                     |  |
//     |   user_input        |  +-- a question and nobody there --> parked --- answer ---> running
//     |   (replace), interrupt, reconfigure, shutdown: cancel, wait for the driver, record turn_aborted
//     +---------------------+
//
// Whoever begins, ends or goes on with a Task, or brings files back, has the session to itself meanwhile (alone()): an
// op, but also a call that is answered beside the worker. Each of them finds what the one before it left.

namespace lathe::engine {

/// The Task that a driver is running, and what whoever cancels it wants recorded.
struct RunningTask {
  explicit RunningTask(base::MonoTime now) : since(now) {}
  /// When it began, or went on.
  base::MonoTime since;
  runtime::CancelSource cancel;
  protocol::AbortReason reason = protocol::AbortReason::kInterrupted;
  /// "<client>/<op id>" of the op that ends it.
  std::string by;
  /// Its driver is done, and its end is being recorded.
  bool ending = false;
};

class LiveSession final {
 public:
  /// Takes over an open stream; records what an earlier process left unfinished. `config` is the first
  /// session_configured of a new session, `context` what the process before this one had for it.
  static runtime::Async<base::Result<std::unique_ptr<LiveSession>>> start(
      EngineParts& parts, SessionFamily& family, std::unique_ptr<ports::SessionStream> stream,
      std::optional<protocol::SessionConfigured> config, std::string by, SharedContext context = {});
  LiveSession(EngineParts& parts, SessionFamily& family, std::unique_ptr<ports::SessionStream> stream);
  ~LiveSession();

  /// Done when the submission is acknowledged: the record that tells of it is appended.
  /// `who`: the client as others are told of it.
  runtime::Async<base::Result<protocol::Ack>> submit(protocol::Op op, std::string op_id, std::string client,
                                                     std::string who = "");
  /// Answers a question of whatever kind.
  runtime::Async<base::Result<std::int64_t>> answer(protocol::ApprovalAnswer answer, SettledBy by);
  /// Goes on with a parked Task all of whose questions are answered. `budget` is put over the Task's own until it parks
  /// again; its time begins now.
  runtime::Async<base::Result<std::int64_t>> go_on(std::optional<protocol::Budget> budget = std::nullopt);

  /// To whoever looks at it: its Task has its answers and waits all the same.
  runtime::Async<void> tell_not_continued(base::Error why);

  /// Brings files back, or only tells what would be. `unavailable` while a Task runs.
  runtime::Async<base::Result<protocol::UndoReply>> undo(protocol::Undo call, std::string by);

  /// Of the client that works with it: what runs in it has that around it from now on; while a job lives, what the job
  /// has.
  void use_context(SharedContext context);
  [[nodiscard]] const SharedContext& context() const { return context_; }
  /// Takes no new work from now on, and has the Task that runs stop at its Turn's edge; at the end jobs are left to the
  /// next process.
  void hand_over();
  /// Goes on with a Task that the process before this one handed over. Where that cannot be, the session says why, and
  /// the Task waits for a person.
  runtime::Async<void> take_over();
  /// No new work is taken.
  [[nodiscard]] static base::Error handing_over_error();
  /// What is the next process's: a Task that was handed over, or jobs.
  [[nodiscard]] bool leaves_work() const;
  void audience_changed() { host_.audience_changed(); }
  [[nodiscard]] EventFeed& feed() { return feed_; }
  [[nodiscard]] const ports::SessionState& state() const { return stream_->state(); }
  [[nodiscard]] std::size_t keepers() const { return driver_ ? driver_->keepers() : 0; }
  [[nodiscard]] bool running() const { return running_.has_value(); }
  /// How it stands where its stream did not take that its Task ended or parked.
  [[nodiscard]] std::optional<protocol::SessionState> unrecorded_state() const;
  /// A Task runs, or a call is being answered.
  [[nodiscard]] bool busy() const { return running() || visits_ > 0; }
  /// An op or a call is being answered, for which other sessions may have to be opened. Who keeps those from being
  /// opened does not wait for its end.
  [[nodiscard]] bool answering() const { return handling_ || visits_ > 0; }
  /// Nobody looks at it, nothing runs in it or waits to, no job of it lives, and it is no other session's agent: it can
  /// be closed, and opened again when someone comes.
  [[nodiscard]] bool forsaken() const;

  /// This session is a sub-agent's and its parent runs here; `on_end` is told when its Task ends or parks.
  void tie_to(ParentLink link, std::function<void(TaskOutcome)> on_end);
  void untie();
  /// What the Task has used, agents that run included.
  [[nodiscard]] ports::AgentUse use() const;

  /// Ends the Task (as shutdown), and everything else, once the calls under way are answered; nothing may be submitted
  /// after.
  runtime::Async<void> close();

 private:
  /// A call that is answered beside the worker. While there is one the session is not closed.
  class Visit final {
   public:
    explicit Visit(LiveSession& session) : session_(session) { ++session_.visits_; }
    ~Visit() {
      if (--session_.visits_ == 0) session_.visits_ended_.notify();
    }
    Visit(const Visit&) = delete;
    Visit& operator=(const Visit&) = delete;

   private:
    LiveSession& session_;
  };

  static constexpr std::size_t kMaxWaitingOps = 1000;
  /// Room for what the session itself sends: the next input that waited, and its own end. A few at most are on their
  /// way.
  static constexpr std::size_t kOwnOps = 16;
  struct Pending {
    protocol::Op op;
    std::string op_id;
    std::string by;
    using Done = std::shared_ptr<runtime::OneShot<base::Result<std::int64_t>>>;  // the submitter may be gone first
    Done done;
    /// Those who submitted the same again while this one waited.
    std::vector<Done> repeats = {};
    /// It waited for the end of a Task, and the next one that waits comes after it.
    bool was_queued = false;
    /// Who submitted it, as others are told.
    std::string who = {};

    void settle(const base::Result<std::int64_t>& result) const {
      done->set(result);
      for (const Done& repeat : repeats) repeat->set(result);
    }
  };
  /// The record of a submission that was acknowledged before.
  [[nodiscard]] std::optional<std::int64_t> acknowledged_seq(const std::string& by) const;
  [[nodiscard]] base::Error closing_error() const;
  void refuse_queued();
  /// `handing_over` when no new work is taken.
  [[nodiscard]] base::Result<void> check_takes_work() const;
  using Seq = runtime::Async<base::Result<std::int64_t>>;

  /// Waits until nobody else has the session and no Task is just ending.
  runtime::Async<runtime::AsyncMutex::Holder> alone();
  runtime::Async<void> work();
  /// Queues what was submitted, or handles it.
  runtime::Async<void> take(Pending pending);
  Seq handle(const Pending& pending);
  Seq configure(protocol::ConfigureSession op, std::string by);
  Seq input(protocol::UserInput op, std::string op_id, std::string by);
  Seq steer(std::vector<protocol::ContentPart> content, std::string by);
  Seq interrupt(std::string by);
  Seq shut_down(std::string by);
  Seq set_model(protocol::SetModel op, std::string by);
  Seq rollback(protocol::Rollback op, std::string by);
  /// go_on() for who has the session.
  Seq resume_parked(std::optional<protocol::Budget> budget);
  Seq start_task(std::optional<protocol::UserInput> op, std::string op_id, std::string by);
  [[nodiscard]] base::Result<ports::Bookmark> find_bookmark(const std::string& response_id) const;
  runtime::Async<base::Result<void>> continue_from(std::string response_id);
  /// Before a Task: what changed of the person's files holds from now on, and what is wrong with them is told.
  runtime::Async<base::Result<void>> take_settings();
  /// Before a Task that starts, after take_settings(): records the configuration where they changed it.
  runtime::Async<base::Result<void>> follow_settings();
  runtime::Async<base::Result<void>> resolve_models();
  /// Before a Task, in a process without a person of its own: what such a process would say to that person.
  runtime::Async<base::Result<void>> tell_warnings();
  /// Records what an earlier process left unfinished, and the configuration of a new session.
  runtime::Async<base::Result<void>> begin(std::optional<protocol::SessionConfigured> config, std::string by);
  runtime::Async<base::Result<void>> recover();
  /// The driver of the folder that the session works in.
  runtime::Async<base::Result<void>> ensure_driver();
  /// Nothing runs, nothing is asked, and no job lives: the driver is not needed.
  [[nodiscard]] bool at_rest() const;
  void rest_later();
  runtime::Async<void> let_driver_go();
  /// A driver's event that belongs to no call.
  void record_aside(protocol::EventMsg msg);
  runtime::Async<void> record_now(protocol::EventMsg msg);
  Seq type(protocol::TerminalInput op);
  Seq resize(protocol::TerminalResize op);

  /// The history of the folder that the session works in; null when none is kept.
  [[nodiscard]] ports::WorkspaceHistory* history();
  /// A point of the session: the record before it, and what it is called.
  struct UndoPoint {
    std::int64_t seq = 0;
    std::string name;
  };
  runtime::Async<base::Result<UndoPoint>> find_undo_point(protocol::Undo call);
  runtime::Async<base::Result<ports::RestoreReport>> restore_files(UndoPoint to, ports::RestoreMode mode,
                                                                   std::string by);
  /// What this session and, before it, the sub-agents that it spawned changed after that record.
  runtime::Async<base::Result<ports::RestoreReport>> restore_family(std::int64_t seq, ports::RestoreMode mode);
  runtime::Async<base::Result<ports::RestoreReport>> restore_own(std::int64_t seq, ports::RestoreMode mode);
  runtime::Async<base::Result<ports::RestoreReport>> restore_agent(std::string session, ports::RestoreMode mode);
  /// The whole of it, for a parent.
  runtime::Async<base::Result<ports::RestoreReport>> restore_as_visit(ports::RestoreMode mode);
  /// The process that ran them died with the Task.
  runtime::Async<base::Result<void>> record_lost_agents();

  /// Cancels the Task that runs or ends the one that is parked; gives the seq of its end.
  Seq end_task(protocol::AbortReason reason, std::string by);
  Seq record_end_of_parked(protocol::AbortReason reason, std::string by);
  runtime::Async<ports::TaskEnd> run_with_agents(ports::TaskRequest request);
  /// What the Task may still use, when it shares its budget with agents or with its parent.
  [[nodiscard]] std::optional<protocol::Budget> room() const;
  [[nodiscard]] TaskOutcome outcome_now(const ports::TaskEnd& end) const;
  void tell_parent(TaskOutcome outcome);
  enum class Begun { kNow, kBefore };
  runtime::Async<void> run_task(ports::TaskRequest request, Begun begun);
  runtime::Async<ports::TaskEnd> run_driver(ports::TaskRequest request);
  runtime::Async<base::Result<std::int64_t>> record_end(ports::TaskEnd end);
  /// How long the Task has run since it began or went on, whatever the wall clock was set to meanwhile.
  [[nodiscard]] std::int64_t ran_ms() const;
  [[nodiscard]] protocol::TaskParked parked_now() const;
  /// The stream takes no records: the end is told all the same, and kept until it does.
  void keep_end(const base::Error& why, ports::TaskEnd::Kind kind);
  /// What an earlier Task could not record, its last texts and its end. For who has the session, before anything else
  /// happens in it.
  runtime::Async<base::Result<void>> record_kept_end();
  runtime::Async<base::Result<std::int64_t>> record_abort(protocol::AbortReason reason, base::Error error,
                                                          std::string by);
  void start_queued();

  EngineParts& parts_;
  SessionFamily& family_;
  std::unique_ptr<ports::SessionStream> stream_;
  EventFeed feed_;
  SessionTaskHost host_;
  ChildSessions children_;
  ParentLink parent_;
  std::function<void(TaskOutcome)> on_end_;
  /// Of the Task that runs, ceilings that it does not name included.
  protocol::Budget budget_;
  std::vector<ports::ResolvedModel> candidates_;
  /// By folder; each outlives the drivers that were made with it.
  std::map<std::string, std::unique_ptr<ports::WorkspaceHistory>> histories_;
  SharedContext context_;
  std::unique_ptr<ports::Driver> driver_;
  /// A driver is ending, and another one is not made before it has.
  bool letting_go_ = false;
  runtime::Signal let_go_;
  runtime::Timer rest_timer_;
  /// What driver_ was made for.
  std::string driver_cwd_;
  protocol::SandboxMode driver_mode_ = protocol::SandboxMode::kWorkspaceWrite;
  protocol::NetworkMode driver_network_ = protocol::NetworkMode::kNone;
  std::vector<std::string> driver_hosts_;
  SharedContext driver_context_;
  std::uint64_t driver_settings_ = 0;
  /// SettingsState::generation, as of the last Task that began.
  std::uint64_t settings_ = 0;
  /// What tell_warnings() has told.
  std::set<std::string> warned_;
  std::optional<RunningTask> running_;
  /// The end of a Task that the stream did not take. It runs no more.
  std::optional<protocol::EventMsg> kept_end_;
  /// Held by who has the session.
  runtime::AsyncMutex changing_;
  int visits_ = 0;
  /// An op is being handled.
  bool handling_ = false;
  runtime::Signal visits_ended_;
  runtime::Signal task_ended_;
  runtime::Channel<Pending> ops_;
  std::deque<Pending> queued_;
  bool closing_ = false;
  bool hands_over_ = false;
  runtime::Scope scope_;
};

/// Reads the rules of the project that `cwd` is in, so that the gate has them. `trust_changed` when nothing may run or
/// change files there: before each Task, whether it starts or goes on, each answer to a parked one, and each undo.
runtime::Async<base::Result<void>> read_project_rules(EngineParts* parts, std::string cwd);

/// The configuration of a new session, or of an old one with some fields changed.
runtime::Async<base::Result<protocol::SessionConfigured>> make_configuration(
    EngineParts* parts, protocol::ConfigureSession op, std::optional<protocol::SessionConfigured> before,
    std::string session_id);

/// The configuration with what no client chose as the settings are by now.
base::Result<protocol::SessionConfigured> with_settings(const EngineParts& parts, protocol::SessionConfigured config);

}  // namespace lathe::engine
