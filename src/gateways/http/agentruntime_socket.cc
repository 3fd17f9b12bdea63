#include "lathe/gateways/http/agentruntime_socket.h"

#include <fmt/format.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "lathe/gateways/http/agentruntime_engine.h"
#include "lathe/gateways/http/agentruntime_frames.h"
#include "lathe/gateways/http/agentruntime_request.h"
#include "lathe/net/web_socket.h"
#include "lathe/protocol/text_size.h"
#include "lathe/runtime/async_mutex.h"
#include "lathe/runtime/scope.h"

namespace lathe::gateways::http {

using base::Error;
using base::Result;
using net::IncomingRequest;
using runtime::Async;
using runtime::CancelSource;
using runtime::CancelToken;

namespace {

constexpr std::uint16_t kAllDone = 1000;

/// One client that watches one session.
class SessionSocket final {
 public:
  SessionSocket(const HttpParts& parts, protocol::Scopes scopes, std::string session,
                std::unique_ptr<AgentruntimeFrames> frames)
      : loop_(parts.loop),
        parsing_(parts.parsing),
        engine_(parts, scopes),
        session_(std::move(session)),
        frames_(std::move(frames)),
        writing_(parts.loop) {}

  /// Whatever can be refused, while that can still be said over HTTP.
  Async<Result<void>> open(std::int64_t since) {
    CO_TRY(const protocol::SessionInfo info, co_await engine_.find(session_));
    CO_TRY(read_, co_await engine_.read_log(session_, since < 0 ? kLogEnd : since));
    exit_ = read_.log.standing().exit(info.archived);
    if (!exit_) CO_TRY_OK(co_await subscribe());
    co_return Result<void>();
  }

  Async<void> run(std::unique_ptr<net::WebSocket> socket, CancelToken cancel) {
    socket_ = std::move(socket);
    CancelSource leaving(cancel);
    leaving_ = leaving.token();
    runtime::Scope listening(loop_);
    listening.spawn(listen(&leaving));
    bool there = co_await send(frames_->start(session_, read_));
    read_.bytes.clear();
    if (there && !exit_) there = co_await send_events();
    if (there && exit_) there = co_await send(frames_->exit(*exit_, read_.log, loop_.unix_now()));
    if (there) {
      const runtime::AsyncMutex::Holder alone = co_await writing_.lock();
      co_await socket_->close(kAllDone, "", cancel);
    }
    leaving.cancel(runtime::cancelled_error("the session's socket is closed"));
    co_await listening.join();
  }

 private:
  Async<Result<protocol::SessionSubscribeReply>> subscribe() {
    return engine_.call(protocol::SessionSubscribe{.session = session_, .since = read_.last_seq});
  }

  /// Whether the client is still there.
  Async<bool> send(AgentruntimeFrames::Messages messages) {
    const runtime::AsyncMutex::Holder alone = co_await writing_.lock();
    for (std::string& message : messages) {
      if (!(co_await socket_->write(std::move(message), leaving_)).ok()) co_return false;
    }
    co_return true;
  }

  /// Until the session has ended or closed, or the client has left. Whether the client is still there.
  Async<bool> send_events() {
    while (true) {
      auto events = co_await engine_.connection().events(leaving_, runtime::Deadline::never());
      if (!events.ok()) co_return !leaving_.cancelled();
      for (const engine::Delivered& delivered : *events) {
        // Questions of its sub-agents come, too.
        const protocol::Event& event = *delivered.event;
        if (event.session != session_) continue;
        if (std::holds_alternative<protocol::Lagged>(event.msg)) {
          if (const auto again = co_await subscribe(); !again.ok()) {
            co_return co_await send(frames_->error(again.error(), read_.log, loop_.unix_now()));
          }
          break;
        }
        if (std::holds_alternative<protocol::ShutdownComplete>(event.msg)) {
          const auto info = co_await engine_.find(session_);
          exit_ = read_.log.standing().exit(info.ok() && info->archived);
          co_return true;
        }
        if (!co_await send_event(delivered.event)) co_return false;
        if (exit_) co_return true;
      }
    }
  }

  Async<bool> send_event(std::shared_ptr<const protocol::Event> event) {
    std::string lines;
    if (!event->seq) {
      lines = read_.log.show(*event);
    } else if (*event->seq > read_.last_seq) {
      lines = co_await add_to_log(event);
      read_.last_seq = *event->seq;
      exit_ = read_.log.standing().exit(/*archived=*/false);
    }
    if (lines.empty()) co_return true;
    co_return co_await send(frames_->lines(lines, read_.log.size()));
  }

  /// Only this changes the log; others may read it meanwhile.
  Async<std::string> add_to_log(std::shared_ptr<const protocol::Event> event) {
    if (!protocol::has_long_text(event->msg)) co_return read_.log.add(*event);
    AgentruntimeLog log = read_.log;
    std::string lines = co_await parsing_.run([&log, &event] { return log.add(*event); });
    read_.log = std::move(log);
    co_return lines;
  }

  /// Does what the client says, until it has left.
  Async<void> listen(CancelSource* leaving) {
    while (true) {
      auto message = co_await socket_->read(leaving->token());
      if (!message.ok() || !*message) break;
      if (!co_await obey(**std::move(message))) break;
    }
    leaving->cancel(runtime::cancelled_error("the client has left"));
  }

  Async<bool> obey(std::string text) {
    Result<AgentruntimeCommand> command = parse_agentruntime_command(text);
    std::optional<Error> failed;
    if (!command.ok()) {
      failed = command.error();
    } else if (command->is_ping) {
      co_return co_await send(frames_->pong());
    } else if (command->op) {
      const auto ack = co_await engine_.submit(session_, *std::move(command->op));
      if (!ack.ok()) failed = ack.error();
    }
    if (!failed) co_return true;
    co_return co_await send(frames_->error(*failed, read_.log, loop_.unix_now()));
  }

  runtime::Loop& loop_;
  runtime::Pool& parsing_;
  AgentruntimeEngine engine_;
  const std::string session_;
  const std::unique_ptr<AgentruntimeFrames> frames_;
  /// The log as far as it was sent.
  AgentruntimeRead read_;
  std::optional<AgentruntimeExit> exit_;
  std::unique_ptr<net::WebSocket> socket_;
  /// Cancelled once the client has left.
  CancelToken leaving_;
  /// Held while messages are written that belong together.
  runtime::AsyncMutex writing_;
};

Result<std::int64_t> first_byte(const IncomingRequest& request) {
  if (!request.wants_web_socket) {
    return Error{.code = base::codes::kInvalid, .message = "this route is a WebSocket's"};
  }
  return offset_parameter(request, "since", /*fallback=*/-1, /*least=*/-1);
}

}  // namespace

Async<bool> serve_agentruntime_socket(const HttpParts* parts, protocol::Scopes scopes, protocol::HttpMatch match,
                                      IncomingRequest request, net::HttpConnection* connection, CancelToken cancel) {
  const Result<std::int64_t> since = first_byte(request);
  if (!since.ok()) co_return (co_await connection->respond(agentruntime_error(since.error()), cancel)).ok();
  const bool events = match.route->id == protocol::HttpRouteId::kAgentruntimeEvents;
  SessionSocket served(*parts, scopes, std::move(match.values[0]), events ? event_frames() : bridge_frames());
  if (const Result<void> opened = co_await served.open(*since); !opened.ok()) {
    co_return (co_await connection->respond(agentruntime_error(opened.error()), cancel)).ok();
  }
  auto socket = co_await connection->upgrade({.max_message_bytes = parts->limits.max_body_bytes}, cancel);
  if (socket.ok()) co_await served.run(*std::move(socket), cancel);
  co_return false;
}

}  // namespace lathe::gateways::http
