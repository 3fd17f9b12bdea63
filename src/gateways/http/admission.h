#pragma once

#include "lathe/base/result.h"
#include "lathe/net/http_connection.h"

namespace lathe::gateways::http {

/// Whether the request can only come from a program of this machine, not from a page in a browser: Host and Origin name
/// a loopback address, and a body says that it is JSON. `permission_denied`, or `invalid`, with what is wrong.
[[nodiscard]] base::Result<void> check_origin(const net::IncomingRequest& request);
/// The token that comes with it; empty when there is none.
[[nodiscard]] std::string_view bearer_token(const net::IncomingRequest& request);

}  // namespace lathe::gateways::http
