#include "lathe/keeper/program/forwarder.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <memory>
#include <vector>

#include "lathe/keeper/program/wire.h"

namespace lathe::keeper {
namespace {

constexpr std::size_t kMaxConnections = 256;
constexpr std::size_t kBufferBytes = 32U << 10;

/// Bytes on their way from one socket to another.
struct Flow {
  int from;
  int to;
  std::vector<char> waiting = {};
  bool from_ended = false;
  bool to_ended = false;

  [[nodiscard]] bool over() const { return from_ended && to_ended; }
  [[nodiscard]] bool reads() const { return !from_ended && waiting.empty(); }

  void move() {
    if (reads()) {
      waiting.resize(kBufferBytes);
      const ssize_t got = recv(from, waiting.data(), waiting.size(), MSG_DONTWAIT);
      waiting.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
      from_ended = got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR);
    }
    if (!waiting.empty()) {
      const ssize_t put = ::send(to, waiting.data(), waiting.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
      if (put > 0) waiting.erase(waiting.begin(), waiting.begin() + put);
      if (put < 0 && errno != EAGAIN && errno != EINTR) {
        waiting.clear();
        from_ended = true;
      }
    }
    if (from_ended && waiting.empty() && !to_ended) {
      shutdown(to, SHUT_WR);
      to_ended = true;
    }
  }
};

/// A connection of a command and ours to the other side.
struct Joint {
  Joint(int inside, int outside) : there{.from = inside, .to = outside}, back{.from = outside, .to = inside} {}
  ~Joint() {
    close(there.from);
    close(back.from);
  }
  Joint(const Joint&) = delete;
  Joint& operator=(const Joint&) = delete;
  Flow there;
  Flow back;
};

short events_of(const Flow& reading, const Flow& writing) {
  return static_cast<short>((reading.reads() ? POLLIN : 0) | (writing.waiting.empty() ? 0 : POLLOUT));
}

int connect_to(int socket_handle) {
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d", socket_handle);
  if (fd >= 0 && connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return fd;
  if (fd >= 0) close(fd);
  return -1;
}

[[noreturn]] void forward(int listener, int socket_handle) {
  std::vector<std::unique_ptr<Joint>> joints;
  std::vector<pollfd> waits;
  while (true) {
    waits.assign(1, {.fd = joints.size() < kMaxConnections ? listener : -1, .events = POLLIN, .revents = 0});
    for (const auto& joint : joints) {
      waits.push_back({.fd = joint->there.from, .events = events_of(joint->there, joint->back), .revents = 0});
      waits.push_back({.fd = joint->back.from, .events = events_of(joint->back, joint->there), .revents = 0});
      // An end that hung up would wake us for nothing.
      if (waits[waits.size() - 2].events == 0) waits[waits.size() - 2].fd = -1;
      if (waits.back().events == 0) waits.back().fd = -1;
    }
    if (poll(waits.data(), waits.size(), -1) < 0 && errno != EINTR) _exit(1);
    for (const auto& joint : joints) {
      joint->there.move();
      joint->back.move();
    }
    std::erase_if(joints, [](const auto& joint) { return joint->there.over() && joint->back.over(); });
    if (waits[0].revents == 0) continue;
    const int inside = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    if (inside < 0) continue;
    const int outside = connect_to(socket_handle);
    if (outside < 0) {
      close(inside);
    } else {
      joints.push_back(std::make_unique<Joint>(inside, outside));
    }
  }
}

int listen_on(unsigned short port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return -1;
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 && listen(fd, 64) == 0) return fd;
  const int error = errno;
  close(fd);
  errno = error;
  return -1;
}

}  // namespace

Forwarder start_forwarder(unsigned short port, int socket_handle) {
  const int listener = listen_on(port);
  if (listener < 0) return {.error = errno};
  const pid_t keeper = getpid();
  const pid_t pid = fork();
  if (pid == 0) {
    prctl(PR_SET_NAME, "lathe-forward");
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != keeper) _exit(0);
    const int kept[] = {listener, socket_handle};
    close_all_but(kept);
    forward(listener, socket_handle);
  }
  const int error = errno;
  close(listener);
  if (pid < 0) return {.error = error};
  return {.pid = pid};
}

}  // namespace lathe::keeper
