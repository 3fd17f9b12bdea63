#pragma once

#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "lathe/base/result.h"
#include "lathe/client/transport.h"
#include "lathe/runtime/async.h"

namespace lathe::client {

/// Hands all record lines of a session to `take`, oldest first, page by page: the next page is asked for when `take` is
/// done with the one before. Stops at the first error, which may be that of `take`. `transport` outlives the coroutine.
runtime::Async<base::Result<void>> read_records(
    Transport* transport, std::string session,
    std::function<runtime::Async<base::Result<void>>(std::vector<std::string> lines)> take);

/// Ids of the sessions that a recording answered.
runtime::Async<base::Result<std::set<std::string>>> recorded_sessions(Transport* transport);

/// The session meant by an id, the unique start of an id, or "last".
runtime::Async<base::Result<protocol::SessionInfo>> find_session(Transport* transport, std::string name);

/// Says that a person has looked at the session's records up to `seq`. Best effort: where that cannot be kept, or the
/// engine is of a version that keeps no such thing, all that comes of it is that lists call the session unread.
runtime::Async<void> mark_read(Transport* transport, std::string session, std::int64_t seq);

}  // namespace lathe::client
