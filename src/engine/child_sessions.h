#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lathe/engine/parts.h"
#include "lathe/engine/session_family.h"
#include "lathe/engine/task_outcome.h"
#include "lathe/ports/session_host.h"
#include "lathe/runtime/scope.h"
#include "lathe/runtime/signal.h"

// The sub-agents of one session: sessions of their own, whose ends are recorded in this one.
//
//             agent_started, session made, its Task begins
//   spawn() ------------------------------------------------> running --- its Task ends: agent_ended ---> ended
//                                                              |    ^
//                                          a question, nobody  |    | the parent's Task goes on
//                                                              v    |
//                                                             parked
//
// An agent in the foreground has a call that waits for it; the end of one in the background is pushed into the
// conversation. What runs when the parent's Task ends is ended with it. What is parked needs no process: the record of
// its start is what finds it again.

namespace lathe::engine {

class EventFeed;
class LiveSession;
class SessionTaskHost;

/// How a session is tied to the one that spawned it, as long as both run here.
struct ParentLink {
  /// Gets the questions of this session, for whoever looks at the parent.
  EventFeed* feed = nullptr;
  /// What the parent's Task leaves.
  std::function<std::optional<protocol::Budget>()> room;
  /// How many agents of the whole tree run.
  std::shared_ptr<std::int64_t> running;
  /// Of the client that works with the parent.
  SharedContext context = {};
};

/// Loop thread. Outlived by what it is given; ended with `co_await stop()`.
class ChildSessions final : public ports::SessionHost {
 public:
  ChildSessions(EngineParts& parts, SessionFamily& family, SessionTaskHost& host, EventFeed& feed,
                std::function<std::optional<protocol::Budget>()> room);
  ~ChildSessions() override;

  // ports::SessionHost
  runtime::Async<base::Result<std::string>> spawn(ports::SpawnRequest request) override;
  runtime::Async<base::Result<ports::AgentResult>> wait(std::string session, runtime::CancelToken cancel) override;
  [[nodiscard]] std::vector<ports::RunningAgent> running() const override;
  runtime::Async<base::Result<ports::AgentResult>> cancel(std::string session) override;
  void set_witness(Witness witness) override { witness_ = std::move(witness); }

  /// How deep this session stands below a person's.
  void place(std::size_t depth) { depth_ = depth; }
  /// The count of the tree that it belongs to.
  void share_count(std::shared_ptr<std::int64_t> running) { running_ = std::move(running); }
  /// What they have around them from now on.
  void use_context(SharedContext context) { context_ = std::move(context); }
  /// Goes on with agents in the background that were parked with the Task.
  runtime::Async<void> go_on();
  /// Waits until something is pushed to the model or steered in. False when there is nothing to wait for.
  runtime::Async<bool> wait_for_news(runtime::CancelToken cancel);
  /// Something else came that the one who waits for news looks for.
  void ring();
  /// Ends all, parked ones too, and records it.
  runtime::Async<void> end_all();
  /// Ends those that run here; parked ones stay.
  runtime::Async<void> stop();

  [[nodiscard]] bool any_parked() const;
  /// What parked agents wait for.
  [[nodiscard]] std::vector<std::string> open_questions() const;
  [[nodiscard]] bool none() const { return children_.empty(); }
  /// What those that run have used and no record of this session counts yet.
  [[nodiscard]] ports::AgentUse use_of_running() const;

 private:
  using Done = runtime::OneShot<TaskOutcome>;
  struct Child {
    protocol::AgentStarted started;
    std::shared_ptr<Done> done;  // the session that tells it may be gone first
    bool parked = false;
    std::vector<std::string> questions;
    /// What it used, once its Task has ended and until that is recorded.
    std::optional<ports::AgentUse> used;
    /// The model asked for its end, so that it is told by that call.
    bool cancelled = false;
    std::optional<ports::AgentResult> result;
    [[nodiscard]] bool runs() const { return !parked && !result; }
  };

  [[nodiscard]] base::Result<void> check_limits() const;
  /// Into the session's stream, and before the witness.
  runtime::Async<base::Result<void>> record(protocol::EventMsg msg);
  runtime::Async<base::Result<protocol::SessionConfigured>> configuration_of(ports::AgentDefinition agent,
                                                                             ports::SpawnRequest request);
  runtime::Async<base::Result<void>> begin(protocol::SessionConfigured config, ports::SpawnRequest request);
  /// Takes up an agent that an earlier run of the Task started. `resume`: its parked Task goes on.
  runtime::Async<void> attach(protocol::AgentStarted started, bool resume);
  void tie(LiveSession& live, const std::string& session);
  runtime::Async<void> watch(std::string session);
  runtime::Async<void> finish(std::string session, TaskOutcome outcome);
  runtime::Async<void> interrupt(std::string session);
  runtime::Async<base::Result<void>> news(runtime::CancelToken cancel);

  EngineParts& parts_;
  SessionFamily& family_;
  SessionTaskHost& host_;
  EventFeed& feed_;
  std::function<std::optional<protocol::Budget>()> room_;
  std::size_t depth_ = 0;
  SharedContext context_;
  std::shared_ptr<std::int64_t> running_ = std::make_shared<std::int64_t>(0);  // one for the whole tree
  std::map<std::string, Child> children_;
  Witness witness_;
  std::vector<std::shared_ptr<runtime::OneShot<bool>>> waiting_;
  std::int64_t ops_ = 0;
  runtime::Scope scope_;
};

}  // namespace lathe::engine
