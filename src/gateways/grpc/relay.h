#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lathe/base/result.h"
#include "lathe/gateways/grpc/frame_stream.h"
#include "lathe/net/ndjson.h"
#include "lathe/runtime/async.h"
#include "lathe/runtime/byte_stream.h"
#include "lathe/runtime/cancel.h"
#include "lathe/runtime/deadline.h"
#include "lathe/runtime/loop.h"
#include "lathe/runtime/scope.h"

// Carries one client's frames to the daemon's socket and back: a frame is a line there.
//
//   introducing --the daemon takes him--> carrying --the daemon has no more to say, he has--> ended well
//        |                                   |
//        +--refused---------+----------------+--either is gone, cancelled, what is no frame--> ended with an error
//
// The daemon is told first that another speaks (`relayed`), so whom it lets in, what it lets him ask and how long it
// waits for him is its own rule, the one of its TCP address. What is said is not looked at here.
//
// Memory: one frame of the client, and what one read brings of the daemon's. When the client takes nothing, nothing is
// read of the daemon, whose rules for slow readers hold then; one that takes nothing for long is left.

namespace lathe::gateways::grpc {

/// Loop thread. Lives until run() is done; so does the client.
class Relay final {
 public:
  /// `daemon`: a connection to its socket on which nothing was said yet.
  Relay(runtime::Loop& loop, FrameStream& client, std::unique_ptr<runtime::ByteStream> daemon,
        const runtime::CancelToken& cancel);

  /// `token`: the one that came with the call; empty: the client says it in its hello. Awaited once. An error says why
  /// the client did not get everything: `permission_denied` for a token that is none.
  runtime::Async<base::Result<void>> run(std::string token);

 private:
  runtime::Async<base::Result<void>> introduce(std::string token);
  runtime::Async<void> take_from_client();
  runtime::Async<base::Result<void>> give_to_client();
  /// At least one line of the daemon's; none at its end.
  runtime::Async<base::Result<std::vector<std::string>>> next_lines(runtime::Deadline deadline);

  runtime::Loop& loop_;
  FrameStream& client_;
  const std::unique_ptr<runtime::ByteStream> daemon_;
  net::NdjsonParser lines_;
  /// What the daemon said right behind its answer to the hello.
  std::vector<std::string> early_;
  std::string buffer_;
  /// The client has said its last.
  bool closed_ = false;
  /// What was wrong with what the client sent.
  std::optional<base::Error> fault_;
  /// Ends all waits.
  runtime::CancelSource whole_;
  runtime::Scope taking_;
};

}  // namespace lathe::gateways::grpc
