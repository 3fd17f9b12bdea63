#include "lathe/client/socket_transport.h"

#include <algorithm>
#include <utility>

#include "lathe/base/json.h"
#include "lathe/net/ndjson.h"

namespace lathe::client {

using base::Error;
using base::Result;
using protocol::ServerFrame;
using runtime::Async;
using runtime::CancelToken;
using runtime::Deadline;

namespace {

constexpr std::size_t kReadBytes = 64U << 10;
constexpr std::size_t kManyEvents = 4'096;

Error gone(std::string_view why) {
  return {.code = base::codes::kUnavailable,
          .message = "the connection to the daemon has ended: " + std::string(why),
          .hint = "lathe daemon status; what it was doing is in the session (lathe session list)",
          .retryable = true};
}

/// The answer as what belongs to the request; an error as itself.
template <class T, class Value>
Result<Value> expect(Result<ServerFrame> answer, Value T::* value) {
  if (!answer.ok()) return std::move(answer).error();
  if (auto* typed = std::get_if<T>(&*answer)) return std::move(typed->*value);
  if (auto* failed = std::get_if<protocol::ErrorFrame>(&*answer)) return std::move(failed->error);
  return Error{.code = base::codes::kInternal, .message = "the daemon sent an answer of another kind"};
}

}  // namespace

SocketTransport::SocketTransport(runtime::Loop& loop, std::unique_ptr<runtime::ByteStream> stream)
    : loop_(loop),
      stream_(std::move(stream)),
      greeting_(loop),
      more_to_write_(loop),
      more_events_(loop),
      room_(loop),
      scope_(loop) {}

Result<std::unique_ptr<SocketTransport>> SocketTransport::create(runtime::Loop& loop, base::UniqueFd socket,
                                                                 protocol::Hello hello) {
  TRY(auto stream, runtime::ByteStream::of_socket(loop, std::move(socket), runtime::ByteStream::Carries::kDescriptors));
  std::unique_ptr<SocketTransport> made(new SocketTransport(loop, std::move(stream)));
  made->scope_.spawn(made->write_all());
  made->scope_.spawn(made->read_all());
  made->scope_.spawn(made->greet(std::move(hello)));
  return made;
}

Async<void> SocketTransport::greet(protocol::Hello hello) {
  auto greeting = co_await call_as(this, std::move(hello));
  takes_folders_ =
      greeting.ok() && std::ranges::find(greeting->features, protocol::kFolderFeature) != greeting->features.end();
  greeting_.set(std::move(greeting));
}

Async<Result<protocol::HelloReply>> SocketTransport::greeted(Deadline deadline) {
  CO_TRY(Result<protocol::HelloReply> greeting, co_await greeting_.wait(CancelToken(), deadline));
  co_return greeting;
}

Async<Result<protocol::Ack>> SocketTransport::submit_with(std::string session, protocol::Op op, OpenFolder folder) {
  const std::string id = next_id();
  auto answer = co_await ask(id, protocol::Submission{.id = id, .session = std::move(session), .op = std::move(op)},
                             takes_folders_ ? std::move(folder) : nullptr);
  if (answer.ok() && std::holds_alternative<protocol::Ack>(*answer)) co_return std::get<protocol::Ack>(*answer);
  CO_TRY_OK(expect(std::move(answer), &protocol::ReplyFrame::reply));
  co_return Error{.code = base::codes::kInternal, .message = "the daemon answered an op with a reply"};
}

Async<Result<protocol::ReplyMsg>> SocketTransport::call(protocol::Call call) {
  const std::string id = next_id();
  auto answer = co_await ask(id, protocol::CallFrame{.id = id, .call = std::move(call)});
  co_return expect(std::move(answer), &protocol::ReplyFrame::reply);
}

Async<Result<ServerFrame>> SocketTransport::ask(std::string id, protocol::ClientFrame frame, OpenFolder folder) {
  if (ended_) co_return *ended_;
  auto answer = std::make_shared<runtime::OneShot<Result<ServerFrame>>>(loop_);
  waiting_.emplace(id, answer);
  // What goes with a line goes with no other.
  if (folder || to_write_.empty() || to_write_.back().folder) to_write_.push_back({.folder = std::move(folder)});
  std::string& bytes = to_write_.back().bytes;
  bytes += protocol::encode(frame);
  bytes += '\n';
  more_to_write_.notify();
  room_.notify();
  CO_TRY(Result<ServerFrame> got, co_await answer->wait(CancelToken(), Deadline::never()));
  co_return got;
}

Async<Result<std::vector<Delivery>>> SocketTransport::events(CancelToken cancel, Deadline deadline) {
  while (events_.empty()) {
    if (ended_) co_return *ended_;
    CO_TRY_OK(co_await more_events_.wait(cancel, deadline));
  }
  room_.notify();
  co_return std::exchange(events_, {});
}

Async<void> SocketTransport::close() {
  end(gone("it was closed"));
  co_await scope_.stop();
}

Async<void> SocketTransport::write_all() {
  while (true) {
    while (to_write_.empty()) {
      if (!(co_await more_to_write_.wait(scope_.token(), Deadline::never())).ok()) co_return;
    }
    const Piece piece = std::move(to_write_.front());
    to_write_.pop_front();
    const int folder = piece.folder ? piece.folder->get() : -1;
    // When nobody reads any more, read_all() meets the end as well, after what was sent before it.
    if (!(co_await stream_->write_with(piece.bytes, folder, scope_.token(), Deadline::never())).ok()) co_return;
  }
}

Async<void> SocketTransport::read_all() {
  net::NdjsonParser lines;
  std::string buffer(kReadBytes, '\0');
  const net::OnLine on_line = [this](std::string_view line) { take(line); };
  while ((co_await wait_for_room()).ok()) {
    const auto got = co_await stream_->read(buffer, scope_.token(), Deadline::never());
    if (!got.ok() || *got == 0) {
      const std::string_view why = said_end_ ? "it was stopped" : "it ended without a word";
      end(gone(got.ok() ? why : got.error().message));
      co_return;
    }
    if (const auto fed = lines.feed({buffer.data(), *got}, on_line); !fed.ok()) {
      end(gone(fed.error().message));
      co_return;
    }
  }
}

Async<Result<void>> SocketTransport::wait_for_room() {
  while (events_.size() >= kManyEvents && waiting_.empty()) {
    CO_TRY_OK(co_await room_.wait(scope_.token(), Deadline::never()));
  }
  co_return Result<void>();
}

void SocketTransport::take(std::string_view line) {
  auto frame = protocol::decode_server_frame(line);
  if (!frame.ok()) {
    // An event that a newer daemon has and this program does not know is not for it; an answer is for whoever waits.
    const auto json = base::parse_json(line);
    if (!json.ok()) return end(gone("it sent a line that is no JSON"));
    if (json->contains("msg")) return;
    if (const auto waits = waiting_.extract(base::json_string(*json, "id"))) waits.mapped()->set(frame.error());
    return;
  }
  if (auto* event = std::get_if<protocol::Event>(&*frame)) {
    const auto* closed = std::get_if<protocol::ShutdownComplete>(&event->msg);
    said_end_ = closed != nullptr;
    handed_over_ |= closed != nullptr && closed->handed_over;
    events_.push_back({.event = std::move(*event), .line = std::make_shared<const std::string>(line)});
    more_events_.notify();
    return;
  }
  const std::string id = std::visit([](const auto& any) { return any.id; }, *frame);
  // An answer to nothing is an error about the connection as a whole, which ends it.
  if (const auto waits = waiting_.extract(id)) {
    waits.mapped()->set(*std::move(frame));
  } else if (const auto* failed = std::get_if<protocol::ErrorFrame>(&*frame)) {
    end(failed->error);
  }
}

void SocketTransport::end(Error why) {
  if (ended_) return;
  ended_ = std::move(why);
  for (auto& [id, answer] : std::exchange(waiting_, {})) answer->set(*ended_);
  more_events_.notify();
}

}  // namespace lathe::client
