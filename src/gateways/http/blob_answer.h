#pragma once

#include <string>

#include "lathe/net/http_connection.h"

namespace lathe::gateways::http {

/// What is answered to a request for bytes that are named by their hash, which is their ETag (RFC 9110): all of them,
/// the part that Range asks for (206), that there is no such part (416), or that the client has them already (304).
/// More ranges than one, and what is none, are not looked at, as the RFC allows. Nobody is to take the bytes for
/// anything but bytes.
[[nodiscard]] net::OutgoingResponse blob_answer(const net::IncomingRequest& request, const std::string& hash,
                                                std::string bytes);

}  // namespace lathe::gateways::http
