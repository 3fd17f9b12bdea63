#include "lathe/keeper/client.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <iterator>

#include "lathe/base/strings.h"
#include "lathe/keeper/command_group.h"
#include "lathe/keeper/keeper_process.h"
#include "lathe/keeper/packet.h"
#include "lathe/keeper/protocol.h"
#include "lathe/runtime/files.h"

// One background coroutine per keeper reads its messages and changes the Process that each belongs to. A keeper that
// died fails what ran through it; the next start() starts another.

namespace lathe::keeper {

using base::errno_error;
using base::Error;
using base::Result;
using base::UniqueFd;
using runtime::Async;
using runtime::CancelToken;
using runtime::Deadline;

namespace {

/// How long the keeper may take to end everything; more than it needs at most.
constexpr std::chrono::seconds kEndPatience{15};
constexpr std::chrono::seconds kAnswerPatience{10};
/// Between two looks at whether the keeper was stopped.
constexpr std::chrono::milliseconds kStoppedInterval{500};

Error unavailable(std::string message) {
  return {.code = base::codes::kUnavailable,
          .message = std::move(message),
          .hint = "reinstall lathe, or see `lathe doctor`"};
}

/// The socket in a folder, by a descriptor of the folder: the path of a socket is short, that of a folder need not be.
sockaddr_un socket_address(int folder) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/%s", folder, protocol::kSocketName.data());
  return address;
}

Result<UniqueFd> packet_socket() {
  UniqueFd fd(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  if (!fd) return errno_error(errno, "socket for the keeper");
  return fd;
}

Result<UniqueFd> listen_in(const std::string& path) {
  TRY_OK(runtime::make_folders(path));
  TRY(const UniqueFd folder, runtime::open_file(path, O_PATH | O_DIRECTORY));
  TRY(UniqueFd listener, packet_socket());
  (void)unlinkat(folder.get(), protocol::kSocketName.data(), 0);
  const sockaddr_un address = socket_address(folder.get());
  if (bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      listen(listener.get(), protocol::kBacklog) != 0) {
    return errno_error(errno, path + "/" + std::string(protocol::kSocketName));
  }
  return listener;
}

/// The process that listens where this is connected to, as this process sees it; of a keeper of an older version the
/// one that had started it.
pid_t listener_of(const UniqueFd& socket) {
  ucred peer{};
  socklen_t size = sizeof peer;
  return getsockopt(socket.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 ? peer.pid : -1;
}

/// What takes the groups and then becomes the rest of the command line (program/main.cc); nothing where they are ours.
std::vector<std::string> launching_argv(const ClientOptions& options) {
  if (!options.groups) return {};
  std::vector<std::string> others;
  for (const std::uint32_t group : options.groups->others) others.push_back(std::to_string(group));
  return {options.launcher, "as", std::to_string(options.groups->primary), base::join(others, ",")};
}

}  // namespace

struct Client::Connection {
  Connection(runtime::Loop& loop, UniqueFd our_end, std::optional<runtime::Child> child, KeeperProcess itself)
      : socket(std::move(our_end)),
        process(std::move(child)),
        keeper(std::move(itself)),
        listed(loop),
        lingers(loop),
        over(loop) {}

  UniqueFd socket;
  /// Absent: a process before us started it.
  std::optional<runtime::Child> process;
  KeeperProcess keeper;
  bool greeted = false;
  bool takes_limits = false;
  bool busy = false;
  std::map<std::uint64_t, std::shared_ptr<Process>> processes;
  runtime::OneShot<bool> listed;
  /// The second hello is the one of leave(), and the answer to it says that the keeper knows how long it goes on alone.
  int hellos = 0;
  runtime::OneShot<bool> lingers;
  /// No more can come.
  runtime::OneShot<bool> over;
  std::map<std::string, std::unique_ptr<runtime::OneShot<int>>> forwards;

  /// False when the keeper speaks another protocol.
  [[nodiscard]] bool take(Packet& packet) {
    const std::vector<std::string>& words = packet.words;
    if (words[0] == "hello") {
      greeted = words.size() > 1 && words[1] == protocol::kVersion;
      if (++hellos == 2) lingers.set(true);
      takes_limits = std::ranges::find(words, protocol::kLimitsFeature) != words.end();
      return greeted;
    }
    if (words[0] == "busy") {
      busy = true;
      return false;
    }
    if (!greeted) return false;
    if (words[0] == "listed") {
      listed.set(true);
    } else if (words[0] == "command" && words.size() == 9) {
      take_command(packet);
    } else if (words[0] == "forwarding" && words.size() == 3) {
      const auto waiting = forwards.find(words[1]);
      if (waiting != forwards.end()) waiting->second->set(static_cast<int>(number_of(words[2])));
    } else if (words.size() > 1) {
      const auto at = processes.find(number_of(words[1]));
      if (at != processes.end()) take_news(at->second, packet);
    }
    return true;
  }

  void take_command(Packet& packet) {
    const std::vector<std::string>& words = packet.words;
    if (packet.fds.empty()) return;
    Command command;
    command.name = words[2];
    command.output_kind = words[4] == "hold" ? OutputKind::kHeld : OutputKind::kKept;
    const std::uint64_t id = number_of(words[1]);
    auto process = std::make_shared<Process>(id, std::move(command), std::move(packet.fds[0]));
    process->started_ = true;
    process->totals_ = {number_of(words[5]), number_of(words[6])};
    process->taken_ = {number_of(words[7]), number_of(words[8])};
    if (packet.fds.size() > 1) process->input_ = std::move(packet.fds[1]);
    processes.emplace(id, std::move(process));
  }

  /// By value: whoever is told may forget it.
  static void take_news(std::shared_ptr<Process> process, Packet& packet) {
    const std::vector<std::string>& words = packet.words;
    if (words[0] == "started") {
      process->started_ = true;
      if (!packet.fds.empty()) {
        process->input_ = std::move(packet.fds[0]);
        (void)runtime::set_nonblocking(process->input_.get());
      }
      process->changed();
    } else if (words[0] == "output" && words.size() == 4) {
      process->totals_ = {number_of(words[2]), number_of(words[3])};
      process->changed();
    } else if (words[0] == "failed" && words.size() == 5) {
      process->finish(start_error(process->command_, words[2], static_cast<int>(number_of(words[3])), words[4]));
    } else if (const auto exit = words[0] == "exit" ? exit_of(words) : std::nullopt) {
      process->totals_ = {number_of(words[6]), number_of(words[7])};
      process->finish(*exit);
    }
  }

  void fail_all(const Error& error) {
    listed.set(false);
    lingers.set(false);
    for (const auto& [port, waiting] : forwards) waiting->set(ECONNRESET);
    // A process may be forgotten in the middle.
    const auto all = processes;
    for (const auto& [id, process] : all) {
      process->refresh_totals();
      process->finish(error);
    }
  }
};

Client::Client(runtime::Loop& loop, ClientOptions options) : loop_(loop), options_(std::move(options)), scope_(loop) {}
Client::~Client() = default;

std::optional<pid_t> Client::keeper_pid() const {
  if (!connection_ || !connection_->process) return std::nullopt;
  return connection_->process->pid();
}

Result<void> Client::send(const std::vector<std::string>& words, const std::vector<int>& fds) {
  const int error = connection_ ? send_packet(connection_->socket.get(), words, fds) : EPIPE;
  // A keeper that is gone is noticed, and told of, by receive().
  if (error != 0 && error != EPIPE && error != ECONNRESET) {
    return unavailable(fmt::format("the keeper does not take a message: {}", std::strerror(error)));
  }
  return {};
}

void Client::use(std::shared_ptr<Connection> connection) {
  connection_ = connection;
  // It may be over before this returns.
  scope_.spawn(receive(connection));
  if (connection->keeper.known()) scope_.spawn(keep_going(std::move(connection)));
}

Result<UniqueFd> Client::connect_to_folder() const {
  TRY(const UniqueFd folder, runtime::open_file(options_.folder, O_PATH | O_DIRECTORY));
  TRY(UniqueFd socket, packet_socket());
  const sockaddr_un address = socket_address(folder.get());
  if (connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return errno_error(errno, options_.folder + "/" + std::string(protocol::kSocketName));
  }
  return socket;
}

void Client::end_orphan() const {
  const Result<UniqueFd> socket = connect_to_folder();
  if (!socket.ok()) return;
  (void)send_packet(socket->get(), {"hello", std::string(protocol::kVersion)}, {});
  (void)send_packet(socket->get(), {"stop"}, {});
}

Result<void> Client::ensure_started() {
  if (stopped_) return unavailable("the keeper of this session was stopped");
  if (connection_) return {};
  if (!options_.may_start) return unavailable("the keeper that was taken over has ended");
  UniqueFd ours;
  UniqueFd theirs;
  if (options_.folder.empty()) {
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) return errno_error(errno, "socket pair");
    ours = UniqueFd(pair[0]);
    theirs = UniqueFd(pair[1]);
  } else {
    end_orphan();
    TRY(theirs, listen_in(options_.folder));
    TRY(ours, connect_to_folder());
  }
  runtime::SpawnOptions spawn{.argv = launching_argv(options_)};
  spawn.argv.insert(spawn.argv.end(), options_.outer_argv.begin(), options_.outer_argv.end());
  spawn.argv.push_back(options_.program);
  spawn.env.emplace();
  spawn.cwd = "/";
  spawn.fds = {{theirs.get(), protocol::kSocketFd}};
  spawn.new_session = true;
  auto process = runtime::spawn(spawn);
  if (!process.ok()) return unavailable(fmt::format("the keeper cannot be started: {}", process.error().message));
  // Inside of something else it is the first process of a namespace, which nothing there can stop.
  const pid_t keeper = options_.outer_argv.empty() ? process->pid() : -1;
  use(std::make_shared<Connection>(loop_, std::move(ours), *std::move(process), KeeperProcess(keeper)));
  return send({"hello", std::string(protocol::kVersion), std::to_string(options_.linger.count())});
}

std::string Client::spool_path(std::uint64_t id) const {
  return options_.folder + "/" + std::to_string(id) + std::string(protocol::kSpoolSuffix);
}

Result<UniqueFd> Client::make_spool(std::uint64_t id, const Command& command) const {
  if (options_.folder.empty()) {
    UniqueFd spool(memfd_create("lathe-output", MFD_CLOEXEC));
    if (!spool) return errno_error(errno, "memory file for output");
    return spool;
  }
  TRY(UniqueFd spool, runtime::open_file(spool_path(id), O_RDWR | O_CREAT | O_TRUNC, 0600));
  std::string words = command.output_kind == OutputKind::kHeld ? "hold" : "keep";
  words += '\0';
  words += command.name.substr(0, protocol::kMaxNameBytes);
  words.append(2, '\0');
  if (pwrite(spool.get(), words.data(), words.size(), static_cast<off_t>(protocol::kSpoolNameAt)) < 0) {
    return errno_error(errno, spool_path(id));
  }
  return spool;
}

std::vector<std::shared_ptr<Process>> Client::read_spools() {
  std::vector<std::shared_ptr<Process>> found;
  std::error_code none;
  for (const auto& entry : std::filesystem::directory_iterator(options_.folder, none)) {
    const std::string name = entry.path().filename();
    if (!name.ends_with(protocol::kSpoolSuffix)) continue;
    const std::uint64_t id = number_of(name);
    auto spool = runtime::open_file(entry.path(), O_RDONLY);
    if (!spool.ok()) continue;
    found.push_back(Process::of_spool(id, *std::move(spool)));
    next_id_ = std::max(next_id_, id + 1);
  }
  std::ranges::sort(found, {}, [](const auto& process) { return process->id(); });
  return found;
}

Result<std::shared_ptr<Process>> Client::start(Command command) {
  TRY(const std::string spec_bytes, spec_of(command));
  TRY_OK(ensure_started());
  TRY(const UniqueFd spec, sealed_file(spec_bytes));
  const std::uint64_t id = next_id_++;
  TRY(UniqueFd spool, make_spool(id, command));
  std::vector<int> fds = {spec.get(), spool.get()};
  UniqueFd input;
  if (command.input_kind == InputKind::kText) {
    if (command.input.empty()) {
      TRY(input, runtime::open_file("/dev/null", O_RDONLY));
    } else {
      TRY(input, sealed_file(command.input));
    }
    fds.push_back(input.get());
  }
  // A keeper of an older version may not know what to do with them.
  std::unique_ptr<CommandGroup> group;
  if (connection_->process) {
    if (auto made = CommandGroup::create(command.limits)) {
      group = std::make_unique<CommandGroup>(*std::move(made));
      std::ranges::copy(group->entries(), std::back_inserter(fds));
    }
  }
  // One that we started is of this version, and need not have said so yet.
  const bool takes_limits = connection_->process || connection_->takes_limits;
  TRY_OK(send(run_words(id, command, takes_limits ? RunWords::kAll : RunWords::kWithoutLimits), fds));
  command.input.clear();
  command.jail.clear();
  command.env.clear();
  auto process = std::make_shared<Process>(id, std::move(command), std::move(spool));
  process->group_ = std::move(group);
  connection_->processes.emplace(id, process);
  return process;
}

void Client::kill(const Process& process) { (void)send({"kill", std::to_string(process.id())}); }

void Client::took(const Process& process, std::uint64_t out, std::uint64_t err) {
  (void)send({"seen", std::to_string(process.id()), std::to_string(out), std::to_string(err)});
}

void Client::forget(const Process& process) {
  (void)send({"forget", std::to_string(process.id())});
  if (connection_) connection_->processes.erase(process.id());
  if (!options_.folder.empty()) (void)unlink(spool_path(process.id()).c_str());
}

void Client::close_input(Process& process) {
  process.input_ = {};
  (void)send({"close", std::to_string(process.id())});
}

Result<void> Client::resize(const Process& process, unsigned columns, unsigned rows) {
  const auto clamp = [](unsigned value) {
    return static_cast<unsigned short>(std::clamp(value, 1U, unsigned{USHRT_MAX}));
  };
  const winsize size{.ws_row = clamp(rows), .ws_col = clamp(columns), .ws_xpixel = 0, .ws_ypixel = 0};
  if (ioctl(process.input(), TIOCSWINSZ, &size) == 0) return {};
  return Error{.code = base::codes::kInvalid, .message = process.name() + " has no terminal"};
}

Async<Result<std::vector<std::shared_ptr<Process>>>> Client::adopt() {
  std::vector<std::shared_ptr<Process>> found;
  if (connection_ || stopped_ || options_.folder.empty()) co_return found;
  Result<UniqueFd> socket = connect_to_folder();
  if (!socket.ok()) co_return read_spools();
  KeeperProcess keeper(listener_of(*socket));
  const auto connection = std::make_shared<Connection>(loop_, *std::move(socket), std::nullopt, std::move(keeper));
  use(connection);
  CO_TRY_OK(send({"hello", std::string(protocol::kVersion), std::to_string(options_.linger.count())}));
  CO_TRY_OK(send({"list"}));
  const auto listed = co_await connection->listed.wait(scope_.token(), Deadline::after(loop_, kAnswerPatience));
  if (!listed.ok() || !*listed) {
    if (connection->busy) co_return unavailable("another process uses the keeper of this session");
    co_return found;
  }
  for (const auto& [id, process] : connection->processes) {
    found.push_back(process);
    next_id_ = std::max(next_id_, id + 1);
  }
  co_return found;
}

Async<Result<void>> Client::forward(std::uint16_t port, std::string socket_path) {
  CO_TRY_OK(ensure_started());
  CO_TRY(const UniqueFd handle, runtime::open_file(socket_path, O_PATH));
  const std::string name = std::to_string(port);
  const auto connection = connection_;
  auto& waiting = connection->forwards[name];
  if (waiting)
    co_return Error{.code = base::codes::kInvalid, .message = fmt::format("port {} is forwarded already", port)};
  waiting = std::make_unique<runtime::OneShot<int>>(loop_);
  CO_TRY_OK(send({"forward", name}, {handle.get()}));
  CO_TRY(const int error, co_await waiting->wait(scope_.token(), Deadline::after(loop_, kAnswerPatience)));
  if (error == 0) co_return Result<void>();
  connection->forwards.erase(name);
  co_return errno_error(error, fmt::format("port {} in the jail", port));
}

Async<void> Client::receive(std::shared_ptr<Connection> connection) {
  runtime::FdWatch watch(loop_, connection->socket.get());
  bool understood = true;
  while (understood) {
    Packet packet;
    const Received received = receive_packet(connection->socket.get(), packet);
    if (received == Received::kEnd) break;
    if (received == Received::kNothing) {
      if (!(co_await watch.readable(scope_.token(), Deadline::never())).ok()) break;
      continue;
    }
    understood = connection->take(packet);
    // A flood must not keep everything else waiting.
    co_await loop_.yield();
  }
  if (scope_.token().cancelled() && !leaving_) {
    (void)send_packet(connection->socket.get(), {"stop"}, {});
    shutdown(connection->socket.get(), SHUT_WR);
    while (true) {
      Packet packet;
      const Received received = receive_packet(connection->socket.get(), packet);
      if (received == Received::kEnd) break;
      if (received == Received::kPacket) {
        (void)connection->take(packet);
      } else if (!(co_await watch.readable(CancelToken(), Deadline::after(loop_, kEndPatience))).ok()) {
        break;
      }
    }
  }
  if (connection_ == connection) connection_.reset();
  connection->over.set(true);
  connection->fail_all(unavailable(connection->busy      ? "another process uses the keeper of this session"
                                   : !understood         ? fmt::format("{} speaks another protocol", options_.program)
                                   : connection->greeted ? "the keeper died while the command ran"
                                                         : fmt::format("{} is not a keeper", options_.program)));
  shutdown(connection->socket.get(), SHUT_RDWR);
  // One that is left is nobody's child once this process ends.
  if (!connection->process || leaving_) co_return;
  const auto ended = co_await connection->process->wait(loop_, CancelToken(), Deadline::after(loop_, kEndPatience));
  if (ended.ok()) co_return;
  connection->process->signal(SIGKILL);
  (void)co_await connection->process->wait(loop_, CancelToken(), Deadline::never());
}

Async<void> Client::keep_going(std::shared_ptr<Connection> connection) {
  // One that is to end needs it too.
  do {
    connection->keeper.wake();
  } while (!(co_await connection->over.wait(CancelToken(), Deadline::after(loop_, kStoppedInterval))).ok());
}

Async<void> Client::stop() {
  stopped_ = true;
  co_await scope_.stop();
  if (options_.folder.empty()) co_return;
  for (const auto& process : read_spools()) (void)unlink(spool_path(process->id()).c_str());
  (void)unlink((options_.folder + "/" + std::string(protocol::kSocketName)).c_str());
  (void)rmdir(options_.folder.c_str());
}

Async<void> Client::leave(std::chrono::milliseconds linger) {
  stopped_ = true;
  leaving_ = true;
  // What it says meanwhile and nobody reads would have it drop what it has not read itself, so its answer is waited
  // for.
  if (const auto connection = connection_) {
    (void)send({"hello", std::string(protocol::kVersion), std::to_string(linger.count())});
    (void)co_await connection->lingers.wait(CancelToken(), Deadline::after(loop_, kAnswerPatience));
  }
  co_await scope_.stop();
}

Result<std::string> installed_program() {
  TRY(const std::string self, runtime::real_path("/proc/self/exe"));
  const std::string folder = self.substr(0, self.find_last_of('/'));
  return folder.substr(0, folder.find_last_of('/')) + "/libexec/lathe/lathe-keeper";
}

}  // namespace lathe::keeper
