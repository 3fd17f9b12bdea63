#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "lathe/base/result.h"
#include "lathe/base/unique_fd.h"
#include "lathe/protocol/frames.h"
#include "lathe/runtime/async.h"
#include "lathe/runtime/cancel.h"
#include "lathe/runtime/deadline.h"

namespace lathe::client {

/// One event as it reached this client.
struct Delivery {
  protocol::Event event;
  /// Its bytes, without newline.
  std::shared_ptr<const std::string> line;  // shared with other subscribers in the same process
};

/// A folder that is open (O_PATH).
using OpenFolder = std::shared_ptr<const base::UniqueFd>;  // shared by an op and those that ask again with it

/// How a front end talks to an engine, wherever that runs: in this process, or behind a socket. Loop thread; one
/// coroutine at a time waits in events().
class Transport {
 public:
  virtual ~Transport() = default;
  /// Submits an op; an empty session means the one that this connection configured. Done when acknowledged. A
  /// configure_session subscribes this connection to its session; ack.session is its id.
  virtual runtime::Async<base::Result<protocol::Ack>> submit(std::string session, protocol::Op op) = 0;
  /// Submits a configure_session whose `cwd` names `folder` (null: it is a name only). An engine behind a socket works
  /// in that very folder, wherever it was moved meanwhile.
  virtual runtime::Async<base::Result<protocol::Ack>> configure(std::string session, protocol::ConfigureSession op,
                                                                OpenFolder /*folder*/) {
    return submit(std::move(session), protocol::Op(std::move(op)));
  }
  virtual runtime::Async<base::Result<protocol::ReplyMsg>> call(protocol::Call call) = 0;
  /// The next events of all subscribed sessions, in order, at least one. `unavailable` when the engine is gone.
  virtual runtime::Async<base::Result<std::vector<Delivery>>> events(runtime::CancelToken cancel,
                                                                     runtime::Deadline deadline) = 0;
  /// Ends the connection; Tasks that this connection started in an embedded engine are ended cleanly first.
  virtual runtime::Async<void> close() = 0;
  /// The engine has ended, or is about to, for another one to take its place.
  [[nodiscard]] virtual bool handed_over() const { return false; }
  /// What runs in sessions goes on after close().
  [[nodiscard]] virtual bool outlives_client() const = 0;
};

/// Calls and gives the reply as the type that belongs to the call.
template <class C>
runtime::Async<base::Result<typename C::Reply>> call_as(Transport* transport, C call) {
  CO_TRY(protocol::ReplyMsg reply, co_await transport->call(protocol::Call(std::move(call))));
  auto* typed = std::get_if<typename C::Reply>(&reply);
  if (typed == nullptr) {
    co_return base::Error{.code = base::codes::kInternal, .message = "the engine sent a reply of another type"};
  }
  co_return std::move(*typed);
}

/// What a front end may ask of the engine that it opens.
struct OpenOptions {
  /// Run the engine in this process.
  bool embedded = true;
  /// The folder that the command works in; a cassette stands it for itself.
  std::string cwd = {};
  /// Only calls about rules are made: no data root is touched.
  bool only_policy = false;
  /// Only calls about workflow files are made: nothing of the person's is touched.
  bool only_chains = false;
  /// Only what is recorded is looked at or put in order: what is broken in the person's configuration is told, and
  /// stops nothing.
  bool records_only = false;
  /// A rule file (absolute), or a preset's name, in place of the person's own rules.
  std::string policy_file = {};
  /// Record all answers from outside into this cassette.
  std::string record_path = {};
  /// Play this cassette.
  std::string replay_path = {};
  enum class Replay { kNone, kModel, kAll };
  Replay replay = Replay::kNone;
};

}  // namespace lathe::client
