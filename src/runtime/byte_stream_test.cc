#include "lathe/runtime/byte_stream.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <string>
#include <vector>

#include "lathe/runtime/subprocess.h"

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

/// One message of a peer, with these descriptors.
void send_message(int socket, std::string text, const std::vector<int>& descriptors) {
  alignas(cmsghdr) std::array<char, CMSG_SPACE(4 * sizeof(int))> control{};
  const std::size_t size = descriptors.size() * sizeof(int);
  iovec bytes{.iov_base = text.data(), .iov_len = text.size()};
  msghdr header{};
  header.msg_iov = &bytes;
  header.msg_iovlen = 1;
  if (size > 0) {
    header.msg_control = control.data();
    header.msg_controllen = CMSG_SPACE(size);
    cmsghdr* const part = CMSG_FIRSTHDR(&header);
    part->cmsg_level = SOL_SOCKET;
    part->cmsg_type = SCM_RIGHTS;
    part->cmsg_len = CMSG_LEN(size);
    std::memcpy(CMSG_DATA(part), descriptors.data(), size);
  }
  ASSERT_EQ(::sendmsg(socket, &header, 0), static_cast<ssize_t>(text.size()));
}

/// A pipe whose write end is sent somewhere: as long as that is open anywhere, nothing has come to its end.
class SentPipe final {
 public:
  SentPipe() {
    auto made = make_pipe();
    CHECK(made.ok() && set_nonblocking(made->read_end.get()).ok());
    pipe_ = *std::move(made);
  }
  [[nodiscard]] int write_end() const { return pipe_.write_end.get(); }
  void close_own() { pipe_.write_end.reset(); }
  [[nodiscard]] bool is_open_elsewhere() const {
    char byte = 0;
    return ::read(pipe_.read_end.get(), &byte, 1) != 0;
  }

 private:
  Pipe pipe_;
};

class CarryingStreamTest : public testing::Test {
 protected:
  CarryingStreamTest() { open(ByteStream::Carries::kDescriptors); }
  void open(ByteStream::Carries carries) {
    Pair pair = socket_pair();
    theirs_ = std::move(pair.theirs);
    auto made = ByteStream::of_socket(loop_, std::move(pair.ours), carries);
    CHECK(made.ok());
    stream_ = *std::move(made);
  }
  void send(const std::string& text, const std::vector<int>& descriptors = {}) const {
    send_message(theirs_.get(), text, descriptors);
  }
  std::string read() {
    std::string text;
    EXPECT_TRUE(loop_.block_on(read_some(stream_.get(), &text, CancelToken())).ok());
    return text;
  }

  Loop loop_;
  UniqueFd theirs_;
  std::unique_ptr<ByteStream> stream_;
  SentPipe first_;
  SentPipe second_;
};

TEST_F(CarryingStreamTest, ADescriptorComesWithTheBytesThatItWasSentWith) {
  send("before\n");
  send("with", {first_.write_end()});
  send(" it\n");
  first_.close_own();
  EXPECT_EQ(read(), "before\nwith") << "the last byte is one of those";
  UniqueFd taken = stream_->take_descriptor();
  ASSERT_TRUE(taken);
  EXPECT_EQ(::fcntl(taken.get(), F_GETFD) & FD_CLOEXEC, FD_CLOEXEC) << "no child has it";
  EXPECT_FALSE(stream_->take_descriptor()) << "it is taken once";
  EXPECT_EQ(read(), " it\n");
  EXPECT_FALSE(stream_->take_descriptor());
  EXPECT_TRUE(first_.is_open_elsewhere());
  taken.reset();
  EXPECT_FALSE(first_.is_open_elsewhere());
}

TEST_F(CarryingStreamTest, OfSeveralTheFirstComesAndWhatNobodyTakesIsClosed) {
  send("both\n", {first_.write_end(), second_.write_end()});
  first_.close_own();
  second_.close_own();
  EXPECT_EQ(read(), "both\n");
  EXPECT_TRUE(first_.is_open_elsewhere());
  EXPECT_FALSE(second_.is_open_elsewhere());
  send("next\n");
  EXPECT_EQ(read(), "next\n");
  EXPECT_FALSE(first_.is_open_elsewhere());
  EXPECT_FALSE(stream_->take_descriptor());
}

TEST_F(CarryingStreamTest, WhereNoneIsCarriedNoneIsLeftOpen) {
  open(ByteStream::Carries::kBytes);
  send("bytes\n", {first_.write_end()});
  first_.close_own();
  EXPECT_EQ(read(), "bytes\n");
  EXPECT_FALSE(stream_->take_descriptor());
  EXPECT_FALSE(first_.is_open_elsewhere());
}

TEST_F(CarryingStreamTest, ADescriptorGoesWithTheFirstOfManyBytes) {
  auto writer = ByteStream::of_socket(loop_, std::move(theirs_), ByteStream::Carries::kDescriptors);
  ASSERT_TRUE(writer.ok());
  const UniqueFd folder(::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
  constexpr std::size_t kBytes = 4U << 20;  // more than the socket takes at once
  struct Play {
    static Async<base::Result<void>> write(ByteStream* stream, std::string text, int descriptor) {
      co_return co_await stream->write_with(text, descriptor, CancelToken(), Deadline::never());
    }
    /// Where in the bytes descriptors came.
    static Async<base::Result<void>> read(ByteStream* stream, std::size_t bytes, std::vector<std::size_t>* places) {
      std::string into;
      for (std::size_t place = 0; place < bytes;) {
        CO_TRY(const std::size_t got, co_await read_some(stream, &into, CancelToken()));
        const UniqueFd came = stream->take_descriptor();
        struct stat status{};
        if (came) {
          EXPECT_TRUE(::fstat(came.get(), &status) == 0 && S_ISDIR(status.st_mode));
          places->push_back(place);
        }
        place += got;
      }
      co_return base::Result<void>();
    }
  };
  std::vector<std::size_t> places;
  std::vector<Async<base::Result<void>>> both;
  both.push_back(Play::write(writer->get(), std::string(kBytes, 'x'), folder.get()));
  both.push_back(Play::read(stream_.get(), kBytes, &places));
  for (const auto& result : loop_.block_on(when_all(std::move(both)))) EXPECT_TRUE(result.ok());
  EXPECT_EQ(places, std::vector<std::size_t>{0});
}

}  // namespace
}  // namespace lathe::runtime
