#pragma once

#include "lathe/base/error.h"
#include "lathe/net/http_connection.h"

namespace lathe::gateways::http {

/// {"error": {code, message, hint, retryable}} with the status that fits the code best.
[[nodiscard]] net::OutgoingResponse error_response(const base::Error& error);

}  // namespace lathe::gateways::http
