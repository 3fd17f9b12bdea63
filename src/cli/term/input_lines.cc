#include "lathe/cli/term/input_lines.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace lathe::cli {

using base::Result;
using runtime::Async;

namespace {

constexpr std::size_t kReadBytes = 64U << 10;

bool readable_now(int fd) {
  pollfd entry{.fd = fd, .events = POLLIN, .revents = 0};
  return ::poll(&entry, 1, 0) != 0;
}

}  // namespace

Async<Result<std::string>> InputLines::next(runtime::CancelToken cancel) {
  std::size_t searched = 0;
  while (true) {
    if (const std::size_t end = unread_.find('\n', searched); end != std::string::npos) {
      std::string line = unread_.substr(0, end);
      unread_.erase(0, end + 1);
      co_return line;
    }
    if (ended_ && !unread_.empty()) co_return std::exchange(unread_, {});
    if (ended_) co_return base::Error{.code = base::codes::kUnavailable, .message = "the input ended"};
    searched = unread_.size();
    CO_TRY_OK(co_await read_more(cancel));
  }
}

Async<Result<void>> InputLines::read_more(runtime::CancelToken cancel) {
  if (!readable_now(fd_)) {
    if (!watch_) watch_.emplace(loop_, fd_);
    CO_TRY_OK(co_await watch_->readable(cancel, runtime::Deadline::never()));
  }
  std::string bytes(kReadBytes, '\0');
  const ssize_t count = ::read(fd_, bytes.data(), bytes.size());
  if (count < 0 && (errno == EINTR || errno == EAGAIN)) co_return Result<void>();
  if (count < 0) co_return base::errno_error(errno, "read stdin");
  ended_ = count == 0;
  unread_.append(bytes, 0, static_cast<std::size_t>(count));
  co_return Result<void>();
}

}  // namespace lathe::cli
