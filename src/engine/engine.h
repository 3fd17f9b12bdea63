#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "lathe/engine/connection.h"
#include "lathe/engine/hand_over.h"
#include "lathe/engine/live_session.h"
#include "lathe/engine/parts.h"
#include "lathe/engine/session_family.h"
#include "lathe/engine/session_watch.h"
#include "lathe/runtime/async_mutex.h"
#include "lathe/runtime/signal.h"

namespace lathe::engine {

/// The product without a wire. Loop thread. Ended with `co_await shut_down()` before it goes, after its connections.
class Engine final : public SessionFamily {
 public:
  explicit Engine(EngineParts parts);
  ~Engine() override;
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  /// A new client. `client` is its lasting name: op ids are unique within it. The engine outlives the connection.
  [[nodiscard]] std::unique_ptr<Connection> connect(std::string client);
  /// How many there are.
  [[nodiscard]] std::size_t clients() const { return clients_.size(); }
  /// How the process is, and what waits in it.
  runtime::Async<base::Result<protocol::VitalsReply>> vitals();
  /// Ends every Task, closes every session.
  runtime::Async<void> shut_down();
  /// Takes no new work from now on and has Tasks stop at their Turn's edge; done when none runs, or after `patience`.
  /// What still runs then ends with shut_down(), which leaves jobs as they are. Gives what is left to the next process.
  runtime::Async<HandedSessions> hand_over(base::Millis patience);
  /// What the process before this one left: these sessions have what was lent to it, whoever opens them.
  base::Result<void> expect(HandedSessions handed);
  /// Opens the sessions that are expected and goes on with their Tasks. Gives what is wrong with those that cannot be
  /// opened.
  runtime::Async<std::vector<std::string>> take_over();
  /// Closes the sessions that nobody looks at and in which nothing runs, so that other processes can have them. Gives
  /// the number of those that stay open.
  runtime::Async<std::size_t> close_forsaken();

  // For connections.

  [[nodiscard]] EngineParts& parts() { return parts_; }
  void client_came(const Connection& client) { clients_.insert(&client); }
  void client_left(const Connection& client) { clients_.erase(&client); }
  [[nodiscard]] std::vector<std::string> open_sessions() const;
  /// Something runs or waits in a session, or someone looks at one.
  [[nodiscard]] bool in_use() const;
  /// The index tells what streams say; one that did not take the end of its Task says less than is known here.
  void set_right(protocol::SessionInfo& session) const;
  /// The session, opened when no one here has it yet.
  runtime::Async<base::Result<LiveSession*>> live(std::string session_id) override;
  /// The session when it is open here, else nothing.
  [[nodiscard]] LiveSession* find_live(const std::string& session_id) override;
  [[nodiscard]] SessionWatch& watch(SessionWatch::Shows shows) {
    return shows == SessionWatch::Shows::kAll ? watch_of_all_ : watch_of_listed_;
  }
  void unwatch(const EventQueue* queue);
  /// Someone who could answer questions no longer can, of a session or of the agents below it.
  void audience_changed();
  runtime::Async<base::Result<LiveSession*>> create(protocol::ConfigureSession op, std::string by);
  runtime::Async<base::Result<protocol::SessionForkReply>> fork(protocol::SessionFork call);
  /// Hides the session from lists, which is `locked` while another process has it or a Task runs in it; or shows it
  /// again.
  runtime::Async<base::Result<void>> archive(std::string session_id, bool archived);
  runtime::Async<base::Result<protocol::SessionTagReply>> tag(protocol::SessionTag call);
  runtime::Async<base::Result<void>> mark_read(protocol::SessionMarkRead call);
  runtime::Async<base::Result<void>> remove(std::string session_id);
  /// Closes the session when it is open here. `locked` when it has a running Task.
  runtime::Async<base::Result<void>> close(std::string session_id);
  /// The session that goes on when this one has its answers: the outermost one that parked because of it, or itself.
  runtime::Async<base::Result<std::string>> parked_root(std::string session_id);

  // For sessions (SessionFamily).

  runtime::Async<base::Result<LiveSession*>> create_child(protocol::SessionConfigured config) override;
  runtime::Async<void> let_go(std::string session_id) override;
  void task_ended() override;

 private:
  [[nodiscard]] protocol::QueueVitals queues() const;
  /// A session was removed, or what people put on it changed.
  void list_changed();
  /// With opening_ held.
  runtime::Async<base::Result<void>> close_open(std::string session_id);
  runtime::Async<base::Result<LiveSession*>> adopt(std::unique_ptr<ports::SessionStream> stream,
                                                   std::optional<protocol::SessionConfigured> config, std::string by);
  /// The same of a session that was just made: where it cannot begin, nothing of it stays.
  runtime::Async<base::Result<LiveSession*>> adopt_new(std::unique_ptr<ports::SessionStream> stream,
                                                       std::optional<protocol::SessionConfigured> config,
                                                       std::string by);

  enum class Generation { kOutermost, kBelow };
  /// Closes the sessions that have no parent, or those that have one, side by side: the end of a command takes its
  /// time.
  runtime::Async<void> close_all(Generation generation);

  EngineParts parts_;
  /// One opening at a time, so that two clients never race for one session's lock.
  runtime::AsyncMutex opening_;
  /// Held while a session is let go, so that it is not opened again before its lock is free.
  runtime::AsyncMutex leaving_;
  bool closing_ = false;
  bool handing_over_ = false;
  /// Rung by the next Task that ends.
  std::vector<std::shared_ptr<runtime::OneShot<bool>>> task_ends_;
  /// Those of expect() that nobody has opened yet.
  HandedSessions expected_;
  std::set<const Connection*> clients_;
  std::map<std::string, std::unique_ptr<LiveSession>> sessions_;
  SessionWatch watch_of_listed_;
  SessionWatch watch_of_all_;
};

}  // namespace lathe::engine
