#pragma once

#include <string_view>

#include "lathe/gateways/http/http_gateway.h"
#include "lathe/net/http_connection.h"
#include "lathe/protocol/scopes.h"
#include "lathe/runtime/async.h"

// The routes of agentruntime's daemon (agentruntime "HTTP endpoints"), with `agent: native` and `runtime: local`:
//
//   POST   /sessions                    makes a session and says the prompt; answers before the agent does
//   GET    /sessions                    those that were not deleted, newest first: ?limit=N (100)
//   GET    /sessions/ID, …/info         one of them
//   GET    /sessions/ID/logs?cursor=N   its log from that byte on; the header Agentruntime-Log-Cursor says where to go
//   on GET    /sessions/ID/log             all of it DELETE /sessions/ID                 ends it; its log stays
//
// Each needs the scopes of the ops and calls that it stands for.

namespace lathe::gateways::http {

[[nodiscard]] bool is_agentruntime_route(std::string_view path);

/// What is answered; errors are answers. `parts` outlives it. Loop thread.
[[nodiscard]] runtime::Async<net::OutgoingResponse> answer_agentruntime(const HttpParts* parts, protocol::Scopes scopes,
                                                                        net::IncomingRequest request);

}  // namespace lathe::gateways::http
