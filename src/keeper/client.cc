#include "lathe/keeper/client.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstring>

#include "lathe/base/strings.h"
#include "lathe/keeper/protocol.h"
#include "lathe/runtime/files.h"

// One background coroutine per keeper reads its messages and wakes the run() that each belongs to. A keeper that died
// fails what ran through it; the next run() starts another.

namespace lathe::keeper {

using base::errno_error;
using base::Error;
using base::Result;
using base::UniqueFd;
using runtime::Async;
using runtime::CancelToken;
using runtime::Deadline;

namespace {

/// How long the keeper may take to end a tree that it was told to end; more than it needs at most.
constexpr std::chrono::seconds kEndPatience{10};

Error unavailable(std::string message) {
  return {.code = base::codes::kUnavailable,
          .message = std::move(message),
          .hint = "reinstall lathe, or see `lathe doctor`"};
}

Error too_long(std::string_view program) {
  return {.code = base::codes::kLimit,
          .message = fmt::format("{}: arguments and environment are too long for the system", program),
          .hint = "put the text into a file or onto stdin"};
}

Result<void> check_words(const Command& command) {
  if (command.argv.empty()) return Error{.code = base::codes::kInvalid, .message = "the command is empty"};
  const auto has_nul = [](const std::string& word) { return word.find('\0') != std::string::npos; };
  if (std::ranges::any_of(command.argv, has_nul) || std::ranges::any_of(command.env, has_nul) || has_nul(command.cwd)) {
    return Error{.code = base::codes::kInvalid, .message = "a command may not hold NUL bytes"};
  }
  return {};
}

/// Folder, arguments and environment in a memory file, as protocol.h has it.
Result<UniqueFd> spec_file(const Command& command) {
  std::string bytes = command.cwd + '\0' + std::to_string(command.argv.size()) + '\0';
  for (const std::string& word : command.argv) bytes += word + '\0';
  for (const std::string& variable : command.env) bytes += variable + '\0';
  if (bytes.size() > protocol::kMaxSpecBytes) return too_long(command.argv[0]);
  UniqueFd fd(memfd_create("lathe-command", MFD_CLOEXEC));
  if (!fd) return errno_error(errno, "memory file for a command");
  TRY_OK(runtime::write_all(fd.get(), bytes, "memory file for a command"));
  return fd;
}

Result<void> send_words(int socket, const std::vector<std::string>& words, const std::array<int, 4>* fds) {
  std::string bytes;
  for (const std::string& word : words) bytes += word + '\0';
  iovec data{.iov_base = bytes.data(), .iov_len = bytes.size()};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(4 * sizeof(int))> control{};
  msghdr header{};
  header.msg_iov = &data;
  header.msg_iovlen = 1;
  if (fds != nullptr) {
    header.msg_control = control.data();
    header.msg_controllen = control.size();
    cmsghdr* part = CMSG_FIRSTHDR(&header);
    part->cmsg_level = SOL_SOCKET;
    part->cmsg_type = SCM_RIGHTS;
    part->cmsg_len = CMSG_LEN(sizeof *fds);
    std::memcpy(CMSG_DATA(part), fds->data(), sizeof *fds);
  }
  ssize_t put = 0;
  do {
    put = sendmsg(socket, &header, MSG_NOSIGNAL);
  } while (put < 0 && errno == EINTR);
  // A keeper that is gone is noticed, and told of, by receive().
  if (put < 0 && errno != EPIPE && errno != ECONNRESET) {
    return unavailable(fmt::format("the keeper does not take a message: {}", std::strerror(errno)));
  }
  return {};
}

/// Why a command did not start, from the step that failed and its errno.
Error start_error(const Command& command, std::string_view stage, int error) {
  const std::string& program = command.argv[0];
  if (stage == "limit") {
    return {.code = base::codes::kLimit,
            .message = fmt::format("{} commands run already, which is the limit", protocol::kMaxCommands),
            .retryable = true};
  }
  if (stage == "cwd") return errno_error(error, fmt::format("working folder {}", command.cwd));
  if (error == E2BIG) return too_long(program);
  if (stage != "exec") return errno_error(error, fmt::format("start {} ({})", program, stage));
  if (error == ENOEXEC) {
    return {.code = base::codes::kUnsupported,
            .message = fmt::format("{}: not a program that this system can execute", program),
            .hint = "a script needs a first line such as #!/bin/sh"};
  }
  if (error == ENOENT && program.find('/') != std::string::npos) {
    const std::string path = program.starts_with('/') ? program : command.cwd + "/" + program;
    if (runtime::path_exists(path)) {
      return {.code = base::codes::kNotFound,
              .message = fmt::format("{}: the interpreter that its first line names does not exist", program)};
    }
    return {.code = base::codes::kNotFound, .message = fmt::format("{}: no such program", program)};
  }
  if (error == ENOENT) {
    return {.code = base::codes::kNotFound, .message = fmt::format("{}: no such program in PATH", program)};
  }
  return errno_error(error, program);
}

int number(const std::string& word) { return static_cast<int>(std::strtol(word.c_str(), nullptr, 10)); }

Ended ended_from(std::string_view word) {
  if (word == "killed") return Ended::kKilled;
  if (word == "timeout") return Ended::kTimedOut;
  if (word == "lost") return Ended::kLost;
  return Ended::kExited;
}

}  // namespace

/// One run() that waits for its end.
struct Client::Pending {
  explicit Pending(runtime::Loop& loop, const Command* what) : command(what), done(loop) {}
  const Command* command;
  runtime::OneShot<Result<Exit>> done;
};

struct Client::Connection {
  Connection(UniqueFd our_end, runtime::Child child) : socket(std::move(our_end)), process(std::move(child)) {}

  UniqueFd socket;
  runtime::Child process;
  bool greeted = false;
  std::map<std::uint64_t, Pending*> pending;

  /// False when the keeper speaks another protocol.
  [[nodiscard]] bool take(const std::vector<std::string>& words) {
    if (words[0] == "hello") {
      greeted = words.size() > 1 && words[1] == protocol::kVersion;
      return greeted;
    }
    if (words.size() < 2 || !greeted) return false;
    const auto at = pending.find(std::strtoull(words[1].c_str(), nullptr, 10));
    if (at == pending.end()) return true;
    if (words[0] == "failed" && words.size() == 4) {
      at->second->done.set(start_error(*at->second->command, words[2], number(words[3])));
    } else if (words[0] == "exit" && words.size() == 6) {
      at->second->done.set(Exit{.code = number(words[2]),
                                .signal = number(words[3]),
                                .ended = ended_from(words[4]),
                                .survivors = number(words[5])});
    }
    return true;
  }

  void fail_all(const Error& error) {
    for (const auto& [id, run] : pending) run->done.set(error);
  }
};

Client::Client(runtime::Loop& loop, std::string program) : loop_(loop), program_(std::move(program)), scope_(loop) {}
Client::~Client() = default;

std::optional<pid_t> Client::keeper_pid() const {
  if (!connection_) return std::nullopt;
  return connection_->process.pid();
}

Result<void> Client::ensure_started() {
  if (stopped_) return unavailable("the keeper of this session was stopped");
  if (connection_) return {};
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) return errno_error(errno, "socket pair");
  UniqueFd ours(pair[0]);
  const UniqueFd theirs(pair[1]);
  TRY_OK(runtime::set_nonblocking(ours.get()));
  runtime::SpawnOptions options{.argv = {program_}};
  options.env.emplace();
  options.cwd = "/";
  options.fds = {{theirs.get(), protocol::kSocketFd}};
  options.new_session = true;
  auto process = runtime::spawn(options);
  if (!process.ok()) return unavailable(fmt::format("the keeper cannot be started: {}", process.error().message));
  connection_ = std::make_shared<Connection>(std::move(ours), *std::move(process));
  scope_.spawn(receive(connection_));
  return send_words(connection_->socket.get(), {"hello", std::string(protocol::kVersion)}, nullptr);
}

Result<void> Client::send_run(std::uint64_t id, const Command& command, const Stdio& stdio) {
  TRY(const UniqueFd spec, spec_file(command));
  const std::array<int, 4> fds{stdio.in.get(), stdio.out.get(), stdio.err.get(), spec.get()};
  // A timeout of zero would mean none.
  const auto timeout = command.timeout ? std::max<std::int64_t>(command.timeout->count(), 1) : 0;
  return send_words(connection_->socket.get(),
                    {"run", std::to_string(id), std::to_string(timeout), std::to_string(command.file_mode_mask)}, &fds);
}

Async<Result<Exit>> Client::run(Command command, Stdio stdio, CancelToken cancel) {
  CO_TRY_OK(check_words(command));
  if (cancel.cancelled()) co_return cancel.reason();
  CO_TRY_OK(ensure_started());
  const std::shared_ptr<Connection> connection = connection_;
  const std::uint64_t id = next_id_++;
  CO_TRY_OK(send_run(id, command, stdio));
  stdio = {};

  Pending pending(loop_, &command);
  connection->pending.emplace(id, &pending);
  auto exit = co_await pending.done.wait(cancel, Deadline::never());
  if (!exit.ok()) {
    (void)send_words(connection->socket.get(), {"kill", std::to_string(id)}, nullptr);
    exit = co_await pending.done.wait(CancelToken(), Deadline::after(loop_, kEndPatience));
  }
  connection->pending.erase(id);
  if (!exit.ok()) co_return unavailable("the keeper does not answer");
  co_return *std::move(exit);
}

Async<void> Client::receive(std::shared_ptr<Connection> connection) {
  runtime::FdWatch watch(loop_, connection->socket.get());
  std::array<char, protocol::kMaxMessageBytes> bytes;
  bool understood = true;
  while (understood) {
    const ssize_t got = recv(connection->socket.get(), bytes.data(), bytes.size(), 0);
    if (got < 0 && errno == EAGAIN) {
      if (!(co_await watch.readable(scope_.token(), Deadline::never())).ok()) break;
      continue;
    }
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    const std::string_view text(bytes.data(), static_cast<std::size_t>(got));
    std::vector<std::string> words;
    for (const std::string_view word : base::split(text.substr(0, text.size() - 1), '\0')) words.emplace_back(word);
    understood = connection->take(words);
  }
  if (connection_ == connection) connection_.reset();
  connection->fail_all(unavailable(!understood           ? fmt::format("{} speaks another protocol", program_)
                                   : connection->greeted ? "the keeper died while the command ran"
                                                         : fmt::format("{} is not a keeper", program_)));
  shutdown(connection->socket.get(), SHUT_RDWR);
  const auto ended = co_await connection->process.wait(loop_, CancelToken(), Deadline::after(loop_, kEndPatience));
  if (ended.ok()) co_return;
  connection->process.signal(SIGKILL);
  (void)co_await connection->process.wait(loop_, CancelToken(), Deadline::never());
}

Async<void> Client::stop() {
  stopped_ = true;
  co_await scope_.stop();
}

Result<std::string> installed_program() {
  TRY(const std::string self, runtime::real_path("/proc/self/exe"));
  const std::string folder = self.substr(0, self.find_last_of('/'));
  return folder.substr(0, folder.find_last_of('/')) + "/libexec/lathe/lathe-keeper";
}

}  // namespace lathe::keeper
