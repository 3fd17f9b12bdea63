#include "lathe/cli/term/output.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <utility>

namespace lathe::cli {

using base::Result;
using runtime::Async;
using runtime::CancelToken;

namespace {

/// Whether a write of up to PIPE_BUF bytes goes through now.
bool writable_now(int fd) {
  pollfd entry{.fd = fd, .events = POLLOUT, .revents = 0};
  return ::poll(&entry, 1, 0) != 0;
}

}  // namespace

Async<Result<void>> Output::flush(CancelToken cancel) {
  flushing_ = true;
  Result<void> written;
  while (!pending_.empty() && written.ok() && !failed_) {
    // Taken out first: more may be added while this waits.
    const std::string text = std::exchange(pending_, {});
    std::string_view rest = text;
    while (!rest.empty() && written.ok()) written = co_await write_some(&rest, cancel);
  }
  flushing_ = false;
  if (!written.ok() && cancel.cancelled()) co_return written;
  if (!written.ok()) failed_ = std::move(written).error();
  if (!failed_) co_return Result<void>();
  pending_.clear();
  co_return *failed_;
}

void Output::drain() {
  std::string_view rest = pending_;
  while (!flushing_ && !failed_ && !rest.empty() && writable_now(fd_)) {
    const ssize_t count = ::write(fd_, rest.data(), std::min<std::size_t>(rest.size(), PIPE_BUF));
    if (count < 0) break;  // flush() tells why
    rest.remove_prefix(static_cast<std::size_t>(count));
  }
  pending_.erase(0, pending_.size() - rest.size());
}

void Output::write_soon(std::string_view text) {
  pending_ += text;
  drain();
}

bool Output::write_if_ready(std::string_view text) {
  drain();
  if (flushing_ || failed_ || !pending_.empty() || !writable_now(fd_)) return false;
  write_soon(text);
  return true;
}

/// The descriptor is shared with other processes, so it stays blocking: a write no longer than a pipe takes at once,
/// after poll said that there is room, does not block.
Async<Result<void>> Output::write_some(std::string_view* text, CancelToken cancel) {
  if (!writable_now(fd_)) {
    if (!watch_) watch_.emplace(loop_, fd_);
    CO_TRY_OK(co_await watch_->writable(cancel, runtime::Deadline::never()));
  }
  const ssize_t count = ::write(fd_, text->data(), std::min<std::size_t>(text->size(), PIPE_BUF));
  if (count >= 0) {
    text->remove_prefix(static_cast<std::size_t>(count));
    co_return Result<void>();
  }
  if (errno == EINTR || errno == EAGAIN) co_return Result<void>();
  if (errno == EPIPE) {
    co_return base::Error{.code = base::codes::kUnavailable, .message = "whoever read " + name_ + " went away"};
  }
  co_return base::errno_error(errno, "write " + name_);
}

}  // namespace lathe::cli
