#pragma once

#include <sys/types.h>

#include <array>
#include <string>

#include "lathe/keeper/program/supervisor.h"
#include "lathe/keeper/program/wire.h"
#include "lathe/keeper/protocol.h"

namespace lathe::keeper {

/// The keeper's one loop: messages of the client in, reports of supervisors on, deadlines.
class Keeper final {
 public:
  explicit Keeper(int socket) : socket_(socket) {}

  /// Until the client is gone and with it every process.
  void run();

 private:
  /// A command and the process that watches it.
  struct Slot {
    bool used = false;
    std::string id;
    pid_t supervisor = -1;
    int control = -1;
    /// When the command's time is over; 0: never.
    long long deadline_ms = 0;
    /// What ends it, once something does.
    std::string ended = "exited";
    /// When a supervisor that was told to end is given up; 0: it was not told.
    long long give_up_ms = 0;
  };

  void on_message(Message& message);
  void on_run(const Message& message);
  void start(Slot& slot, const Message& message, unsigned file_mode_mask);
  void on_report(Slot& slot);
  void on_lost(Slot& slot);
  void end(Slot& slot, const char* why);
  void release(Slot& slot);
  void check_deadlines();
  [[nodiscard]] int poll_timeout() const;
  [[nodiscard]] bool busy() const;

  int socket_;
  bool closing_ = false;
  std::array<Slot, protocol::kMaxCommands> slots_;
};

}  // namespace lathe::keeper
