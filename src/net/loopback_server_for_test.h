#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "lathe/base/check.h"
#include "lathe/base/unique_fd.h"

namespace lathe::net {

/// One accepted connection, with blocking reads and writes on the thread that serves it.
class ServerConnection final {
 public:
  explicit ServerConnection(base::UniqueFd fd) : fd_(std::move(fd)) {}

  /// The next request's head and body (by content-length), or "" when the client has left.
  std::string read_request() {
    std::size_t head_end = std::string::npos;
    while ((head_end = pending_.find("\r\n\r\n")) == std::string::npos) {
      if (!read_more()) return {};
    }
    std::size_t length = 0;
    if (const std::size_t at = pending_.find("Content-Length: "); at < head_end) {
      length = std::stoul(pending_.substr(at + 16));
    }
    while (pending_.size() < head_end + 4 + length) {
      if (!read_more()) return {};
    }
    std::string request = pending_.substr(0, head_end + 4 + length);
    pending_.erase(0, request.size());
    return request;
  }
  /// False when the client has left.
  bool write(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }
  /// How many bytes the kernel takes without waiting, at most `limit`.
  std::size_t write_what_fits(std::size_t limit) {
    const std::string piece(64 << 10, 'x');
    std::size_t total = 0;
    while (total < limit) {
      const ssize_t sent =
          ::send(fd_.get(), piece.data(), std::min(piece.size(), limit - total), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (sent <= 0) break;
      total += static_cast<std::size_t>(sent);
    }
    return total;
  }
  /// Ends reads and writes under way. Any thread.
  void hang_up() const { ::shutdown(fd_.get(), SHUT_RDWR); }
  /// Returns when the client has closed its side.
  void wait_until_closed() {
    while (read_more()) {
    }
  }

 private:
  bool read_more() {
    char buffer[64 << 10];
    const ssize_t got = ::recv(fd_.get(), buffer, sizeof buffer, 0);
    if (got <= 0) return false;
    pending_.append(buffer, static_cast<std::size_t>(got));
    return true;
  }

  base::UniqueFd fd_;
  std::string pending_;
};

/// A server on the loopback that hands every connection to `serve`, each on a thread of its own.
class LoopbackServer final {
 public:
  using Serve = std::function<void(ServerConnection&)>;

  explicit LoopbackServer(Serve serve) : serve_(std::move(serve)), listener_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    CHECK(::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), size) == 0);
    CHECK(::listen(listener_.get(), 64) == 0);
    CHECK(::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0);
    port_ = ntohs(address.sin_port);
    acceptor_ = std::thread([this] { accept_all(); });
  }
  /// Hangs up on everyone and joins its threads, so `serve` must return once its client has left.
  ~LoopbackServer() {
    ::shutdown(listener_.get(), SHUT_RDWR);
    acceptor_.join();
    for (const auto& worker : workers_) worker->connection.hang_up();
    for (const auto& worker : workers_) worker->thread.join();
  }
  LoopbackServer(const LoopbackServer&) = delete;
  LoopbackServer& operator=(const LoopbackServer&) = delete;

  [[nodiscard]] std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  [[nodiscard]] int connections() const { return connections_.load(); }

 private:
  void accept_all() {
    while (true) {
      base::UniqueFd fd(::accept(listener_.get(), nullptr, nullptr));
      if (!fd) return;
      connections_.fetch_add(1);
      workers_.push_back(std::make_unique<Worker>(ServerConnection(std::move(fd))));
      Worker* const worker = workers_.back().get();
      worker->thread = std::thread([this, worker] {
        serve_(worker->connection);
        worker->connection.hang_up();
      });
    }
  }

  struct Worker {
    explicit Worker(ServerConnection accepted) : connection(std::move(accepted)) {}
    ServerConnection connection;
    std::thread thread;
  };

  Serve serve_;
  base::UniqueFd listener_;
  std::uint16_t port_ = 0;
  std::atomic<int> connections_{0};
  std::vector<std::unique_ptr<Worker>> workers_;
  std::thread acceptor_;
};

}  // namespace lathe::net
