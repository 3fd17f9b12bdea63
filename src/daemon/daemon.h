#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "lathe/base/hash.h"
#include "lathe/base/ids.h"
#include "lathe/base/result.h"
#include "lathe/base/unique_fd.h"
#include "lathe/daemon/places.h"
#include "lathe/daemon/tcp_entrance.h"
#include "lathe/engine/connection.h"
#include "lathe/gateways/sqeq/sqeq_connection.h"
#include "lathe/runtime/async.h"
#include "lathe/runtime/loop.h"
#include "lathe/runtime/pool.h"
#include "lathe/runtime/scope.h"
#include "lathe/runtime/signal.h"
#include "lathe/runtime/unix_socket.h"

// The engine behind a socket, for as many clients as come.
//
//   create()          run()                  stop(), or idle for long enough
//   listening ------> serving clients -----> stopping --------------------------------------> ended
//                                            1. no new client is taken
//                                            2. the engine ends: new work is refused, items are completed as
//                                               incomplete, every record is appended
//                                            3. each client gets the events that tell of it and the answers to what it
//                                               asked, then its connection ends; one that does not read is cut off
//
// The last step takes no longer than two seconds, whatever clients do.
//
// A client of the socket is let in when the kernel says that it is the same user's. It gets the frames of
// gateways/sqeq. Over TCP, where that is asked for, clients come in with a token (tcp_entrance.h); so do those for whom
// a client of the socket only speaks (`relayed` in its hello), as lathe-grpc does.

namespace lathe::daemon {

/// What a daemon is made of; apps/ provides it and keeps it alive longer than the daemon.
struct DaemonParts {
  runtime::Loop& loop;
  /// For lines that are too long to be parsed on the loop.
  runtime::Pool& parsing;
  /// A new client of the engine, under that name until it says another.
  std::function<std::unique_ptr<engine::Connection>(std::string client)> connect;
  /// Closes the sessions that nobody needs open, and gives the number of those that stay so.
  std::function<runtime::Async<std::size_t>()> close_forsaken;
  /// Ends the engine.
  std::function<runtime::Async<void>()> shut_down;
  std::function<void(std::string_view)> log;
  base::Random& random;
  /// What the holder of a token may ask.
  std::function<base::Result<protocol::Scopes>(std::string_view token)> judge;
  std::string version;
  /// The page of metrics, for clients over HTTP.
  std::function<runtime::Async<base::Result<gateways::http::HttpParts::Page>>()> metrics = {};
  /// What a session has around it whose client over HTTP names these variables (HttpParts).
  std::function<base::Result<std::vector<std::string>>(std::vector<std::string> named)> environment_with = {};
  /// For the bytes that records name by their hash.
  std::function<runtime::Async<base::Result<std::string>>(base::Sha256Hex hash)> read_blob = {};
};

struct DaemonOptions {
  /// Of the socket; its folder exists. Unused when there is one that listens already.
  std::string socket;
  /// A socket that somebody else made and that listens.
  base::UniqueFd listening = {};
  /// With no client and no open session for so long it ends; config::kNever: it does not. A client is whoever is
  /// connected and speaks frames, and over HTTP whoever a request is answered, or a stream is open (HttpUse). Until its
  /// first client has come, whoever started it has at least a little time to connect.
  std::chrono::milliseconds idle_exit{1'800'000};
  /// Further ones are told so and cut off.
  PlaceBounds places = {};
  /// Also takes clients with a token there.
  std::optional<runtime::TcpAddress> listen = std::nullopt;
};

/// Loop thread. The lock of the data root is held by whoever made it.
class Daemon final {
 public:
  /// Listens from now on.
  [[nodiscard]] static base::Result<std::unique_ptr<Daemon>> create(DaemonParts parts, DaemonOptions options);
  Daemon(const Daemon&) = delete;
  Daemon& operator=(const Daemon&) = delete;

  enum class End {
    kClean,
    /// A client still waits for an answer of the engine that does not come; everything is recorded, and the process may
    /// be left.
    kClientsLeft,
  };
  /// Serves until it is stopped or has been idle for long enough; the engine has ended then. Awaited once. After
  /// kClientsLeft the process is left without destroying anything.
  runtime::Async<End> run();
  void stop(std::string why);
  /// Where it takes clients over TCP, with the port that was found; nothing where it does not.
  [[nodiscard]] std::optional<runtime::TcpAddress> tcp_address() const;

 private:
  Daemon(DaemonParts parts, DaemonOptions options, std::unique_ptr<runtime::UnixListener> listener);

  runtime::Async<void> accept_all();
  runtime::Async<void> serve(base::UniqueFd socket, Places::Place place);
  /// For a client that came by the socket, with what the system tells of it.
  [[nodiscard]] std::unique_ptr<engine::Connection> connect_local(int socket) const;
  /// Serves a client of frames to its end; null: it is nobody known.
  runtime::Async<void> serve_frames(std::unique_ptr<runtime::ByteStream> stream, gateways::sqeq::SqeqOptions options,
                                    std::unique_ptr<engine::Connection> connection = nullptr);
  /// Whoever has shown no token yet has to show it in a hello, and soon.
  [[nodiscard]] gateways::sqeq::SqeqOptions for_strangers() const;
  [[nodiscard]] TcpEntrance::Parts tcp_parts();
  /// Whether a client of the socket may come in; its place then.
  [[nodiscard]] base::Result<Places::Place> admit(int socket);
  runtime::Async<void> end_when_idle();
  /// Someone is connected and works, over either wire.
  [[nodiscard]] bool has_clients() const;
  /// When the last one was; nothing before the first.
  [[nodiscard]] std::optional<base::MonoTime> last_client_at() const;
  runtime::Async<End> end_clients(runtime::Deadline patience);

  DaemonParts parts_;
  const DaemonOptions options_;  // but for the socket, which the listener has
  std::unique_ptr<runtime::UnixListener> listener_;
  Places places_;
  std::unique_ptr<TcpEntrance> tcp_;
  std::set<gateways::sqeq::SqeqConnection*> clients_;  // each lives in its serve()
  /// When the last client of frames left.
  std::optional<base::MonoTime> left_at_;
  std::string why_;
  runtime::Signal stopped_;
  runtime::Signal client_left_;
  /// Accepting and looking whether it is idle.
  runtime::Scope watching_;
  runtime::Scope serving_;
};

}  // namespace lathe::daemon
