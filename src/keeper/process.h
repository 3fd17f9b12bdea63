#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lathe/base/process_context.h"
#include "lathe/base/result.h"
#include "lathe/base/unique_fd.h"
#include "lathe/keeper/protocol.h"

namespace lathe::keeper {

/// What one command may take, over all its processes; absent: no limit. One that takes more is ended.
struct Limits {
  std::optional<std::uint64_t> processes = std::nullopt;
  /// Anonymous and shared memory.
  std::optional<std::uint64_t> memory_bytes = std::nullopt;
  /// Must stay free in the working folder's file system.
  std::optional<std::uint64_t> free_bytes = std::nullopt;
  std::optional<std::uint64_t> output_bytes = std::nullopt;
};

enum class InputKind {
  /// The bytes of Command::input, then end of file.
  kText,
  /// A pipe; see Process::input().
  kPipe,
  /// A terminal; output and errors are it too.
  kTerminal,
};

enum class OutputKind {
  /// Two streams. Nothing is lost: the command waits when its reader falls behind.
  kHeld,
  /// One stream. Of what no reader takes in time, the head and the newest part are kept.
  kKept,
};

/// A command as the keeper starts it. A name without a slash is looked up in the PATH of `env`.
struct Command {
  /// For whoever takes the keeper over; at most 256 bytes.
  std::string name = {};
  std::vector<std::string> argv;
  /// Absolute.
  std::string cwd;
  /// The whole environment, "NAME=value".
  std::vector<std::string> env;
  /// Absent: no limit.
  std::optional<std::chrono::milliseconds> timeout = std::nullopt;
  unsigned file_mode_mask = 022;
  /// Of the system, for each of its processes; none is higher than the keeper's own.
  std::vector<base::ResourceLimit> resource_limits = {};
  /// A sandbox::CommandJail as it encodes itself; empty: not confined.
  std::string jail = {};
  Limits limits = {};
  InputKind input_kind = InputKind::kText;
  std::string input = {};
  OutputKind output_kind = OutputKind::kHeld;
  /// Of a terminal.
  unsigned columns = 80;
  unsigned rows = 24;
};

enum class Ended {
  kExited,
  kKilled,
  kTimedOut,
  /// The command ended the process that watched it; what could be found of its tree was killed.
  kLost,
  // It exceeded a limit.
  kProcesses,
  kMemory,
  kDisk,
  kOutput,
};

struct Exit {
  /// The exit code, or 128 + signal.
  int code = 0;
  int signal = 0;
  Ended ended = Ended::kExited;
  /// Processes that could not be ended: those of another user, or stuck in the kernel.
  int survivors = 0;
  /// kDisk: a folder on it, as the command names it; "" when that is not known.
  std::string disk = {};
  friend bool operator==(const Exit&, const Exit&) = default;
};

enum class Output { kStdout, kStderr };

class CommandGroup;

/// A command that a keeper runs or ran, as its client knows it. Loop thread. Output can be read for as long as this
/// lives, whatever becomes of the keeper.
class Process final {
 public:
  Process(std::uint64_t id, Command command, base::UniqueFd spool);
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  [[nodiscard]] std::uint64_t id() const { return id_; }
  [[nodiscard]] const std::string& name() const { return command_.name; }
  [[nodiscard]] OutputKind output_kind() const { return command_.output_kind; }
  /// Bytes that it wrote so far.
  [[nodiscard]] std::uint64_t total(Output output) const { return totals_[static_cast<std::size_t>(output)]; }
  /// Bytes of it that an earlier client took.
  [[nodiscard]] std::uint64_t taken(Output output) const { return taken_[static_cast<std::size_t>(output)]; }
  [[nodiscard]] bool running() const { return started_ && !end_; }
  /// How it ended, or why it could not be started; every process of its tree is gone then.
  [[nodiscard]] const std::optional<base::Result<Exit>>& end() const { return end_; }
  /// Where to type: not blocking; -1 without such an input, before the start and after the end.
  [[nodiscard]] int input() const { return input_.get(); }

  struct Piece {
    std::string bytes;
    /// Where they begin; later than asked for when what was there is forgotten.
    std::uint64_t from = 0;
  };
  /// What was written from `from` on, at most `most` bytes; empty at the end of what there is.
  [[nodiscard]] Piece read(Output output, std::uint64_t from, std::size_t most) const;

  /// Called whenever something of the above changed. Must not suspend; may be empty.
  void set_on_change(std::function<void()> on_change) { on_change_ = std::move(on_change); }

 private:
  friend class Client;
  using Totals = std::array<std::uint64_t, protocol::kStreams>;

  void changed() {
    if (on_change_) on_change_();
  }
  /// From the spool of a command whose keeper is gone.
  static std::shared_ptr<Process> of_spool(std::uint64_t id, base::UniqueFd spool);
  /// As the spool itself has them, for when nobody tells any more.
  void refresh_totals();
  void finish(base::Result<Exit> end);

  const std::uint64_t id_;
  const Command command_;
  const base::UniqueFd spool_;
  base::UniqueFd input_;
  bool started_ = false;
  Totals totals_{};
  Totals taken_{};
  std::optional<base::Result<Exit>> end_;
  /// While it runs; null where the kernel has none for us.
  std::unique_ptr<CommandGroup> group_;
  std::function<void()> on_change_;
};

}  // namespace lathe::keeper
