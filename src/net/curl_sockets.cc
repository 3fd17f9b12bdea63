#include "lathe/net/curl_sockets.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <limits>
#include <span>
#include <utility>

namespace lathe::net {

using base::Result;
using std::chrono::steady_clock;

Result<std::unique_ptr<CurlSockets>> CurlSockets::create(const CurlApi& curl, CURLM* multi) {
  base::UniqueFd epoll(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll) return base::errno_error(errno, "epoll_create1");
  base::UniqueFd wakes(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wakes) return base::errno_error(errno, "eventfd");
  epoll_event wake{.events = EPOLLIN, .data = {.fd = wakes.get()}};
  if (::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, wakes.get(), &wake) != 0) return base::errno_error(errno, "epoll_ctl");
  std::unique_ptr<CurlSockets> made(new CurlSockets(curl, multi, std::move(epoll), std::move(wakes)));
  (void)curl.multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, &on_socket);
  (void)curl.multi_setopt(multi, CURLMOPT_SOCKETDATA, made.get());
  (void)curl.multi_setopt(multi, CURLMOPT_TIMERFUNCTION, &on_timer);
  (void)curl.multi_setopt(multi, CURLMOPT_TIMERDATA, made.get());
  return made;
}

int CurlSockets::on_socket(CURL* /*easy*/, curl_socket_t socket, int what, void* self, void* /*unused*/) {
  static_cast<CurlSockets*>(self)->watch(socket, what);
  return 0;
}

int CurlSockets::on_timer(CURLM* /*multi*/, long milliseconds, void* self) {
  auto& due = static_cast<CurlSockets*>(self)->due_;
  due.reset();
  if (milliseconds >= 0) due = steady_clock::now() + std::chrono::milliseconds(milliseconds);
  return 0;
}

void CurlSockets::watch(curl_socket_t socket, int what) const {
  epoll_event event{.events = 0, .data = {.fd = socket}};
  if (what == CURL_POLL_IN || what == CURL_POLL_INOUT) event.events |= EPOLLIN;
  if (what == CURL_POLL_OUT || what == CURL_POLL_INOUT) event.events |= EPOLLOUT;
  if (event.events == 0) {
    // It may be closed already, which took it out.
    (void)::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, socket, nullptr);
    return;
  }
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, socket, &event) == 0) return;
  // No memory for it: libcurl's own timeouts end the transfer.
  (void)::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, socket, &event);
}

void CurlSockets::act(curl_socket_t socket, int ready) {
  int still_running = 0;
  (void)curl_.multi_socket_action(multi_, socket, ready, &still_running);
}

int CurlSockets::milliseconds_left() const {
  if (!due_) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(*due_ - steady_clock::now()).count();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, std::numeric_limits<int>::max()));
}

void CurlSockets::wait() {
  std::array<epoll_event, 64> events{};
  const int count = ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), milliseconds_left());
  for (const epoll_event& event : std::span(events).first(static_cast<std::size_t>(std::max(count, 0)))) {
    if (event.data.fd == wakes_.get()) {
      std::uint64_t times = 0;
      (void)!::read(wakes_.get(), &times, sizeof times);
      continue;
    }
    int ready = 0;
    if ((event.events & EPOLLIN) != 0) ready |= CURL_CSELECT_IN;
    if ((event.events & EPOLLOUT) != 0) ready |= CURL_CSELECT_OUT;
    if ((event.events & (EPOLLERR | EPOLLHUP)) != 0) ready |= CURL_CSELECT_ERR;
    act(event.data.fd, ready);
  }
  if (due_ && *due_ <= steady_clock::now()) {
    due_.reset();
    act(CURL_SOCKET_TIMEOUT, 0);
  }
}

void CurlSockets::wake() const {
  constexpr std::uint64_t kOnce = 1;
  // Full means that it is awake.
  (void)!::write(wakes_.get(), &kOnce, sizeof kOnce);
}

}  // namespace lathe::net
