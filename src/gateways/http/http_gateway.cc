#include "lathe/gateways/http/http_gateway.h"

#include <fmt/format.h>

#include <optional>
#include <utility>

#include "lathe/base/json.h"
#include "lathe/gateways/http/admission.h"
#include "lathe/gateways/http/agentruntime_api.h"
#include "lathe/gateways/http/agentruntime_engine.h"
#include "lathe/gateways/http/agentruntime_socket.h"
#include "lathe/gateways/http/blob_answer.h"
#include "lathe/gateways/http/error_status.h"
#include "lathe/gateways/http/event_stream.h"
#include "lathe/gateways/http/message_lines.h"
#include "lathe/protocol/http_payloads.h"
#include "lathe/protocol/http_routes.h"
#include "lathe/protocol/text_size.h"

namespace lathe::gateways::http {

using base::Error;
using base::Json;
using base::Result;
using net::IncomingRequest;
using net::OutgoingResponse;
using protocol::HttpAccess;
using protocol::HttpDialect;
using protocol::HttpMatch;
using protocol::HttpRouteId;
using protocol::Scopes;
using runtime::Async;
using runtime::CancelToken;

namespace {

constexpr std::string_view kClient = "http";
/// Of a frame that a request stands for; nobody sees it.
constexpr std::string_view kFrameId = "1";

/// A request that is being answered.
class InUse final {
 public:
  explicit InUse(const HttpParts& parts) : parts_(parts) { ++parts_.use->under_way; }
  InUse(const InUse&) = delete;
  InUse& operator=(const InUse&) = delete;
  ~InUse() {
    --parts_.use->under_way;
    parts_.use->ended_at = parts_.loop.mono_now();
  }

 private:
  const HttpParts& parts_;
};

Error no_such_route(const IncomingRequest& request) {
  return {.code = base::codes::kNotFound,
          .message = fmt::format("there is no {} {}", request.method, request.path),
          .hint = "the routes are listed in docs/reference/http.md"};
}

/// One client: requests one after the other, all with the same rights to be let in.
class HttpClient final {
 public:
  HttpClient(const HttpParts& parts, std::unique_ptr<net::HttpConnection> connection, HttpEnds ends)
      : parts_(parts),
        connection_(std::move(connection)),
        cancel_(std::move(ends.all)),
        requests_end_(std::move(ends.requests)) {}

  Async<void> serve() {
    while (true) {
      auto request = co_await connection_->read(requests_end_);
      if (!request.ok() || !*request) co_return;
      if (!co_await answer(**std::move(request))) co_return;
    }
  }

 private:
  /// Whether the connection is of more use.
  Async<bool> answer(IncomingRequest request) {
    const auto found = protocol::match_http_route(request.method, request.path);
    dialect_ = found ? found->route->dialect : HttpDialect::kLathe;
    if (const Result<void> ours = check_origin(request); !ours.ok()) co_return co_await refuse(ours.error());
    Scopes scopes;
    if (found && found->route->access == HttpAccess::kTokenOrHello && bearer_token(request).empty()) {
      co_return co_await connect_frames(std::move(request), std::nullopt);
    }
    if (!found || found->route->access != HttpAccess::kOpen) {
      const std::string_view token = bearer_token(request);
      const Result<Scopes> judged = parts_.judge(token);
      const base::MonoTime now = parts_.loop.mono_now();
      const Result<void> in_time = judged.ok() ? parts_.rates->take(token, now) : parts_.rates->take_stranger(now);
      if (!in_time.ok()) co_return co_await refuse_haste(in_time.error());
      if (!judged.ok()) co_return co_await refuse_token(judged.error());
      scopes = *judged;
    }
    if (!found) co_return co_await refuse(no_such_route(request));
    if (const Result<void> allowed = protocol::check_scopes(scopes, found->route->scopes); !allowed.ok()) {
      co_return co_await refuse(allowed.error());
    }
    std::optional<InUse> in_use;
    const bool only_looks = found->route->id == HttpRouteId::kHealth || found->route->id == HttpRouteId::kMetrics;
    if (!only_looks) in_use.emplace(parts_);
    co_return co_await serve_route(*found, std::move(request), scopes);
  }

  Async<bool> serve_route(HttpMatch match, IncomingRequest request, Scopes scopes) {
    switch (match.route->id) {
      case HttpRouteId::kHealth:
        co_return co_await respond({.body = health()});
      case HttpRouteId::kMetrics:
        co_return co_await send_metrics();
      case HttpRouteId::kCall:
      case HttpRouteId::kNewSession:
      case HttpRouteId::kOp:
        co_return co_await answer_frame(std::move(match), std::move(request), scopes);
      case HttpRouteId::kEvents:
        co_return co_await stream_events(std::move(match.values[0]), std::move(request), scopes);
      case HttpRouteId::kWatch:
        co_return co_await stream_sessions(std::move(request), scopes);
      case HttpRouteId::kBlob:
      case HttpRouteId::kBlobHead:
        co_return co_await give_blob(std::move(match.values[0]), std::move(request));
      case HttpRouteId::kConnect:
        co_return co_await connect_frames(std::move(request), scopes);
      case HttpRouteId::kAgentruntimeCreate:
      case HttpRouteId::kAgentruntimeList:
      case HttpRouteId::kAgentruntimeHistory:
      case HttpRouteId::kAgentruntimeSnapshot:
      case HttpRouteId::kAgentruntimeInfo:
      case HttpRouteId::kAgentruntimeLogs:
      case HttpRouteId::kAgentruntimeLog:
      case HttpRouteId::kAgentruntimeEnd:
        co_return co_await respond(co_await answer_agentruntime(&parts_, scopes, std::move(match), std::move(request)));
      case HttpRouteId::kAgentruntimeBridge:
      case HttpRouteId::kAgentruntimeEvents:
        co_return co_await serve_agentruntime_socket(&parts_, scopes, std::move(match), std::move(request),
                                                     connection_.get(), cancel_);
    }
    co_return false;
  }

  [[nodiscard]] std::string health() const {
    return protocol::payload_text(protocol::Health{.status = "ok",
                                                   .version = parts_.version,
                                                   .runtime = "local",
                                                   .default_runtime = "local",
                                                   .runtimes = {"local"},
                                                   .agents = {{.name = "native", .usable = true}}});
  }

  /// The frame that a request stands for, as its text: the fields come as the body.
  static Result<std::string> frame_of(const HttpMatch& match, const IncomingRequest& request) {
    Json fields = Json::object();
    if (!request.body.empty()) {
      TRY(fields, base::parse_json(request.body).within("the body"));
      if (!fields.is_object()) return Error{.code = base::codes::kInvalid, .message = "the body is no JSON object"};
    }
    Json frame{{"id", kFrameId}};
    if (match.route->id == HttpRouteId::kCall) {
      fields["type"] = match.values[0];
      frame["call"] = std::move(fields);
      return base::dump_json(frame);
    }
    const bool makes = match.route->id == HttpRouteId::kNewSession;
    fields["type"] = makes ? std::string(protocol::ConfigureSession::kType) : match.values[1];
    if (!makes) frame["session"] = match.values[0];
    frame["op"] = std::move(fields);
    return base::dump_json(frame);
  }

  static Result<protocol::ClientFrame> read_frame(const HttpMatch& match, const IncomingRequest& request) {
    TRY(const std::string text, frame_of(match, request));
    return protocol::decode_client_frame(text);
  }

  Async<std::string> text_of(protocol::ReplyMsg reply) {
    if (!protocol::has_long_text(reply)) co_return protocol::reply_members(reply);
    co_return co_await parts_.parsing.run([&reply] { return protocol::reply_members(reply); });
  }

  Async<bool> answer_frame(HttpMatch match, IncomingRequest request, Scopes scopes) {
    std::optional<Result<protocol::ClientFrame>> read;
    if (request.body.size() <= protocol::kLongTextBytes) {
      read = read_frame(match, request);
    } else {
      read = co_await parts_.parsing.run([&] { return read_frame(match, request); });
    }
    Result<protocol::ClientFrame>& frame = *read;
    if (!frame.ok()) co_return co_await refuse(frame.error());
    if (const auto allowed = protocol::check_scopes(scopes, *frame); !allowed.ok()) {
      co_return co_await refuse(allowed.error());
    }
    const auto engine = parts_.connect(std::string(kClient));
    if (auto* submission = std::get_if<protocol::Submission>(&*frame)) {
      // Its own for each request: the engine takes an id that it has seen for the same op sent again.
      auto ack =
          co_await engine->submit(submission->session, std::move(submission->op), base::short_id("op", parts_.random));
      if (!ack.ok()) co_return co_await refuse(ack.error());
      co_return co_await respond(
          {.status = match.route->answers.front().status,
           .body = protocol::payload_text(protocol::HttpAck{.session = std::move(ack->session), .seq = ack->seq})});
    }
    auto reply = co_await engine->call(std::move(std::get<protocol::CallFrame>(*frame).call));
    if (!reply.ok()) co_return co_await refuse(reply.error());
    co_return co_await respond({.body = co_await text_of(*std::move(reply))});
  }

  /// It is what the call `vitals` tells, and counts: of all sessions, whoever made them.
  Async<bool> send_metrics() {
    if (!parts_.metrics) co_return co_await refuse({.code = base::codes::kNotFound, .message = "there are no metrics"});
    auto page = co_await parts_.metrics();
    if (!page.ok()) co_return co_await refuse(page.error());
    co_return co_await respond({.content_type = std::move(page->content_type), .body = std::move(page->text)});
  }

  Async<bool> stream_events(std::string session, IncomingRequest request, Scopes scopes) {
    const auto since = first_seq(request);
    if (!since.ok()) co_return co_await refuse(since.error());
    co_return co_await stream(protocol::SessionSubscribe{.session = std::move(session), .since = *since}, scopes);
  }

  Async<bool> stream_sessions(IncomingRequest request, Scopes scopes) {
    const std::string_view archived = request.parameter("archived").value_or("false");
    if (archived != "true" && archived != "false") {
      co_return co_await refuse({.code = base::codes::kInvalid, .message = "archived is true or false"});
    }
    co_return co_await stream(protocol::Watch{.archived = archived == "true"}, scopes);
  }

  /// Sends the events that come of the call.
  Async<bool> stream(protocol::Call call, Scopes scopes) {
    const protocol::ClientFrame frame = protocol::CallFrame{.id = std::string(kFrameId), .call = call};
    if (const auto allowed = protocol::check_scopes(scopes, frame); !allowed.ok()) {
      co_return co_await refuse(allowed.error());
    }
    const auto engine = parts_.connect(std::string(kClient));
    if (!scopes.hold(protocol::Scope::kApprove)) engine->only_listens();
    const auto subscribed = co_await engine->call(std::move(call));
    if (!subscribed.ok()) co_return co_await refuse(subscribed.error());
    co_await send_events(parts_.loop, *engine, *connection_, cancel_);
    co_return false;
  }

  Async<bool> give_blob(std::string hash, IncomingRequest request) {
    Result<std::string> bytes = co_await parts_.read_blob(hash);
    if (!bytes.ok()) co_return co_await refuse(bytes.error());
    co_return co_await respond(blob_answer(request, hash, *std::move(bytes)));
  }

  Async<bool> connect_frames(IncomingRequest request, std::optional<Scopes> scopes) {
    if (!request.wants_web_socket) {
      co_return co_await refuse({.code = base::codes::kInvalid, .message = "this route is a WebSocket's"});
    }
    auto socket = co_await connection_->upgrade({.max_message_bytes = parts_.limits.max_body_bytes}, cancel_);
    if (socket.ok()) co_await parts_.serve_frames(std::make_unique<MessageLines>(*std::move(socket)), scopes);
    co_return false;
  }

  Async<bool> respond(OutgoingResponse response) {
    co_return (co_await connection_->respond(std::move(response), cancel_)).ok();
  }
  [[nodiscard]] OutgoingResponse refusal(const Error& error) const {
    return dialect_ == HttpDialect::kAgentruntime ? agentruntime_error(error) : error_response(error);
  }
  Async<bool> refuse(Error error) { co_return co_await respond(refusal(error)); }
  Async<bool> refuse_token(Error error) {
    OutgoingResponse response = refusal(error);
    response.status = 401;
    response.headers.emplace_back("www-authenticate", "Bearer");
    co_return co_await respond(std::move(response));
  }

  /// And ends the connection, so that what waits behind it costs nothing.
  Async<bool> refuse_haste(Error error) {
    OutgoingResponse response = refusal(error);
    response.status = 429;
    response.headers.emplace_back("retry-after", "1");
    response.headers.emplace_back("connection", "close");
    (void)co_await respond(std::move(response));
    co_return false;
  }

  const HttpParts& parts_;
  const std::unique_ptr<net::HttpConnection> connection_;
  const CancelToken cancel_;
  const CancelToken requests_end_;
  /// Of the request that is being answered.
  HttpDialect dialect_ = HttpDialect::kLathe;
};

}  // namespace

Async<void> serve_http(const HttpParts& parts, base::UniqueFd socket, HttpEnds ends) {
  auto connection = net::HttpConnection::create(parts.loop, std::move(socket), parts.limits);
  if (!connection.ok()) co_return;
  HttpClient client(parts, *std::move(connection), std::move(ends));
  co_await client.serve();
}

}  // namespace lathe::gateways::http
