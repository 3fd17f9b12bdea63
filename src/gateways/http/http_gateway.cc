#include "lathe/gateways/http/http_gateway.h"

#include <fmt/format.h>

#include <array>
#include <optional>
#include <utility>
#include <vector>

#include "lathe/base/json.h"
#include "lathe/base/strings.h"
#include "lathe/gateways/http/admission.h"
#include "lathe/gateways/http/agentruntime_api.h"
#include "lathe/gateways/http/agentruntime_socket.h"
#include "lathe/gateways/http/error_status.h"
#include "lathe/gateways/http/event_stream.h"
#include "lathe/gateways/http/message_lines.h"

namespace lathe::gateways::http {

using base::Error;
using base::Json;
using base::Result;
using net::IncomingRequest;
using net::OutgoingResponse;
using protocol::Scopes;
using runtime::Async;
using runtime::CancelToken;

namespace {

constexpr std::string_view kClient = "http";
/// Of a frame that a request stands for; nobody sees it.
constexpr std::string_view kFrameId = "1";

Error no_such_route(const IncomingRequest& request) {
  return {.code = base::codes::kNotFound,
          .message = fmt::format("there is no {} {}", request.method, request.path),
          .hint = "the routes are listed in docs/reference/http.md"};
}

/// One client: requests one after the other, all with the same rights to be let in.
class HttpClient final {
 public:
  HttpClient(const HttpParts& parts, std::unique_ptr<net::HttpConnection> connection, CancelToken cancel)
      : parts_(parts), connection_(std::move(connection)), cancel_(std::move(cancel)) {}

  Async<void> serve() {
    while (true) {
      auto request = co_await connection_->read(cancel_);
      if (!request.ok() || !*request) co_return;
      if (!co_await answer(**std::move(request))) co_return;
    }
  }

 private:
  /// Whether the connection is of more use.
  Async<bool> answer(IncomingRequest request) {
    if (const Result<void> ours = check_origin(request); !ours.ok()) co_return co_await refuse(ours.error());
    if (request.path == "/health") co_return co_await respond({.body = health()});
    const Result<Scopes> scopes = parts_.judge(bearer_token(request));
    if (!scopes.ok()) co_return co_await refuse_token(scopes.error());
    if (request.path == "/v1/connect") co_return co_await connect_frames(std::move(request), *scopes);
    if (is_agentruntime_route(request.path)) {
      co_return co_await respond(co_await answer_agentruntime(&parts_, *scopes, std::move(request)));
    }
    if (is_agentruntime_socket(request.path)) {
      co_return co_await serve_agentruntime_socket(&parts_, *scopes, std::move(request), connection_.get(), cancel_);
    }
    const std::vector<std::string_view> path = base::split(request.path, '/');
    if (request.path == "/v1/watch" && request.method == "GET") {
      co_return co_await stream_sessions(std::move(request), *scopes);
    }
    const bool of_session = path.size() >= 5 && path[1] == "v1" && path[2] == "sessions";
    if (of_session && path[4] == "events" && path.size() == 5 && request.method == "GET") {
      co_return co_await stream_events(std::string(path[3]), std::move(request), *scopes);
    }
    co_return co_await answer_frame(std::move(request), *scopes);
  }

  [[nodiscard]] std::string health() const {
    const Json native{{"name", "native"}, {"usable", true}};
    return base::dump_json(Json{{"status", "ok"},
                                {"version", parts_.version},
                                {"default_runtime", "local"},
                                {"runtimes", Json::array({"local"})},
                                {"agents", Json::array({native})}});
  }

  /// The frame that a request stands for, as its text: the fields come as the body.
  static Result<std::string> frame_of(const IncomingRequest& request) {
    const std::vector<std::string_view> path = base::split(request.path, '/');
    if (request.method != "POST" || path.size() < 3 || path[1] != "v1") return no_such_route(request);
    Json fields = Json::object();
    if (!request.body.empty()) {
      TRY(fields, base::parse_json(request.body).within("the body"));
      if (!fields.is_object()) return Error{.code = base::codes::kInvalid, .message = "the body is no JSON object"};
    }
    Json frame{{"id", kFrameId}};
    if (path.size() == 4 && path[2] == "calls") {
      fields["type"] = path[3];
      frame["call"] = std::move(fields);
    } else if (path.size() == 3 && path[2] == "sessions") {
      fields["type"] = "configure_session";
      frame["op"] = std::move(fields);
    } else if (path.size() == 6 && path[2] == "sessions" && path[4] == "ops") {
      fields["type"] = path[5];
      frame["session"] = path[3];
      frame["op"] = std::move(fields);
    } else {
      return no_such_route(request);
    }
    return base::dump_json(frame);
  }

  Async<bool> answer_frame(IncomingRequest request, Scopes scopes) {
    const Result<std::string> text = frame_of(request);
    if (!text.ok()) co_return co_await refuse(text.error());
    auto frame = protocol::decode_client_frame(*text);
    if (!frame.ok()) co_return co_await refuse(frame.error());
    if (const auto allowed = protocol::check_scopes(scopes, *frame); !allowed.ok()) {
      co_return co_await refuse(allowed.error());
    }
    const auto engine = parts_.connect(std::string(kClient));
    if (auto* submission = std::get_if<protocol::Submission>(&*frame)) {
      const bool makes = submission->session.empty();
      // Its own for each request: the engine takes an id that it has seen for the same op sent again.
      auto ack =
          co_await engine->submit(submission->session, std::move(submission->op), base::short_id("op", parts_.random));
      if (!ack.ok()) co_return co_await refuse(ack.error());
      co_return co_await respond(
          {.status = makes ? 201U : 200U, .body = base::dump_json(Json{{"session", ack->session}, {"seq", ack->seq}})});
    }
    auto reply = co_await engine->call(std::move(std::get<protocol::CallFrame>(*frame).call));
    if (!reply.ok()) co_return co_await refuse(reply.error());
    co_return co_await respond({.body = protocol::reply_members(*reply)});
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

  Async<bool> connect_frames(IncomingRequest request, Scopes scopes) {
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
  Async<bool> refuse(Error error) { co_return co_await respond(error_response(error)); }
  Async<bool> refuse_token(Error error) {
    OutgoingResponse response = error_response(error);
    response.status = 401;
    response.headers.emplace_back("www-authenticate", "Bearer");
    co_return co_await respond(std::move(response));
  }

  const HttpParts& parts_;
  const std::unique_ptr<net::HttpConnection> connection_;
  const CancelToken cancel_;
};

}  // namespace

Async<void> serve_http(const HttpParts& parts, base::UniqueFd socket, CancelToken cancel) {
  auto connection = net::HttpConnection::create(parts.loop, std::move(socket), parts.limits);
  if (!connection.ok()) co_return;
  HttpClient client(parts, *std::move(connection), std::move(cancel));
  co_await client.serve();
}

}  // namespace lathe::gateways::http
