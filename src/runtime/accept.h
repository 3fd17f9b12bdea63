#pragma once

#include "lathe/base/result.h"
#include "lathe/base/unique_fd.h"
#include "lathe/runtime/async.h"
#include "lathe/runtime/cancel.h"
#include "lathe/runtime/loop.h"

namespace lathe::runtime {

/// The next connection of a listening socket, non-blocking. An error only when cancelled: when the process has no
/// descriptor left, a connection stays in the queue until there is one. Loop thread.
Async<base::Result<base::UniqueFd>> accept_next(Loop& loop, FdWatch& watch, int listener, CancelToken cancel);

}  // namespace lathe::runtime
