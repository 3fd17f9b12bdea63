#include "lathe/gateways/sqeq/sqeq_connection.h"

#include <optional>
#include <utility>
#include <variant>

#include "lathe/base/check.h"
#include "lathe/protocol/text_size.h"

namespace lathe::gateways::sqeq {

using base::Error;
using base::Result;
using protocol::ClientFrame;
using protocol::ServerFrame;
using runtime::Async;
using runtime::Deadline;

namespace {

constexpr std::size_t kReadBytes = 16U << 10;
/// Events are handed to the stream in pieces of about this size.
constexpr std::size_t kWriteBytes = 64U << 10;

struct Line {
  /// Or the error in the place of one.
  Result<std::string> text;
  /// Of the frame that was too long to be read, as far as its beginning told it.
  std::string id = {};
  base::UniqueFd descriptor = {};
};

/// Later lines mean something else once this is done.
bool changes_what_follows(const ClientFrame& frame) {
  if (const auto* submission = std::get_if<protocol::Submission>(&frame)) {
    return std::holds_alternative<protocol::ConfigureSession>(submission->op) ||
           std::holds_alternative<protocol::Shutdown>(submission->op);
  }
  const protocol::Call& call = std::get<protocol::CallFrame>(frame).call;
  return std::holds_alternative<protocol::Hello>(call) || std::holds_alternative<protocol::SessionSubscribe>(call) ||
         std::holds_alternative<protocol::SessionUnsubscribe>(call) ||
         std::holds_alternative<protocol::SessionClaim>(call) || std::holds_alternative<protocol::Watch>(call);
}

}  // namespace

SqeqConnection::SqeqConnection(runtime::Loop& loop, runtime::Pool& parsing, std::unique_ptr<engine::Connection> engine,
                               std::unique_ptr<runtime::ByteStream> stream, SqeqOptions options)
    : loop_(loop),
      parsing_(parsing),
      engine_(std::move(engine)),
      stream_(std::move(stream)),
      options_(std::move(options)),
      reading_(whole_.token()),
      writing_(loop_),
      answered_(loop_),
      requests_(loop_),
      events_(loop_) {
  if (!options_.admit) let_in(options_.scopes);
}

void SqeqConnection::let_in(protocol::Scopes scopes) {
  scopes_ = scopes;
  // No question waits for one that may answer none.
  if (!scopes.hold(protocol::Scope::kApprove)) engine_->only_listens();
}

Async<void> SqeqConnection::serve() {
  events_.spawn(send_events());
  co_await take_requests();
  reading_ended_ = true;
  engine_->only_listens();
  if (stream_->peer_gone()) cut();
  co_await requests_.join();
  if (is_done()) engine_->finish();
  co_await events_.join();
  stream_->end_writing();
}

void SqeqConnection::finish() { reading_.cancel(runtime::cancelled_error("the engine has ended")); }

void SqeqConnection::cut() { whole_.cancel(runtime::cancelled_error("the connection is cut")); }

bool SqeqConnection::is_done() const {
  // To one that lags nothing more comes.
  return reading_ended_ && requests_.running() == 0 && (lags_ || !engine_->has_running_task());
}

SqeqConnection::Request SqeqConnection::read_request(std::string_view line) {
  Request request{.id = {}, .frame = protocol::decode_client_frame(line)};
  if (!request.frame.ok()) request.id = protocol::frame_id(line);
  return request;
}

Async<void> SqeqConnection::take_requests() {
  LineFramer framer(options_.max_line_bytes);
  std::string buffer(kReadBytes, '\0');
  while (!reading_.cancelled()) {
    std::vector<Line> lines;
    const LineFramer::OnLine on_line = [&lines, &framer](std::string_view line) {
      lines.push_back({.text = std::string(line), .descriptor = framer.take_descriptor()});
    };
    const auto got = co_await stream_->read(buffer, reading_.token(), reading_ends());
    if (!got.ok()) {
      if (!reading_.cancelled()) co_await leave(got.error());
      co_return;
    }
    if (*got > 0) {
      const auto on_too_long = [&lines](std::string_view beginning, Error error) {
        lines.push_back({.text = std::move(error), .id = protocol::leading_id(beginning)});
      };
      framer.feed({buffer.data(), *got}, on_line, on_too_long, stream_->take_descriptor());
    } else {
      framer.finish(on_line);
    }
    for (Line& line : lines) {
      if (reading_.cancelled()) co_return;
      if (line.text.ok()) {
        co_await take(*std::move(line.text), std::move(line.descriptor));
      } else {
        co_await refuse(std::move(line.id), std::move(line.text).error());
      }
    }
    if (*got == 0) co_return;
  }
}

Deadline SqeqConnection::reading_ends() const { return scopes_ ? Deadline::never() : options_.hello_by; }

Async<void> SqeqConnection::leave(Error why) {
  if (why.code == base::codes::kTimeout) {
    co_await refuse("", {.code = base::codes::kTimeout, .message = "this connection has not said hello in time"});
  }
  cut();
}

Async<void> SqeqConnection::take(std::string line, base::UniqueFd descriptor) {
  std::optional<Request> read;
  if (line.size() <= protocol::kLongTextBytes) {
    read = read_request(line);
  } else {
    read = co_await parsing_.run([&line] { return read_request(line); });
  }
  Request& request = *read;
  if (!request.frame.ok()) {
    co_await refuse(std::move(request.id), std::move(request.frame).error());
    co_return;
  }
  if (changes_what_follows(*request.frame)) {
    co_await answer(*std::move(request.frame), std::move(descriptor));
    co_return;
  }
  while (requests_.running() >= options_.max_requests) {
    if (!(co_await answered_.wait(reading_.token(), Deadline::never())).ok()) co_return;
  }
  requests_.spawn(answer(*std::move(request.frame)));
}

Async<void> SqeqConnection::refuse(std::string id, Error error) {
  co_await write(protocol::encode(ServerFrame(protocol::ErrorFrame{.id = std::move(id), .error = std::move(error)})));
}

Async<void> SqeqConnection::answer(ClientFrame frame, base::UniqueFd folder) {
  co_await write(co_await encode(co_await result_of(std::move(frame), std::move(folder))));
  answered_.notify();
}

Async<std::string> SqeqConnection::encode(ServerFrame frame) {
  const auto* reply = std::get_if<protocol::ReplyFrame>(&frame);
  if (reply == nullptr || !protocol::has_long_text(reply->reply)) co_return protocol::encode(frame);
  co_return co_await parsing_.run([&frame] { return protocol::encode(frame); });
}

Result<void> SqeqConnection::speak_for_another() {
  if (!options_.for_relayed) {
    return Error{.code = base::codes::kPermission,
                 .message = "only a client of the daemon's own socket may speak for another (hello: relayed)"};
  }
  SqeqOptions options = options_.for_relayed();
  options_ = std::move(options);
  scopes_.reset();
  engine_->speaks_for_another();
  return {};
}

Result<void> SqeqConnection::admit(const ClientFrame& frame) {
  const auto* call = std::get_if<protocol::CallFrame>(&frame);
  const auto* hello = call == nullptr ? nullptr : std::get_if<protocol::Hello>(&call->call);
  if (hello != nullptr && hello->relayed) {
    TRY_OK(speak_for_another());
    // Whoever it is for has the time of options_.hello_by to show one.
    if (hello->token.empty()) return {};
  }
  if (scopes_) return protocol::check_scopes(*scopes_, frame);
  if (hello == nullptr) {
    return Error{.code = base::codes::kPermission,
                 .message = "this connection takes a hello with a token first",
                 .hint = "{\"id\":\"1\",\"call\":{\"type\":\"hello\",\"client\":\"…\",\"token\":\"…\"}}"};
  }
  TRY(const protocol::Scopes scopes, options_.admit(*hello));
  let_in(scopes);
  return protocol::check_scopes(*scopes_, frame);
}

Async<ServerFrame> SqeqConnection::result_of(ClientFrame frame, base::UniqueFd folder) {
  const std::string id = std::visit([](const auto& either) { return either.id; }, frame);
  try {
    if (Result<void> admitted = admit(frame); !admitted.ok()) {
      co_return ServerFrame(protocol::ErrorFrame{.id = id, .error = std::move(admitted).error()});
    }
    if (auto* submission = std::get_if<protocol::Submission>(&frame)) {
      auto ack =
          co_await engine_->submit(std::move(submission->session), std::move(submission->op), id, std::move(folder));
      if (ack.ok()) co_return ServerFrame(*std::move(ack));
      co_return ServerFrame(protocol::ErrorFrame{.id = id, .error = std::move(ack).error()});
    }
    const protocol::Call& asked = std::get<protocol::CallFrame>(frame).call;
    const bool rejoins =
        std::holds_alternative<protocol::SessionSubscribe>(asked) || std::holds_alternative<protocol::Watch>(asked);
    const auto* hello = std::get_if<protocol::Hello>(&asked);
    const bool relayed = hello != nullptr && hello->relayed;
    auto reply = co_await engine_->call(std::move(std::get<protocol::CallFrame>(frame).call));
    if (reply.ok() && rejoins) lags_ = false;
    if (reply.ok() && relayed) std::get<protocol::HelloReply>(*reply).features.emplace_back(protocol::kRelayFeature);
    if (reply.ok()) co_return ServerFrame(protocol::ReplyFrame{.id = id, .reply = *std::move(reply)});
    co_return ServerFrame(protocol::ErrorFrame{.id = id, .error = std::move(reply).error()});
  } catch (const base::RequestBug& bug) {
    co_return ServerFrame(protocol::ErrorFrame{
        .id = id, .error = {.code = base::codes::kInternal, .message = bug.what(), .hint = "this is a bug of Lathe"}});
  }
}

Async<void> SqeqConnection::send_events() {
  while (true) {
    auto events = co_await engine_->events(whole_.token(), Deadline::never());
    if (!events.ok()) co_return;
    lags_ |= std::holds_alternative<protocol::Lagged>(events->back().event->msg);
    co_await write_events(*std::move(events));
    if (is_done()) engine_->finish();
  }
}

Async<void> SqeqConnection::write_events(std::vector<engine::Delivered> events) {
  const runtime::AsyncMutex::Holder held = co_await writing_.lock();
  std::string piece;
  for (engine::Delivered& event : events) {
    piece += *event.line;
    piece += '\n';
    event.line.reset();
    if (piece.size() < kWriteBytes) continue;
    co_await write_bytes(piece);
    piece.clear();
  }
  co_await write_bytes(piece);
}

Async<void> SqeqConnection::write(std::string line) {
  line += '\n';
  const runtime::AsyncMutex::Holder held = co_await writing_.lock();
  co_await write_bytes(line);
}

Async<void> SqeqConnection::write_bytes(std::string_view bytes) {
  if (whole_.cancelled()) co_return;
  const Deadline deadline = options_.write_within ? Deadline::after(loop_, *options_.write_within) : Deadline::never();
  const auto written = co_await stream_->write(bytes, whole_.token(), deadline);
  if (!written.ok()) cut();
}

}  // namespace lathe::gateways::sqeq
