#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "lathe/keeper/program/supervisor.h"
#include "lathe/keeper/program/wire.h"
#include "lathe/keeper/protocol.h"

namespace lathe::keeper {

/// The keeper's one loop: messages of the client in, reports of supervisors on, deadlines. What the client is told is
/// state, not a stream: what it does not take at once, or was told to a client that died, is told again.
class Keeper final {
 public:
  enum class Socket {
    /// Clients come and go, one at a time.
    kListening,
    /// The only client; when it goes, everything ends.
    kConnected,
  };
  Keeper(int socket, Socket kind);

  /// Until the client said stop, or is gone for good, and with it every process.
  void run();

 private:
  /// A command and the process that watches it; kept until the client forgets it.
  struct Slot {
    enum class State { kStarting, kRunning, kEnded };
    State state = State::kStarting;
    std::string id;
    std::string name;
    RunSetup setup;
    pid_t supervisor = -1;
    int control = -1;
    int spool = -1;
    /// Writing end of a pipe or terminal.
    int input = -1;
    pid_t pid = -1;
    std::uint64_t totals[protocol::kStreams] = {};
    std::uint64_t seen[protocol::kStreams] = {};
    /// How often the supervisor was stopped.
    int stops = 0;
    /// exit or failed, once it ended.
    std::vector<std::string> end_message;
    /// What ends it, once something does.
    const char* ended = "exited";
    /// When the command's time is over; 0: never.
    long long deadline_ms = 0;
    /// When a supervisor that was told to end is given up; 0: it was not told.
    long long give_up_ms = 0;
    // What the client has still to be told, and the supervisor.
    bool tell_started = false;
    bool tell_output = false;
    bool tell_end = false;
    bool order_seen = false;
  };

  void poll_once();
  void on_client();
  void accept_client();
  void client_gone();
  void on_message(Message& message);
  void on_run(Message& message);
  void on_seen(const Message& message);
  void on_list();
  void on_forward(const Message& message);
  bool parse_run(const Message& message, Slot& slot) const;
  void start(Slot& slot);
  void on_report(Slot& slot);
  void on_lost(Slot& slot);
  void on_child_signal();
  void end(Slot& slot, const char* why);
  void fail(Slot& slot, const char* stage, int error, const char* detail);
  void finish(Slot& slot, std::vector<std::string> message);
  void close_all();
  void check_deadlines();
  /// Tells client and supervisors what they are to be told, as far as they take it.
  void tell_all();
  bool tell(Slot& slot);
  bool say(const std::vector<std::string>& words, std::span<const int> fds = {});
  [[nodiscard]] int poll_timeout() const;
  [[nodiscard]] bool busy() const;
  [[nodiscard]] Slot* find(const std::string& id);
  [[nodiscard]] int running_like(const Slot& slot) const;

  /// -1: there is no listening socket.
  int listener_ = -1;
  int client_ = -1;
  /// Tells of children that ended or were stopped.
  int child_signals_ = -1;
  bool greeted_ = false;
  /// The client's socket took less than it was to be told.
  bool client_full_ = false;
  bool closing_ = false;
  long long linger_ms_ = 0;
  /// When commands without a client end; 0: there is one.
  long long alone_until_ms_ = 0;
  std::vector<std::unique_ptr<Slot>> slots_;
  /// By port.
  std::map<unsigned short, pid_t> forwarders_;
};

}  // namespace lathe::keeper
