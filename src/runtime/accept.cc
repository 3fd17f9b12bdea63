#include "lathe/runtime/accept.h"

#include <sys/socket.h>

#include <cerrno>

namespace lathe::runtime {

using base::Result;
using base::UniqueFd;

Async<Result<UniqueFd>> accept_next(Loop& loop, FdWatch& watch, int listener, CancelToken cancel) {
  while (true) {
    CO_TRY_OK(co_await watch.readable(cancel, Deadline::never()));
    UniqueFd fd(::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (fd) co_return fd;
    if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
      // The connection stays in the queue; trying again at once would only spin.
      constexpr base::Millis kPause{100};
      CO_TRY_OK(co_await loop.sleep(kPause, cancel));
    }
  }
}

}  // namespace lathe::runtime
