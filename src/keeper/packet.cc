#include "lathe/keeper/packet.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "lathe/base/strings.h"
#include "lathe/runtime/files.h"

namespace lathe::keeper {

using base::errno_error;
using base::Error;
using base::Result;
using base::UniqueFd;

namespace {

Error too_long(std::string_view program) {
  return {.code = base::codes::kLimit,
          .message = fmt::format("{}: arguments and environment are too long for the system", program),
          .hint = "put the text into a file or onto stdin"};
}

void take_fds(msghdr& header, std::vector<UniqueFd>& fds) {
  for (cmsghdr* part = CMSG_FIRSTHDR(&header); part != nullptr; part = CMSG_NXTHDR(&header, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(part) + i * sizeof(int), sizeof fd);
      fds.emplace_back(fd);
    }
  }
}

std::string_view name_of(InputKind kind) {
  switch (kind) {
    case InputKind::kText:
      return "file";
    case InputKind::kPipe:
      return "pipe";
    case InputKind::kTerminal:
      return "terminal";
  }
  return "";
}

}  // namespace

Received receive_packet(int socket, Packet& packet) {
  std::array<char, protocol::kMaxMessageBytes> bytes;
  alignas(cmsghdr) std::array<char, CMSG_SPACE(protocol::kMaxFds * sizeof(int))> control{};
  iovec data{.iov_base = bytes.data(), .iov_len = bytes.size()};
  msghdr header{};
  header.msg_iov = &data;
  header.msg_iovlen = 1;
  header.msg_control = control.data();
  header.msg_controllen = control.size();
  ssize_t got = 0;
  do {
    got = recvmsg(socket, &header, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    // A peer that went with messages of ours unread is told of before what it said last.
  } while (got < 0 && (errno == EINTR || errno == ECONNRESET));
  if (got < 0 && errno == EAGAIN) return Received::kNothing;
  if (got <= 0) return Received::kEnd;
  packet = {};
  take_fds(header, packet.fds);
  const std::string_view text(bytes.data(), static_cast<std::size_t>(got));
  for (const std::string_view word : base::split(text.substr(0, text.size() - 1), '\0'))
    packet.words.emplace_back(word);
  return Received::kPacket;
}

int send_packet(int socket, const std::vector<std::string>& words, const std::vector<int>& fds) {
  std::string bytes;
  for (const std::string& word : words) bytes += word + '\0';
  iovec data{.iov_base = bytes.data(), .iov_len = bytes.size()};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(protocol::kMaxFds * sizeof(int))> control{};
  msghdr header{};
  header.msg_iov = &data;
  header.msg_iovlen = 1;
  if (!fds.empty()) {
    const std::size_t size = fds.size() * sizeof(int);
    header.msg_control = control.data();
    header.msg_controllen = CMSG_SPACE(size);
    cmsghdr* part = CMSG_FIRSTHDR(&header);
    part->cmsg_level = SOL_SOCKET;
    part->cmsg_type = SCM_RIGHTS;
    part->cmsg_len = CMSG_LEN(size);
    std::memcpy(CMSG_DATA(part), fds.data(), size);
  }
  ssize_t put = 0;
  do {
    put = sendmsg(socket, &header, MSG_NOSIGNAL | MSG_DONTWAIT);
  } while (put < 0 && errno == EINTR);
  return put < 0 ? errno : 0;
}

Result<UniqueFd> sealed_file(std::string_view bytes) {
  UniqueFd fd(memfd_create("lathe", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!fd) return errno_error(errno, "memory file for a command");
  TRY_OK(runtime::write_all(fd.get(), bytes, "memory file for a command"));
  if (lseek(fd.get(), 0, SEEK_SET) != 0 ||
      fcntl(fd.get(), F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) != 0) {
    return errno_error(errno, "memory file for a command");
  }
  return fd;
}

Result<std::string> spec_of(const Command& command) {
  if (command.argv.empty()) return Error{.code = base::codes::kInvalid, .message = "the command is empty"};
  const auto has_nul = [](const std::string& word) { return word.find('\0') != std::string::npos; };
  if (std::ranges::any_of(command.argv, has_nul) || std::ranges::any_of(command.env, has_nul) || has_nul(command.cwd) ||
      has_nul(command.name)) {
    return Error{.code = base::codes::kInvalid, .message = "a command may not hold NUL bytes"};
  }
  std::string bytes = command.cwd + '\0' + std::to_string(command.argv.size()) + '\0';
  for (const std::string& word : command.argv) bytes += word + '\0';
  bytes += std::to_string(command.env.size()) + '\0';
  for (const std::string& variable : command.env) bytes += variable + '\0';
  bytes += command.jail;
  if (bytes.size() > protocol::kMaxSpecBytes) return too_long(command.argv[0]);
  return bytes;
}

std::vector<std::string> run_words(std::uint64_t id, const Command& command, RunWords which) {
  // A timeout of zero would mean none.
  const auto timeout = command.timeout ? std::max<std::int64_t>(command.timeout->count(), 1) : 0;
  const auto limit = [](const std::optional<std::uint64_t>& value) {
    return std::to_string(value ? std::max<std::uint64_t>(*value, 1) : 0);
  };
  std::vector<std::string> words{"run",
                                 std::to_string(id),
                                 command.name.substr(0, protocol::kMaxNameBytes),
                                 std::to_string(timeout),
                                 std::to_string(command.file_mode_mask),
                                 std::string(name_of(command.input_kind)),
                                 command.output_kind == OutputKind::kHeld ? "hold" : "keep",
                                 std::to_string(command.columns),
                                 std::to_string(command.rows),
                                 limit(command.limits.processes),
                                 limit(command.limits.memory_bytes),
                                 limit(command.limits.free_bytes),
                                 limit(command.limits.output_bytes)};
  if (which == RunWords::kWithoutLimits || command.resource_limits.empty()) return words;
  std::string limits;
  for (const base::ResourceLimit& one : command.resource_limits) {
    limits += fmt::format("{}{}:{}:{}", limits.empty() ? "" : ",", one.resource, one.soft, one.hard);
  }
  words.push_back(std::move(limits));
  return words;
}

std::uint64_t number_of(const std::string& word) { return std::strtoull(word.c_str(), nullptr, 10); }

std::optional<Exit> exit_of(const std::vector<std::string>& words) {
  constexpr std::array<std::pair<std::string_view, Ended>, 8> kNames = {{{"exited", Ended::kExited},
                                                                         {"killed", Ended::kKilled},
                                                                         {"timeout", Ended::kTimedOut},
                                                                         {"lost", Ended::kLost},
                                                                         {"processes", Ended::kProcesses},
                                                                         {"memory", Ended::kMemory},
                                                                         {"disk", Ended::kDisk},
                                                                         {"output", Ended::kOutput}}};
  constexpr std::size_t kWithoutDisk = 8;
  if (words.size() != kWithoutDisk && words.size() != kWithoutDisk + 1) return std::nullopt;
  const auto* const ended = std::ranges::find(kNames, words[4], &std::pair<std::string_view, Ended>::first);
  if (ended == kNames.end()) return std::nullopt;
  return Exit{.code = static_cast<int>(number_of(words[2])),
              .signal = static_cast<int>(number_of(words[3])),
              .ended = ended->second,
              .survivors = static_cast<int>(number_of(words[5])),
              .disk = words.size() > kWithoutDisk ? words[kWithoutDisk] : ""};
}

Error start_error(const Command& command, std::string_view stage, int error, const std::string& detail) {
  const std::string program = command.argv.empty() ? command.name : command.argv[0];
  if (stage == "limit") {
    return {.code = base::codes::kLimit,
            .message = fmt::format("{} commands run already, which is the limit", protocol::kMaxCommands),
            .retryable = true};
  }
  if (stage == "cwd") return errno_error(error, fmt::format("working folder {}", command.cwd));
  if (stage == "jail") {
    Error refused = errno_error(error, fmt::format("{} cannot be confined ({}); it was not run", program, detail));
    refused.code = base::codes::kUnavailable;
    // A path was swapped between planning the jail and setting it up.
    refused.retryable = error == EAGAIN;
    refused.hint = "see what this machine gives with `lathe sandbox test`";
    return refused;
  }
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

}  // namespace lathe::keeper
