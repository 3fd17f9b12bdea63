#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "lathe/base/result.h"
#include "lathe/egress/host.h"

namespace lathe::egress {

/// What a client of the proxy asks for.
struct ProxyRequest {
  enum class Kind {
    /// CONNECT host:port: bytes both ways afterwards.
    kTunnel,
    /// METHOD http://host/path: one request, one answer.
    kPlain,
  };
  Kind kind = Kind::kTunnel;
  Endpoint target;
  /// kPlain: the head to send on, with its empty line. It names `target` as its Host, whatever the client wrote, asks
  /// for the connection to be closed, and has none of the headers that are meant for a proxy.
  std::string head_for_server = {};
  /// kPlain: bytes of the body that follows.
  std::uint64_t body_bytes = 0;
};

/// Reads a request head: all bytes before the empty line. One reading only, so that nobody behind us sees another
/// request in the same bytes: lines end with CRLF, names and values hold no control characters, nothing is folded, and
/// of two lengths none counts. Errors: `invalid` with what is wrong; `unsupported` for https:// in the open, a chunked
/// body, and HTTP versions other than 1.0 and 1.1.
[[nodiscard]] base::Result<ProxyRequest> parse_request_head(std::string_view head);

}  // namespace lathe::egress
