#include "lathe/keeper/program/wire.h"

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>

#include "lathe/keeper/protocol.h"

namespace lathe::keeper {
namespace {

constexpr std::size_t kMaxFds = 4;

void collect_fds(msghdr& header, std::vector<int>& fds) {
  for (cmsghdr* part = CMSG_FIRSTHDR(&header); part != nullptr; part = CMSG_NXTHDR(&header, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(part) + i * sizeof(int), sizeof fd);
      fds.push_back(fd);
    }
  }
}

}  // namespace

Received receive(int socket, Message& message) {
  std::array<char, protocol::kMaxMessageBytes> bytes;
  alignas(cmsghdr) std::array<char, CMSG_SPACE(kMaxFds * sizeof(int))> control;
  iovec data{.iov_base = bytes.data(), .iov_len = bytes.size()};
  msghdr header{};
  header.msg_iov = &data;
  header.msg_iovlen = 1;
  header.msg_control = control.data();
  header.msg_controllen = control.size();
  ssize_t got = 0;
  do {
    got = recvmsg(socket, &header, MSG_CMSG_CLOEXEC);
  } while (got < 0 && errno == EINTR);
  if (got <= 0) return Received::kClosed;
  message = {};
  collect_fds(header, message.fds);
  const auto size = static_cast<std::size_t>(got);
  if ((header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0 || bytes[size - 1] != '\0') return Received::kBroken;
  for (std::size_t at = 0; at < size; at += message.words.back().size() + 1) message.words.emplace_back(&bytes[at]);
  return Received::kMessage;
}

void send(int socket, const std::vector<std::string>& words) {
  std::string bytes;
  for (const std::string& word : words) {
    bytes += word;
    bytes += '\0';
  }
  ssize_t put = 0;
  do {
    put = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  } while (put < 0 && errno == EINTR);
}

bool parse_number(std::string_view text, unsigned long long& number) {
  const char* const end = text.data() + text.size();
  // NOLINTNEXTLINE(bugprone-suspicious-stringview-data-usage): the end is given
  const auto [stopped, error] = std::from_chars(text.data(), end, number);
  return error == std::errc() && stopped == end;
}

}  // namespace lathe::keeper
