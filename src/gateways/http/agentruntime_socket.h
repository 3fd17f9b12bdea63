#pragma once

#include "lathe/gateways/http/http_gateway.h"
#include "lathe/net/http_connection.h"
#include "lathe/protocol/http_routes.h"
#include "lathe/protocol/scopes.h"
#include "lathe/runtime/async.h"
#include "lathe/runtime/cancel.h"

namespace lathe::gateways::http {

/// Serves `/ws/sessions/ID?since=N` or `…/events?since=N`: the session's log from that byte on (0: all of it, -1, as
/// when it is left out: only what comes), then what comes, and the end with its exit code, also for who comes after it.
/// What cannot be served is answered over HTTP; gives whether the connection is of more use. What it is given outlives
/// it. Loop thread.
[[nodiscard]] runtime::Async<bool> serve_agentruntime_socket(const HttpParts* parts, protocol::Scopes scopes,
                                                             protocol::HttpMatch match, net::IncomingRequest request,
                                                             net::HttpConnection* connection,
                                                             runtime::CancelToken cancel);

}  // namespace lathe::gateways::http
