#pragma once

#include <chrono>
#include <memory>
#include <optional>

#include "lathe/base/result.h"
#include "lathe/base/unique_fd.h"
#include "lathe/net/curl_api.h"

namespace lathe::net {

/// Waits for the sockets of a libcurl multi handle and lets libcurl work on those that are ready: what a wait costs
/// does not grow with the transfers that are quiet (curl_multi_perform looks at each every time). All but wake()
/// belongs to the thread that made it.
class CurlSockets final {
 public:
  /// The multi handle must end before it.
  [[nodiscard]] static base::Result<std::unique_ptr<CurlSockets>> create(const CurlApi& curl, CURLM* multi);
  CurlSockets(const CurlSockets&) = delete;
  CurlSockets& operator=(const CurlSockets&) = delete;
  ~CurlSockets() = default;

  /// Until a socket is ready, libcurl's timer is due, or wake() was called since the last wait; then does what is due.
  void wait();
  /// Any thread.
  void wake() const;
  /// libcurl does not wait with what was just begun or resumed.
  void hurry() { due_ = std::chrono::steady_clock::now(); }

 private:
  CurlSockets(const CurlApi& curl, CURLM* multi, base::UniqueFd epoll, base::UniqueFd wakes)
      : curl_(curl), multi_(multi), epoll_(std::move(epoll)), wakes_(std::move(wakes)) {}
  static int on_socket(CURL* easy, curl_socket_t socket, int what, void* self, void* unused);
  static int on_timer(CURLM* multi, long milliseconds, void* self);
  void watch(curl_socket_t socket, int what) const;
  void act(curl_socket_t socket, int ready);
  [[nodiscard]] int milliseconds_left() const;

  const CurlApi& curl_;
  CURLM* const multi_;
  const base::UniqueFd epoll_;
  const base::UniqueFd wakes_;
  /// When libcurl wants to be called in any case.
  std::optional<std::chrono::steady_clock::time_point> due_;
};

}  // namespace lathe::net
