#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lathe/base/process_context.h"
#include "lathe/keeper/client.h"
#include "lathe/ports/command_runner.h"
#include "lathe/runtime/async.h"
#include "lathe/runtime/loop.h"

namespace lathe::tools::shell {

/// How one command is confined.
struct Confined {
  /// Commands of one key share a keeper; a name for a folder.
  std::string key = "open";
  /// Around the keeper (sandbox::JailPlan::outer_argv), and where the keeper's program is within.
  std::vector<std::string> outer_argv = {};
  std::string keeper_program = {};
  /// An encoded sandbox::CommandJail; empty: not confined.
  std::string jail = {};
  /// The command's whole environment.
  std::vector<std::string> env = {};
  /// Unix socket of the egress proxy and its port in the jail; 0: there is none.
  std::string proxy_socket = {};
  std::uint16_t proxy_port = 0;
};

/// Decides it, for every command anew, because what has to be masked changes. An error refuses the command.
using Confine = std::function<runtime::Async<base::Result<Confined>>(ports::CommandSpec spec)>;

struct KeeperOptions {
  /// keeper::installed_program().
  std::string program;
  /// Commands outlive the death of this process when this is set: a folder of the session's own.
  std::string folder = {};
  std::chrono::milliseconds linger{0};
  keeper::Limits limits = {};
  /// Of the client whose commands they are.
  base::ProcessContext context = {};
  /// Empty: nothing is confined.
  Confine confine = {};
};

/// What commands may take that nothing else bounds: processes, memory (`most_memory_bytes`, and no more than three
/// quarters of the machine's), room on the disk.
[[nodiscard]] keeper::Limits usual_limits(std::uint64_t most_memory_bytes);

/// A command that was handed to a keeper.
struct Started {
  keeper::Client* client = nullptr;
  std::shared_ptr<keeper::Process> process;
  bool confined = false;
};

/// The keepers of one session, each started with the first command that needs it. Loop thread. stop() is awaited before
/// it goes.
class KeeperSet final {
 public:
  KeeperSet(runtime::Loop& loop, KeeperOptions options);

  /// Starts the command in the keeper of its jail. `command` says what `spec` does not: name, input, output, limits.
  runtime::Async<base::Result<Started>> start(ports::CommandSpec spec, keeper::Command command);
  /// What a process before this one left behind.
  runtime::Async<std::vector<Started>> adopt();
  /// Has the jails of those reach the egress proxy at that socket, as start() does for its own.
  runtime::Async<base::Result<void>> forward_adopted(std::uint16_t proxy_port, std::string proxy_socket);
  /// How many keepers run.
  [[nodiscard]] std::size_t alive() const;
  /// Ends every command and the keepers.
  runtime::Async<void> stop();
  /// Leaves them to the next process, for so long.
  runtime::Async<void> leave(std::chrono::milliseconds linger);

 private:
  struct Keeper {
    std::unique_ptr<keeper::Client> client;
    bool forwards = false;
    /// It is not known what it was started in, so that it cannot be started again.
    bool adopted = false;
  };
  Keeper& keeper_for(const Confined& confined);
  [[nodiscard]] std::string name_of(const Confined& confined) const;

  runtime::Loop& loop_;
  /// Its context names a mask.
  KeeperOptions options_;
  std::map<std::string, Keeper> keepers_;
  /// Adopted ones that have ended; their commands still refer to them.
  std::vector<std::unique_ptr<keeper::Client>> ended_;
};

}  // namespace lathe::tools::shell
