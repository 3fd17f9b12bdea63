#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "lathe/base/check.h"
#include "lathe/base/json.h"
#include "lathe/base/unique_fd.h"
#include "lathe/runtime/byte_stream.h"

namespace lathe::gateways::sqeq {

using base::Json;

/// The other end: lines go out, frames come in.
class Peer final {
 public:
  Peer(runtime::Loop& loop, base::UniqueFd fd) : loop_(loop), fd_(std::move(fd)) {
    auto stream = runtime::ByteStream::of_socket(loop, base::UniqueFd(::fcntl(fd_.get(), F_DUPFD_CLOEXEC, 3)),
                                                 runtime::ByteStream::Carries::kDescriptors);
    CHECK(stream.ok());
    stream_ = *std::move(stream);
  }

  void send(const std::string& bytes, int descriptor = -1) const {
    ASSERT_TRUE(loop_.block_on(write(stream_.get(), bytes, descriptor)).ok());
  }
  void half_close() const { ::shutdown(fd_.get(), SHUT_WR); }
  /// The next frame; nothing at the end.
  std::optional<Json> next() {
    while (text_.find('\n') == std::string::npos) {
      auto more = loop_.block_on(read(stream_.get(), loop_));
      if (!more.ok()) ADD_FAILURE() << more.error().text();
      if (!more.ok() || more->empty()) return std::nullopt;
      text_ += *more;
    }
    const std::string line = text_.substr(0, text_.find('\n'));
    text_.erase(0, line.size() + 1);
    return Json::parse(line);
  }
  /// The next frame that is no event.
  Json answer() {
    while (auto frame = next()) {
      if (!frame->contains("msg")) return *frame;
    }
    ADD_FAILURE() << "the connection ended";
    return {};
  }
  /// The types of all events until the end.
  std::vector<std::string> events_to_the_end() {
    std::vector<std::string> types;
    while (const auto frame = next()) {
      if (frame->contains("msg")) types.push_back((*frame)["msg"]["type"]);
    }
    return types;
  }

 private:
  static runtime::Async<base::Result<void>> write(runtime::ByteStream* stream, std::string bytes, int descriptor) {
    co_return co_await stream->write_with(bytes, descriptor, runtime::CancelToken(), runtime::Deadline::never());
  }
  static runtime::Async<base::Result<std::string>> read(runtime::ByteStream* stream, runtime::Loop& loop) {
    std::string buffer(64U << 10, '\0');
    CO_TRY(const std::size_t got, co_await stream->read(buffer, runtime::CancelToken(),
                                                        runtime::Deadline::after(loop, std::chrono::seconds(20))));
    buffer.resize(got);
    co_return buffer;
  }

  runtime::Loop& loop_;
  base::UniqueFd fd_;
  std::unique_ptr<runtime::ByteStream> stream_;
  std::string text_;
};

}  // namespace lathe::gateways::sqeq
