#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

#include "lathe/base/check.h"
#include "lathe/base/unique_fd.h"
#include "lathe/egress/fake_resolver_for_test.h"
#include "lathe/egress/gatekeeper.h"

namespace lathe::egress {

/// A client of the proxy, with blocking reads and writes.
class ProxyClient final {
 public:
  explicit ProxyClient(const std::string& socket_path) : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, socket_path.data(), socket_path.size());
    CHECK(::connect(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  }
  void send(std::string_view bytes) const {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
  }
  void end_writing() const { ::shutdown(fd_.get(), SHUT_WR); }
  /// All that comes until `last` has, or the end.
  [[nodiscard]] std::string read_until(std::string_view last) const {
    std::string all;
    char buffer[4096];
    while (last.empty() || all.find(last) == std::string::npos) {
      const ssize_t got = ::recv(fd_.get(), buffer, sizeof buffer, 0);
      if (got <= 0) break;
      all.append(buffer, static_cast<std::size_t>(got));
    }
    return all;
  }
  [[nodiscard]] std::string read_to_end() const { return read_until(""); }
  /// Sends it and gives the whole answer.
  [[nodiscard]] std::string ask(std::string_view request) const {
    send(request);
    return read_to_end();
  }

 private:
  base::UniqueFd fd_;
};

class FakeGatekeeper final : public Gatekeeper {
 public:
  Answer answer = Answer::kNobody;
  Answer about_named = Answer::kAllowed;
  std::vector<std::string> questions;
  std::vector<protocol::NetworkDecision> decisions;

  runtime::Async<Answer> ask(Endpoint target, runtime::CancelToken) override {
    questions.push_back(target.text());
    co_return answer;
  }
  runtime::Async<Answer> ask_of_named(Endpoint, runtime::CancelToken) override { co_return about_named; }
  void decided(protocol::NetworkDecision decision) override { decisions.push_back(std::move(decision)); }
};

/// A folder for the socket, gone with the test.
class SocketFolder final {
 public:
  SocketFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "egress-XXXXXX").string();
    CHECK(::mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
  }
  ~SocketFolder() { std::filesystem::remove_all(path_); }
  SocketFolder(const SocketFolder&) = delete;
  SocketFolder& operator=(const SocketFolder&) = delete;
  [[nodiscard]] std::string socket() const { return path_ + "/proxy"; }

 private:
  std::string path_;
};

}  // namespace lathe::egress
