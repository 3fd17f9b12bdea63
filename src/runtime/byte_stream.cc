#include "lathe/runtime/byte_stream.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <limits>

#include "lathe/runtime/subprocess.h"

namespace lathe::runtime {

using base::Result;
using base::UniqueFd;

namespace {

bool ready(int fd, short events) {
  pollfd entry{.fd = fd, .events = events, .revents = 0};
  return ::poll(&entry, 1, 0) > 0;
}

bool must_wait(int error) { return error == EAGAIN || error == EWOULDBLOCK || error == EINTR; }

class DescriptorStream final : public ByteStream {
 public:
  DescriptorStream(Loop& loop, int in, int out, std::size_t most_at_once)
      : in_(in), out_(out), most_at_once_(most_at_once), in_watch_(loop, in), out_watch_(loop, out) {}
  void own(UniqueFd in, UniqueFd out) {
    owned_in_ = std::move(in);
    owned_out_ = std::move(out);
  }

  Async<Result<std::size_t>> read(std::span<char> into, CancelToken cancel, Deadline deadline) override;
  Async<Result<void>> write(std::string_view bytes, CancelToken cancel, Deadline deadline) override;
  void end_writing() override;
  [[nodiscard]] bool peer_gone() const override;

 private:
  // Of a socket only, and two of them: a cancelled wait on a descriptor ends every other wait on it.
  UniqueFd owned_in_;
  UniqueFd owned_out_;
  const int in_;
  const int out_;
  const std::size_t most_at_once_;
  FdWatch in_watch_;
  FdWatch out_watch_;
};

Async<Result<std::size_t>> DescriptorStream::read(std::span<char> into, CancelToken cancel, Deadline deadline) {
  while (true) {
    while (!ready(in_, POLLIN)) CO_TRY_OK(co_await in_watch_.readable(cancel, deadline));
    const ssize_t got = ::read(in_, into.data(), into.size());
    if (got >= 0) co_return static_cast<std::size_t>(got);
    if (!must_wait(errno)) co_return base::errno_error(errno, "read from a client");
  }
}

Async<Result<void>> DescriptorStream::write(std::string_view bytes, CancelToken cancel, Deadline deadline) {
  while (!bytes.empty()) {
    if (!ready(out_, POLLOUT)) {
      CO_TRY_OK(co_await out_watch_.writable(cancel, deadline));
      continue;
    }
    const ssize_t sent = ::write(out_, bytes.data(), std::min(bytes.size(), most_at_once_));
    if (sent >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    } else if (errno == EPIPE || errno == ECONNRESET) {
      co_return base::Error{.code = base::codes::kUnavailable, .message = "nobody reads any more"};
    } else if (!must_wait(errno)) {
      co_return base::errno_error(errno, "write to a client");
    }
  }
  co_return Result<void>();
}

void DescriptorStream::end_writing() {
  if (owned_out_) (void)::shutdown(out_, SHUT_WR);
}

bool DescriptorStream::peer_gone() const {
  // A socket that is shut in both directions, or a pipe without a reader.
  pollfd entry{.fd = out_, .events = 0, .revents = 0};
  return ::poll(&entry, 1, 0) > 0 && (entry.revents & (POLLHUP | POLLERR)) != 0;
}

}  // namespace

Result<std::unique_ptr<ByteStream>> ByteStream::of_socket(Loop& loop, UniqueFd socket) {
  TRY_OK(set_nonblocking(socket.get()));
  UniqueFd out(::fcntl(socket.get(), F_DUPFD_CLOEXEC, 3));
  if (!out) return base::errno_error(errno, "copy a socket's descriptor");
  auto stream =
      std::make_unique<DescriptorStream>(loop, socket.get(), out.get(), std::numeric_limits<std::size_t>::max());
  stream->own(std::move(socket), std::move(out));
  return std::unique_ptr<ByteStream>(std::move(stream));
}

std::unique_ptr<ByteStream> ByteStream::of_descriptors(Loop& loop, int in, int out) {
  return std::make_unique<DescriptorStream>(loop, in, out, PIPE_BUF);
}

}  // namespace lathe::runtime
