#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lathe/base/clock.h"
#include "lathe/base/hash.h"
#include "lathe/base/ids.h"
#include "lathe/base/result.h"
#include "lathe/base/unique_fd.h"
#include "lathe/engine/connection.h"
#include "lathe/gateways/http/agentruntime_marks.h"
#include "lathe/gateways/http/request_rates.h"
#include "lathe/net/http_connection.h"
#include "lathe/protocol/scopes.h"
#include "lathe/runtime/async.h"
#include "lathe/runtime/byte_stream.h"
#include "lathe/runtime/cancel.h"
#include "lathe/runtime/loop.h"
#include "lathe/runtime/pool.h"

// The local API over HTTP/1.1 (ARCHITECTURE 7.3.6, 9), for programs that speak it: our own protocol below /v1, and the
// routes of agentruntime beside it. Which routes there are, and what each needs, stands in protocol/http_routes.h.
//
// A client shows its token as `Authorization: Bearer …` and asks what the token's scopes allow. A request that a web
// page could have made is refused: another Host than ours (DNS rebinding), an Origin that is not ours, a body that does
// not say that it is JSON. There are no CORS headers.

namespace lathe::gateways::http {

/// Whether anyone uses what is behind the gateway. Who only asks how it is (health, metrics), or is not let in, does
/// not.
struct HttpUse {
  /// Requests that are being answered; an event stream or a WebSocket for as long as it lasts.
  std::size_t under_way = 0;
  /// When the last one ended.
  std::optional<base::MonoTime> ended_at;
};

/// What the gateway is made of; the daemon provides it and keeps it alive longer.
struct HttpParts {
  runtime::Loop& loop;
  /// Takes what is too long to be parsed or written as JSON on the loop.
  runtime::Pool& parsing;
  /// A new client of the engine, under that name.
  std::function<std::unique_ptr<engine::Connection>(std::string client)> connect;
  /// What the holder of a token may ask; `permission_denied` for a token that is not known.
  std::function<base::Result<protocol::Scopes>(std::string_view token)> judge;
  /// Serves a client of frames to its end; its lines are those of ARCHITECTURE 4.1. Without scopes it has yet to show
  /// its token, in its hello.
  std::function<runtime::Async<void>(std::unique_ptr<runtime::ByteStream>, std::optional<protocol::Scopes>)>
      serve_frames;
  /// The bytes that a record names by their hash; `not_found` when they are not in this data root.
  std::function<runtime::Async<base::Result<std::string>>(base::Sha256Hex hash)> read_blob;
  /// What a session has around it whose client names these variables ("NAME=value"): this process's own beside them,
  /// without what is for this process only. `invalid` for one that would reach nothing.
  std::function<base::Result<std::vector<std::string>>(std::vector<std::string> named)> environment_with;
  /// For ids of ops.
  base::Random& random;
  std::string version;
  /// The page of metrics and its content type; for who may read. Absent: there is none.
  struct Page {
    std::string content_type;
    std::string text;
  };
  std::function<runtime::Async<base::Result<Page>>()> metrics = {};
  net::HttpLimits limits = {};
  /// What all connections share.
  std::unique_ptr<RequestRates> rates = std::make_unique<RequestRates>();
  std::unique_ptr<AgentruntimeMarks> marks = std::make_unique<AgentruntimeMarks>();
  std::unique_ptr<HttpUse> use = std::make_unique<HttpUse>();
};

struct HttpEnds {
  /// Nothing more is answered.
  runtime::CancelToken all;
  /// Cancelled with `all` or before: no further request is read.
  runtime::CancelToken requests;
};

/// Serves the client of one connection to its end, or until cancelled. Loop thread.
[[nodiscard]] runtime::Async<void> serve_http(const HttpParts& parts, base::UniqueFd socket, HttpEnds ends);

}  // namespace lathe::gateways::http
