#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lathe/base/process_context.h"
#include "lathe/base/result.h"
#include "lathe/base/unique_fd.h"
#include "lathe/keeper/process.h"
#include "lathe/runtime/async.h"
#include "lathe/runtime/loop.h"
#include "lathe/runtime/scope.h"
#include "lathe/runtime/signal.h"
#include "lathe/runtime/subprocess.h"

namespace lathe::keeper {

struct ClientOptions {
  /// The absolute path of lathe-keeper, where it is found inside `outer_argv` if there is one.
  std::string program;
  /// The command line under which the keeper is started, for instance bubblewrap's; empty: as it is.
  std::vector<std::string> outer_argv = {};
  /// Of the keeper and all that it runs, where they are not this process's own; only a process that may set them
  /// (runtime::may_set_groups) gives them. `launcher`: lathe-keeper, where it is here.
  std::optional<base::UserGroups> groups = std::nullopt;
  std::string launcher = {};
  /// A folder of the keeper's own, made when needed. With one, commands go on when our process dies, and the next one
  /// takes them over with adopt(); without, they end with it.
  std::string folder = {};
  /// How long they go on with nobody there. What they wrote is kept in the folder.
  std::chrono::milliseconds linger{0};
  /// False: only what adopt() takes over is there to be used; without it start() fails as if the keeper had died.
  bool may_start = true;
};

/// A keeper as its one client sees it. The process is started with the first command and ends with this object's
/// stop(), and with it every process it ever started.
///
/// Loop thread. stop() is awaited before the Client goes.
class Client final {
 public:
  Client(runtime::Loop& loop, ClientOptions options);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  /// Hands a command to the keeper. What becomes of it is told by the Process: its end() is an error when nothing ran,
  /// and names why: `not_found` the program or the folder, `permission_denied`, `limit_exceeded` (64 commands at once,
  /// or too long for the system), `unsupported` (not a format that the system executes), `unavailable` (the keeper
  /// died). Errors here: `unavailable` the keeper cannot be started, `invalid` the command.
  base::Result<std::shared_ptr<Process>> start(Command command);
  /// Ends the tree at once.
  void kill(const Process& process);
  /// So much of each stream need not be kept any more; makes room for a held command.
  void took(const Process& process, std::uint64_t out, std::uint64_t err);
  /// The keeper need not know of a command any more that has ended.
  void forget(const Process& process);
  /// End of file for a command with InputKind::kPipe.
  void close_input(Process& process);
  static base::Result<void> resize(const Process& process, unsigned columns, unsigned rows);

  /// Takes over what a process left behind in the folder: from its keeper the commands that run and those that ended
  /// meanwhile; without a keeper, what the commands wrote and how they ended (an error: it died with them). Before the
  /// first start().
  runtime::Async<base::Result<std::vector<std::shared_ptr<Process>>>> adopt();

  /// Has connections to 127.0.0.1:`port` where the keeper is (its network namespace) go to the unix socket at
  /// `socket_path` (here).
  runtime::Async<base::Result<void>> forward(std::uint16_t port, std::string socket_path);

  /// Ends every command and the keeper.
  runtime::Async<void> stop();
  /// The same for this process alone: what runs in a keeper with a folder goes on for so long with nobody there. Here
  /// each command ends with an error.
  runtime::Async<void> leave(std::chrono::milliseconds linger);

  /// Whether there is a keeper that commands can be handed to without starting one.
  [[nodiscard]] bool is_connected() const { return connection_ != nullptr; }
  /// The process that was started (the keeper, or what is around it), while it lives.
  [[nodiscard]] std::optional<pid_t> keeper_pid() const;

 private:
  struct Connection;

  base::Result<void> ensure_started();
  base::Result<base::UniqueFd> connect_to_folder() const;
  base::Result<base::UniqueFd> make_spool(std::uint64_t id, const Command& command) const;
  [[nodiscard]] std::string spool_path(std::uint64_t id) const;
  [[nodiscard]] std::vector<std::shared_ptr<Process>> read_spools();
  void end_orphan() const;
  base::Result<void> send(const std::vector<std::string>& words, const std::vector<int>& fds = {});
  runtime::Async<void> receive(std::shared_ptr<Connection> connection);
  void use(std::shared_ptr<Connection> connection);
  /// A keeper that is not the first process of a namespace may be stopped by what it runs, and one that was taken over
  /// may have been.
  runtime::Async<void> keep_going(std::shared_ptr<Connection> connection);

  runtime::Loop& loop_;
  const ClientOptions options_;
  std::shared_ptr<Connection> connection_;
  std::uint64_t next_id_ = 1;
  bool stopped_ = false;
  bool leaving_ = false;
  runtime::Scope scope_;
};

/// Where the keeper lies beside the running program: ../libexec/lathe/lathe-keeper.
[[nodiscard]] base::Result<std::string> installed_program();

}  // namespace lathe::keeper
