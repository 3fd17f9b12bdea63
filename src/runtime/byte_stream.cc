#include "lathe/runtime/byte_stream.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstring>
#include <limits>
#include <utility>

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
  DescriptorStream(Loop& loop, int in, int out, std::size_t most_at_once, Carries carries)
      : in_(in),
        out_(out),
        most_at_once_(most_at_once),
        carries_(carries),
        in_watch_(loop, in),
        out_watch_(loop, out) {}
  void own(UniqueFd in, UniqueFd out) {
    owned_in_ = std::move(in);
    owned_out_ = std::move(out);
  }

  Async<Result<std::size_t>> read(std::span<char> into, CancelToken cancel, Deadline deadline) override;
  UniqueFd take_descriptor() override { return std::move(received_); }
  Async<Result<void>> write(std::string_view bytes, CancelToken cancel, Deadline deadline) override {
    return write_with(bytes, kNoDescriptor, std::move(cancel), deadline);
  }
  Async<Result<void>> write_with(std::string_view bytes, int descriptor, CancelToken cancel,
                                 Deadline deadline) override;
  void end_writing() override;
  [[nodiscard]] bool peer_gone() const override;

 private:
  static constexpr int kNoDescriptor = -1;

  ssize_t receive(std::span<char> into);
  [[nodiscard]] ssize_t send_with(std::string_view bytes, int descriptor) const;

  // Of a socket only, and two of them: a cancelled wait on a descriptor ends every other wait on it.
  UniqueFd owned_in_;
  UniqueFd owned_out_;
  const int in_;
  const int out_;
  const std::size_t most_at_once_;
  const Carries carries_;
  /// Came with what was read last.
  UniqueFd received_;
  FdWatch in_watch_;
  FdWatch out_watch_;
};

/// What comes along with bytes: room for one descriptor. The kernel closes those that find none.
struct Control {
  static constexpr std::size_t kUsed = CMSG_LEN(sizeof(int));
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> bytes{};
};

msghdr message_of(iovec* bytes, Control* control) {
  msghdr header{};
  header.msg_iov = bytes;
  header.msg_iovlen = 1;
  header.msg_control = control->bytes.data();
  header.msg_controllen = Control::kUsed;
  return header;
}

ssize_t DescriptorStream::receive(std::span<char> into) {
  Control control;
  iovec bytes{.iov_base = into.data(), .iov_len = into.size()};
  msghdr header = message_of(&bytes, &control);
  const ssize_t got = ::recvmsg(in_, &header, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
  if (got < 0) return got;
  // A read ends behind bytes that a descriptor was sent with (unix_stream_read_generic), so it belongs to the last one.
  const cmsghdr* const part = CMSG_FIRSTHDR(&header);
  if (part != nullptr && part->cmsg_level == SOL_SOCKET && part->cmsg_type == SCM_RIGHTS &&
      part->cmsg_len == Control::kUsed) {
    int fd = kNoDescriptor;
    std::memcpy(&fd, CMSG_DATA(part), sizeof fd);
    received_.reset(fd);
  }
  return got;
}

ssize_t DescriptorStream::send_with(std::string_view bytes, int descriptor) const {
  Control control;
  iovec sent{.iov_base = const_cast<char*>(bytes.data()), .iov_len = bytes.size()};
  const msghdr header = message_of(&sent, &control);
  cmsghdr* const part = CMSG_FIRSTHDR(&header);
  part->cmsg_level = SOL_SOCKET;
  part->cmsg_type = SCM_RIGHTS;
  part->cmsg_len = Control::kUsed;
  std::memcpy(CMSG_DATA(part), &descriptor, sizeof descriptor);
  return ::sendmsg(out_, &header, MSG_NOSIGNAL | MSG_DONTWAIT);
}

Async<Result<std::size_t>> DescriptorStream::read(std::span<char> into, CancelToken cancel, Deadline deadline) {
  received_.reset();
  while (true) {
    while (!ready(in_, POLLIN)) CO_TRY_OK(co_await in_watch_.readable(cancel, deadline));
    const ssize_t got = carries_ == Carries::kDescriptors ? receive(into) : ::read(in_, into.data(), into.size());
    if (got >= 0) co_return static_cast<std::size_t>(got);
    if (!must_wait(errno)) co_return base::errno_error(errno, "read from a client");
  }
}

Async<Result<void>> DescriptorStream::write_with(std::string_view bytes, int descriptor, CancelToken cancel,
                                                 Deadline deadline) {
  if (carries_ != Carries::kDescriptors) descriptor = kNoDescriptor;
  while (!bytes.empty()) {
    if (!ready(out_, POLLOUT)) {
      CO_TRY_OK(co_await out_watch_.writable(cancel, deadline));
      continue;
    }
    const ssize_t sent = descriptor == kNoDescriptor
                             ? ::write(out_, bytes.data(), std::min(bytes.size(), most_at_once_))
                             : send_with(bytes, descriptor);
    if (sent >= 0) {
      descriptor = kNoDescriptor;
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

Result<std::unique_ptr<ByteStream>> ByteStream::of_socket(Loop& loop, UniqueFd socket, Carries carries) {
  TRY_OK(set_nonblocking(socket.get()));
  UniqueFd out(::fcntl(socket.get(), F_DUPFD_CLOEXEC, 3));
  if (!out) return base::errno_error(errno, "copy a socket's descriptor");
  auto stream = std::make_unique<DescriptorStream>(loop, socket.get(), out.get(),
                                                   std::numeric_limits<std::size_t>::max(), carries);
  stream->own(std::move(socket), std::move(out));
  return std::unique_ptr<ByteStream>(std::move(stream));
}

std::unique_ptr<ByteStream> ByteStream::of_descriptors(Loop& loop, int in, int out) {
  return std::make_unique<DescriptorStream>(loop, in, out, PIPE_BUF, Carries::kBytes);
}

}  // namespace lathe::runtime
