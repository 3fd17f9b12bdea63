#include "lathe/runtime/byte_stream.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <array>
#include <string>

namespace lathe::runtime {
namespace {

using base::UniqueFd;

struct Pair {
  UniqueFd ours;
  UniqueFd theirs;
};

Pair socket_pair() {
  std::array<int, 2> fds{};
  EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds.data()), 0);
  return {UniqueFd(fds[0]), UniqueFd(fds[1])};
}

Async<base::Result<void>> write_text(ByteStream* stream, std::string text, CancelToken cancel) {
  co_return co_await stream->write(text, cancel, Deadline::never());
}

Async<base::Result<std::size_t>> read_some(ByteStream* stream, std::string* into, CancelToken cancel) {
  into->resize(64U << 10);
  const auto got = co_await stream->read(*into, cancel, Deadline::never());
  into->resize(got.value_or(0U));
  co_return got;
}

TEST(ByteStream, ACancelledReadLeavesAWriteThatWaits) {
  Loop loop;
  Pair pair = socket_pair();
  auto stream = ByteStream::of_socket(loop, std::move(pair.ours));
  ASSERT_TRUE(stream.ok());
  CancelSource reading;
  std::string text(4U << 20, 'x');  // more than the socket takes
  struct Both {
    static Async<base::Result<void>> read(ByteStream* stream, CancelToken cancel) {
      std::string into;
      const auto got = co_await read_some(stream, &into, cancel);
      EXPECT_EQ(got.error().code, base::codes::kCancelled);
      co_return base::Result<void>();
    }
    /// Reads what was written once the read has been cancelled.
    static Async<base::Result<void>> drain(Loop* loop, CancelSource* reading, int fd, std::size_t bytes) {
      co_await loop->yield();
      reading->cancel(cancelled_error("test"));
      std::string buffer(64U << 10, '\0');
      while (bytes > 0) {
        co_await loop->yield();
        const ssize_t got = ::recv(fd, buffer.data(), buffer.size(), MSG_DONTWAIT);
        if (got > 0) bytes -= static_cast<std::size_t>(got);
      }
      co_return base::Result<void>();
    }
  };
  std::vector<Async<base::Result<void>>> work;
  work.push_back(Both::read(stream->get(), reading.token()));
  work.push_back(write_text(stream->get(), text, CancelToken()));
  work.push_back(Both::drain(&loop, &reading, pair.theirs.get(), text.size()));
  const auto results = loop.block_on(when_all(std::move(work)));
  EXPECT_TRUE(results[1].ok()) << results[1].error().text();
}

TEST(ByteStream, TellsAHalfClosedPeerFromOneThatIsGone) {
  Loop loop;
  Pair pair = socket_pair();
  auto stream = ByteStream::of_socket(loop, std::move(pair.ours));
  ASSERT_TRUE(stream.ok());
  std::string text;
  ::shutdown(pair.theirs.get(), SHUT_WR);
  EXPECT_EQ(loop.block_on(read_some(stream->get(), &text, CancelToken())).value_or(1U), 0U);
  EXPECT_FALSE((*stream)->peer_gone());
  pair.theirs.reset();
  EXPECT_TRUE((*stream)->peer_gone());
  const auto written = loop.block_on(write_text(stream->get(), "x", CancelToken()));
  ASSERT_FALSE(written.ok());
  EXPECT_EQ(written.error().code, base::codes::kUnavailable);
}

}  // namespace
}  // namespace lathe::runtime
