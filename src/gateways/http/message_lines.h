#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "lathe/net/web_socket.h"
#include "lathe/runtime/byte_stream.h"

namespace lathe::gateways::http {

/// A WebSocket as a stream of lines: each message is a line, and each line is sent as a message. What is written ends
/// with a newline. Loop thread.
class MessageLines final : public runtime::ByteStream {
 public:
  explicit MessageLines(std::unique_ptr<net::WebSocket> socket) : socket_(std::move(socket)) {}

  runtime::Async<base::Result<std::size_t>> read(std::span<char> into, runtime::CancelToken cancel,
                                                 runtime::Deadline deadline) override;
  runtime::Async<base::Result<void>> write(std::string_view bytes, runtime::CancelToken cancel,
                                           runtime::Deadline deadline) override;
  void end_writing() override {}
  [[nodiscard]] bool peer_gone() const override { return socket_->peer_gone(); }

 private:
  std::unique_ptr<net::WebSocket> socket_;
  /// A message as a line, and what of it was read.
  std::string line_;
  std::size_t read_ = 0;
  bool ended_ = false;
};

}  // namespace lathe::gateways::http
