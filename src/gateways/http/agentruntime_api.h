#pragma once

#include "lathe/gateways/http/http_gateway.h"
#include "lathe/net/http_connection.h"
#include "lathe/protocol/http_routes.h"
#include "lathe/protocol/scopes.h"
#include "lathe/runtime/async.h"

// The routes of agentruntime's daemon (agentruntime "HTTP endpoints"), with `agent: native` and `runtime: local`. Each
// needs the scopes of the ops and calls that it stands for.

namespace lathe::gateways::http {

/// What is answered to one that `match` names; errors are answers. `parts` outlives it. Loop thread.
[[nodiscard]] runtime::Async<net::OutgoingResponse> answer_agentruntime(const HttpParts* parts, protocol::Scopes scopes,
                                                                        protocol::HttpMatch match,
                                                                        net::IncomingRequest request);

}  // namespace lathe::gateways::http
