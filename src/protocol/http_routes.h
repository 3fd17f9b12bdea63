#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lathe/protocol/scopes.h"

// The routes of the HTTP wire, once: gateways/http dispatches by this table and holds tokens to its scopes, and the
// OpenAPI document is written from it. A route that is not here cannot be reached, and one that is here has to be
// answered: the gateway's switch over HttpRouteId has no default.

namespace lathe::protocol {

enum class HttpRouteId {
  kHealth,
  kMetrics,
  kCall,
  kNewSession,
  kOp,
  kEvents,
  kWatch,
  kBlob,
  kBlobHead,
  kConnect,
  kAgentruntimeCreate,
  kAgentruntimeList,
  kAgentruntimeHistory,
  kAgentruntimeSnapshot,
  kAgentruntimeInfo,
  kAgentruntimeLogs,
  kAgentruntimeLog,
  kAgentruntimeEnd,
  kAgentruntimeBridge,
  kAgentruntimeEvents,
};

/// Whose words a route speaks; errors differ.
enum class HttpDialect { kLathe, kAgentruntime };

enum class HttpAccess {
  kOpen,
  kToken,
  /// A token in the head of the request, or in the hello that comes first; a browser's WebSocket has no head of its
  /// own.
  kTokenOrHello,
};

struct HttpParameter {
  enum class Place { kQuery, kHeader };
  Place place = Place::kQuery;
  std::string_view name;
  std::string_view doc;
  bool whole_number = true;
};

struct HttpAnswer {
  unsigned status = 200;
  /// Empty: no body.
  std::string_view media_type = "application/json";
  /// Of http_payloads.h; with "[]" behind it a list; empty: no JSON, or what the call or op gives.
  std::string_view payload = {};
  std::string_view doc;
};

struct HttpRoute {
  HttpRouteId id = HttpRouteId::kHealth;
  /// The operationId of the OpenAPI document; of a call or op, what its own begins with.
  std::string_view name;
  std::string_view method;
  /// A segment in braces stands for any.
  std::string_view path;
  std::string_view doc;
  HttpDialect dialect = HttpDialect::kLathe;
  HttpAccess access = HttpAccess::kToken;
  /// All of them are needed; of a call or op, what itself needs comes to it.
  Scopes scopes = {};
  std::span<const HttpParameter> parameters = {};
  /// Of http_payloads.h, like that of an answer.
  std::string_view body = {};
  /// Those that are no errors.
  std::span<const HttpAnswer> answers = {};
};

/// In the order of docs/reference/http.md.
[[nodiscard]] std::span<const HttpRoute> http_routes();

struct HttpMatch {
  const HttpRoute* route = nullptr;
  /// What stands for the segments in braces, in their order.
  std::vector<std::string> values;
};
/// Nothing where there is no such route. `path` is as it was sent, without the query.
[[nodiscard]] std::optional<HttpMatch> match_http_route(std::string_view method, std::string_view path);

}  // namespace lathe::protocol
