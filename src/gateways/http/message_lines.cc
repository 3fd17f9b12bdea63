#include "lathe/gateways/http/message_lines.h"

#include <algorithm>
#include <utility>

#include "lathe/base/strings.h"

namespace lathe::gateways::http {

using base::Result;
using runtime::Async;
using runtime::CancelToken;
using runtime::Deadline;

// The WebSocket drops a peer that is silent for too long by itself, so its waits take no deadline.

Async<Result<std::size_t>> MessageLines::read(std::span<char> into, CancelToken cancel, Deadline /*deadline*/) {
  if (rest_.empty() && !ended_) {
    CO_TRY(auto message, co_await socket_->read(cancel));
    ended_ = !message;
    if (message) {
      rest_ = *std::move(message);
      // JSON that was laid out over lines; inside of a string there can be none.
      std::ranges::replace(rest_, '\n', ' ');
      rest_ += '\n';
    }
  }
  const std::size_t count = std::min(into.size(), rest_.size());
  std::copy_n(rest_.begin(), count, into.begin());
  rest_.erase(0, count);
  co_return count;
}

Async<Result<void>> MessageLines::write(std::string_view bytes, CancelToken cancel, Deadline /*deadline*/) {
  for (const std::string_view line : base::split_lines(bytes)) {
    CO_TRY_OK(co_await socket_->write(std::string(line), cancel));
  }
  co_return Result<void>();
}

}  // namespace lathe::gateways::http
