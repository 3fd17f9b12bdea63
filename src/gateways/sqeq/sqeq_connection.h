#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lathe/base/clock.h"
#include "lathe/base/result.h"
#include "lathe/base/unique_fd.h"
#include "lathe/engine/connection.h"
#include "lathe/gateways/sqeq/line_framer.h"
#include "lathe/protocol/frames.h"
#include "lathe/protocol/scopes.h"
#include "lathe/runtime/async_mutex.h"
#include "lathe/runtime/byte_stream.h"
#include "lathe/runtime/cancel.h"
#include "lathe/runtime/deadline.h"
#include "lathe/runtime/loop.h"
#include "lathe/runtime/pool.h"
#include "lathe/runtime/scope.h"
#include "lathe/runtime/signal.h"

// One client that speaks the frames of ARCHITECTURE 4.1, a JSON object per line, over any stream of bytes: stdin and
// stdout, a unix socket, TCP.
//
//   serving --the client's last byte--> answering --all answered, no Task of its sessions runs--> ended
//      |  |                                 |
//      |  +--finish()-----------------------+
//      +--the client is gone, cut()---------+--> ended
//
// Requests are answered side by side, each when it is done, so a slow call holds up nothing. Ops reach their session in
// the order of their lines. What changes the meaning of later lines (hello, subscriptions, configure_session, shutdown)
// is finished before the next line is looked at.
//
// Bounds: so many requests under way, a line's length, the engine's queue of events. A client that does not read stops
// this writing; its requests are then not read either, once there are too many, and its events merge and then lag in
// the queue (engine/event_queue.h). Others notice nothing of it. Where the options say so, one that keeps its place for
// nothing is left.

namespace lathe::gateways::sqeq {

struct SqeqOptions {
  std::size_t max_line_bytes = net::NdjsonParser::kDefaultMaxLineBytes;
  /// Requests under way at once; further ones are read when there is room.
  std::size_t max_requests = 64;
  /// What a client may ask that is let in as it comes.
  protocol::Scopes scopes = protocol::Scopes::all();
  /// Where set, a client is let in by its hello, which this judges, and may ask what the scopes allow; whatever else
  /// comes before is `permission_denied`.
  std::function<base::Result<protocol::Scopes>(const protocol::Hello&)> admit = {};
  /// A client that has to say hello is left when it has not done so by then.
  runtime::Deadline hello_by = runtime::Deadline::never();
  /// A client that takes nothing of what is written for so long is left; without it, one that does not read stays as
  /// long as it likes.
  std::optional<base::Millis> write_within = std::nullopt;
  /// Where set, a client may say that what follows is another's (`relayed` in its hello). It gets what these options
  /// say from then on: the `admit` of somebody whom only a token lets in.
  std::function<SqeqOptions()> for_relayed = {};
};

/// Loop thread. Lives until serve() is done; the pool outlives it.
class SqeqConnection final {
 public:
  /// `parsing` takes what is too long to be parsed or written as JSON on the loop.
  SqeqConnection(runtime::Loop& loop, runtime::Pool& parsing, std::unique_ptr<engine::Connection> engine,
                 std::unique_ptr<runtime::ByteStream> stream, SqeqOptions options = {});

  /// Serves the client to its end. Awaited once. A client that ended its side gets the answers to all that it asked,
  /// and the events of the Tasks that run in its sessions.
  runtime::Async<void> serve();
  /// Reads nothing more; what was asked is answered, the events that wait are written, then serve() is done. For when
  /// the engine has ended its sessions.
  void finish();
  /// Writes nothing more either; serve() is done once the engine has answered what it was asked.
  void cut();

 private:
  /// What a line says, and its id where that much can be read.
  struct Request {
    std::string id;
    base::Result<protocol::ClientFrame> frame;
  };
  static Request read_request(std::string_view line);

  runtime::Async<void> take_requests();
  /// Until when the client has to say something.
  [[nodiscard]] runtime::Deadline reading_ends() const;
  runtime::Async<void> leave(base::Error why);
  /// A folder that came with a configure_session is the one that it means; a descriptor is nothing to other frames.
  runtime::Async<void> take(std::string line, base::UniqueFd descriptor);
  runtime::Async<void> refuse(std::string id, base::Error error);
  runtime::Async<void> answer(protocol::ClientFrame frame, base::UniqueFd folder = {});
  runtime::Async<protocol::ServerFrame> result_of(protocol::ClientFrame frame, base::UniqueFd folder);
  runtime::Async<std::string> encode(protocol::ServerFrame frame);
  /// From now on it may ask what the scopes allow.
  void let_in(protocol::Scopes scopes);
  /// What comes from now on is said by somebody who has yet to be let in.
  base::Result<void> speak_for_another();
  /// Whether the client may ask this.
  base::Result<void> admit(const protocol::ClientFrame& frame);
  runtime::Async<void> send_events();
  runtime::Async<void> write_events(std::vector<engine::Delivered> events);
  runtime::Async<void> write(std::string line);
  /// With writing_ held. A stream that failed once is not written again: a part of a line may have gone out.
  runtime::Async<void> write_bytes(std::string_view bytes);
  /// The client has asked its last, all of it is answered, and nothing more happens in its sessions.
  [[nodiscard]] bool is_done() const;

  runtime::Loop& loop_;
  runtime::Pool& parsing_;
  const std::unique_ptr<engine::Connection> engine_;
  const std::unique_ptr<runtime::ByteStream> stream_;
  SqeqOptions options_;
  /// What it may ask; nothing before it is let in.
  std::optional<protocol::Scopes> scopes_;
  bool reading_ended_ = false;
  /// It was told that it lags, and has not subscribed again.
  bool lags_ = false;
  /// Ends all waits on the stream.
  runtime::CancelSource whole_;
  /// Ends reading only; cancelled with whole_.
  runtime::CancelSource reading_;
  runtime::AsyncMutex writing_;
  runtime::Signal answered_;
  runtime::Scope requests_;
  runtime::Scope events_;
};

}  // namespace lathe::gateways::sqeq
