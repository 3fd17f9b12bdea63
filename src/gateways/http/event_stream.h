#pragma once

#include <cstdint>

#include "lathe/base/result.h"
#include "lathe/engine/connection.h"
#include "lathe/net/http_connection.h"
#include "lathe/runtime/async.h"
#include "lathe/runtime/cancel.h"
#include "lathe/runtime/loop.h"

// A session's events as server-sent events: `event` is the message's type, `data` the event's line, and `id` the seq of
// a durable one, so that a client that comes back says where it was (Last-Event-ID).

namespace lathe::gateways::http {

/// The seq after which events are wanted: `since`, or the header Last-Event-ID, which is newer; 0 without either.
[[nodiscard]] base::Result<std::int64_t> first_seq(const net::IncomingRequest& request);

/// Until the client hangs up, the engine ends, the client has fallen behind (a `lagged` event is the last), or
/// cancelled.
[[nodiscard]] runtime::Async<void> send_events(runtime::Loop& loop, engine::Connection& engine,
                                               net::HttpConnection& connection, runtime::CancelToken cancel);

}  // namespace lathe::gateways::http
