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
  if (read_ == line_.size() && !ended_) {
    CO_TRY(auto message, co_await socket_->read(cancel));
    ended_ = !message;
    line_ = std::move(message).value_or("");
    read_ = 0;
    if (!ended_) {
      // JSON that was laid out over lines; inside of a string there can be none.
      std::ranges::replace(line_, '\n', ' ');
      line_ += '\n';
    }
  }
  const std::string_view rest = std::string_view(line_).substr(read_, into.size());
  std::ranges::copy(rest, into.begin());
  read_ += rest.size();
  co_return rest.size();
}

Async<Result<void>> MessageLines::write(std::string_view bytes, CancelToken cancel, Deadline /*deadline*/) {
  for (const std::string_view line : base::split_lines(bytes)) {
    CO_TRY_OK(co_await socket_->write(std::string(line), cancel));
  }
  co_return Result<void>();
}

}  // namespace lathe::gateways::http
