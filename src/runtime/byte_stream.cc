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

}  // namespace

Result<std::unique_ptr<ByteStream>> ByteStream::of_socket(Loop& loop, UniqueFd socket) {
  TRY_OK(set_nonblocking(socket.get()));
  UniqueFd out(::fcntl(socket.get(), F_DUPFD_CLOEXEC, 3));
  if (!out) return base::errno_error(errno, "copy a socket's descriptor");
  std::unique_ptr<ByteStream> stream(
      new ByteStream(loop, socket.get(), out.get(), std::numeric_limits<std::size_t>::max()));
  stream->owned_in_ = std::move(socket);
  stream->owned_out_ = std::move(out);
  return stream;
}

std::unique_ptr<ByteStream> ByteStream::of_descriptors(Loop& loop, int in, int out) {
  return std::unique_ptr<ByteStream>(new ByteStream(loop, in, out, PIPE_BUF));
}

Async<Result<std::size_t>> ByteStream::read(std::span<char> into, CancelToken cancel, Deadline deadline) {
  while (true) {
    while (!ready(in_, POLLIN)) CO_TRY_OK(co_await in_watch_.readable(cancel, deadline));
    const ssize_t got = ::read(in_, into.data(), into.size());
    if (got >= 0) co_return static_cast<std::size_t>(got);
    if (!must_wait(errno)) co_return base::errno_error(errno, "read from a client");
  }
}

Async<Result<void>> ByteStream::write(std::string_view bytes, CancelToken cancel, Deadline deadline) {
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

void ByteStream::end_writing() const {
  if (owned_out_) (void)::shutdown(out_, SHUT_WR);
}

bool ByteStream::peer_gone() const {
  // A socket that is shut in both directions, or a pipe without a reader.
  pollfd entry{.fd = out_, .events = 0, .revents = 0};
  return ::poll(&entry, 1, 0) > 0 && (entry.revents & (POLLHUP | POLLERR)) != 0;
}

}  // namespace lathe::runtime
