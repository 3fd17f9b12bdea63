#include "lathe/protocol/http_routes.h"

#include <array>

#include "lathe/base/strings.h"

namespace lathe::protocol {

namespace {

using Id = HttpRouteId;
using Place = HttpParameter::Place;

constexpr std::string_view kNoBody;
constexpr std::string_view kBytes = "application/octet-stream";

constexpr std::array kHealthAnswers{HttpAnswer{.payload = "Health", .doc = "it serves"}};
constexpr std::array kMetricsAnswers{HttpAnswer{.media_type = "text/plain; version=0.0.4; charset=utf-8",
                                                .doc = "Prometheus' text; docs/reference/watching.md lists the names"}};
constexpr std::array kCallAnswers{HttpAnswer{.doc = "the fields of the reply"}};
constexpr std::array kMadeAnswers{HttpAnswer{.status = 201, .payload = "HttpAck", .doc = "the session is recorded"}};
constexpr std::array kOpAnswers{HttpAnswer{.payload = "HttpAck", .doc = "the op is recorded"}};
constexpr std::array kStreamAnswers{HttpAnswer{
    .media_type = "text/event-stream",
    .doc = "server-sent events: `event` is the type, `data` the line (Event), `id` the seq of a durable one"}};
constexpr std::array kBlobAnswers{
    HttpAnswer{.media_type = kBytes, .doc = "all of it"},
    HttpAnswer{.status = 206, .media_type = kBytes, .doc = "the part that Range asks for"},
    HttpAnswer{.status = 304, .media_type = kNoBody, .doc = "the client has it: If-None-Match"}};
constexpr std::array kBlobHeadAnswers{
    HttpAnswer{.media_type = kNoBody, .doc = "its length is in Content-Length"},
    HttpAnswer{.status = 304, .media_type = kNoBody, .doc = "the client has it: If-None-Match"}};
constexpr std::array kSocketAnswers{
    HttpAnswer{.status = 101, .media_type = kNoBody, .doc = "a WebSocket from here on"}};

constexpr std::array kCreatedAnswers{
    HttpAnswer{.status = 201, .payload = "AgentruntimeCreated", .doc = "the session is there, and the prompt said"}};
constexpr std::array kListAnswers{HttpAnswer{.payload = "AgentruntimeSummary[]", .doc = "newest first"}};
constexpr std::array kSnapshotAnswers{HttpAnswer{.payload = "AgentruntimeSnapshot", .doc = "the session"}};
constexpr std::array kInfoAnswers{HttpAnswer{.payload = "AgentruntimeInfo", .doc = "the session"}};
constexpr std::array kLogsAnswers{
    HttpAnswer{.media_type = "text/plain; charset=utf-8",
               .doc = "the log from that byte on; the header Agentruntime-Log-Cursor is the next cursor"}};
constexpr std::array kLogAnswers{HttpAnswer{.media_type = "application/x-ndjson", .doc = "all of the log"}};
constexpr std::array kEndedAnswers{HttpAnswer{.payload = "AgentruntimeEnded", .doc = "it has ended"}};

constexpr std::array kEventParameters{
    HttpParameter{.name = "since", .doc = "seq of the last event that was seen; 0: all, -1: only what comes"},
    HttpParameter{.place = Place::kHeader, .name = "Last-Event-ID", .doc = "the same, and stronger"}};
constexpr std::array kBlobParameters{
    HttpParameter{.place = Place::kHeader, .name = "Range", .doc = "bytes=FIRST-LAST", .whole_number = false},
    HttpParameter{.place = Place::kHeader,
                  .name = "If-None-Match",
                  .doc = "the ETag that the client has",
                  .whole_number = false}};
constexpr std::array kWatchParameters{HttpParameter{
    .name = "archived", .doc = "true: archived sessions and those of sub-agents too", .whole_number = false}};
constexpr std::array kLimitParameters{HttpParameter{.name = "limit", .doc = "at most so many (100)"}};
constexpr std::array kHistoryParameters{HttpParameter{.name = "limit", .doc = "at most so many (50)"}};
constexpr std::array kCursorParameters{
    HttpParameter{.name = "cursor", .doc = "byte of the log from which to read (0)"}};
constexpr std::array kSinceParameters{HttpParameter{
    .name = "since", .doc = "byte of the log from which to begin; 0: all, -1, or left out: only what comes"}};

constexpr HttpDialect kTheirs = HttpDialect::kAgentruntime;
constexpr Scopes kRead{Scope::kRead};
constexpr Scopes kPrompt{Scope::kPrompt};
constexpr Scopes kReadPrompt{Scope::kRead, Scope::kPrompt};

constexpr std::array kRoutes{
    HttpRoute{.id = Id::kHealth,
              .name = "health",
              .method = "GET",
              .path = "/health",
              .doc = "Who answers.",
              .access = HttpAccess::kOpen,
              .answers = kHealthAnswers},
    HttpRoute{.id = Id::kMetrics,
              .name = "metrics",
              .method = "GET",
              .path = "/metrics",
              .doc = "What the call `vitals` tells, and counts.",
              .scopes = kRead,
              .answers = kMetricsAnswers},
    HttpRoute{.id = Id::kCall,
              .name = "call",
              .method = "POST",
              .path = "/v1/calls/{type}",
              .doc = "A call of the protocol. The body holds its fields, the answer those of the reply.",
              .answers = kCallAnswers},
    HttpRoute{.id = Id::kNewSession,
              .name = "new_session",
              .method = "POST",
              .path = "/v1/sessions",
              .doc = "Makes a session: configure_session without one.",
              .scopes = kPrompt,
              .answers = kMadeAnswers},
    HttpRoute{.id = Id::kOp,
              .name = "op",
              .method = "POST",
              .path = "/v1/sessions/{session}/ops/{type}",
              .doc = "An op of the protocol for a session. The body holds its fields, the answer is its ack.",
              .answers = kOpAnswers},
    HttpRoute{.id = Id::kEvents,
              .name = "events",
              .method = "GET",
              .path = "/v1/sessions/{session}/events",
              .doc = "The session's events as they come.",
              .scopes = kRead,
              .parameters = kEventParameters,
              .answers = kStreamAnswers},
    HttpRoute{.id = Id::kWatch,
              .name = "watch",
              .method = "GET",
              .path = "/v1/watch",
              .doc = "All sessions: a session_changed for each, then one for each change of any.",
              .scopes = kRead,
              .parameters = kWatchParameters,
              .answers = kStreamAnswers},
    HttpRoute{.id = Id::kBlob,
              .name = "blob",
              .method = "GET",
              .path = "/v1/blobs/{hash}",
              .doc = "Bytes that a record names by their SHA-256: a whole output, an image.",
              .scopes = kRead,
              .parameters = kBlobParameters,
              .answers = kBlobAnswers},
    HttpRoute{.id = Id::kBlobHead,
              .name = "blob_head",
              .method = "HEAD",
              .path = "/v1/blobs/{hash}",
              .doc = "Whether there is such a blob, and how long it is.",
              .scopes = kRead,
              .answers = kBlobHeadAnswers},
    HttpRoute{.id = Id::kConnect,
              .name = "connect",
              .method = "GET",
              .path = "/v1/connect",
              .doc = "WebSocket: one frame of the protocol per text message.",
              .access = HttpAccess::kTokenOrHello,
              .answers = kSocketAnswers},
    HttpRoute{.id = Id::kAgentruntimeCreate,
              .name = "agentruntime_create",
              .method = "POST",
              .path = "/sessions",
              .doc = "Makes a session, or goes on with one, and says the prompt; answers before the agent does.",
              .dialect = kTheirs,
              .scopes = kPrompt,
              .body = "AgentruntimeSessionRequest",
              .answers = kCreatedAnswers},
    HttpRoute{.id = Id::kAgentruntimeList,
              .name = "agentruntime_list",
              .method = "GET",
              .path = "/sessions",
              .doc = "Sessions that were not deleted, newest first.",
              .dialect = kTheirs,
              .scopes = kRead,
              .parameters = kLimitParameters,
              .answers = kListAnswers},
    HttpRoute{.id = Id::kAgentruntimeHistory,
              .name = "agentruntime_history",
              .method = "GET",
              .path = "/sessions/history",
              .doc = "Sessions that have ended, deleted ones too, newest first.",
              .dialect = kTheirs,
              .scopes = kRead,
              .parameters = kHistoryParameters,
              .answers = kListAnswers},
    HttpRoute{.id = Id::kAgentruntimeSnapshot,
              .name = "agentruntime_snapshot",
              .method = "GET",
              .path = "/sessions/{session}",
              .doc = "One session, with what it used.",
              .dialect = kTheirs,
              .scopes = kRead,
              .answers = kSnapshotAnswers},
    HttpRoute{.id = Id::kAgentruntimeInfo,
              .name = "agentruntime_info",
              .method = "GET",
              .path = "/sessions/{session}/info",
              .doc = "One session, with the addresses that lead to it.",
              .dialect = kTheirs,
              .scopes = kRead,
              .answers = kInfoAnswers},
    HttpRoute{.id = Id::kAgentruntimeLogs,
              .name = "agentruntime_logs",
              .method = "GET",
              .path = "/sessions/{session}/logs",
              .doc = "The session's log from a byte on.",
              .dialect = kTheirs,
              .scopes = kRead,
              .parameters = kCursorParameters,
              .answers = kLogsAnswers},
    HttpRoute{.id = Id::kAgentruntimeLog,
              .name = "agentruntime_log",
              .method = "GET",
              .path = "/sessions/{session}/log",
              .doc = "All of the session's log.",
              .dialect = kTheirs,
              .scopes = kRead,
              .answers = kLogAnswers},
    HttpRoute{.id = Id::kAgentruntimeEnd,
              .name = "agentruntime_end",
              .method = "DELETE",
              .path = "/sessions/{session}",
              .doc = "Ends the session; its log stays.",
              .dialect = kTheirs,
              .scopes = kReadPrompt,
              .answers = kEndedAnswers},
    HttpRoute{.id = Id::kAgentruntimeBridge,
              .name = "agentruntime_bridge",
              .method = "GET",
              .path = "/ws/sessions/{session}",
              .doc = "WebSocket: the session's log in frames, and what is said to it.",
              .dialect = kTheirs,
              .scopes = kRead,
              .parameters = kSinceParameters,
              .answers = kSocketAnswers},
    HttpRoute{.id = Id::kAgentruntimeEvents,
              .name = "agentruntime_events",
              .method = "GET",
              .path = "/ws/sessions/{session}/events",
              .doc = "WebSocket: the lines of the session's log, each a message, and what is said to it.",
              .dialect = kTheirs,
              .scopes = kRead,
              .parameters = kSinceParameters,
              .answers = kSocketAnswers},
};

std::optional<HttpMatch> match(const HttpRoute& route, const std::vector<std::string_view>& segments) {
  const std::vector<std::string_view> pattern = base::split(route.path, '/');
  if (pattern.size() != segments.size()) return std::nullopt;
  HttpMatch found{.route = &route, .values = {}};
  for (std::size_t at = 0; at < pattern.size(); ++at) {
    if (pattern[at].starts_with('{')) {
      found.values.emplace_back(segments[at]);
    } else if (pattern[at] != segments[at]) {
      return std::nullopt;
    }
  }
  return found;
}

}  // namespace

std::span<const HttpRoute> http_routes() { return kRoutes; }

std::optional<HttpMatch> match_http_route(std::string_view method, std::string_view path) {
  const std::vector<std::string_view> segments = base::split(path, '/');
  // What is written out stands before what stands for anything.
  for (const HttpRoute& route : kRoutes) {
    if (route.method != method) continue;
    if (auto found = match(route, segments)) return found;
  }
  return std::nullopt;
}

}  // namespace lathe::protocol
