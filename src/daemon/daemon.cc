#include "lathe/daemon/daemon.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "lathe/daemon/client_folder.h"
#include "lathe/daemon/client_groups.h"
#include "lathe/protocol/frames.h"

namespace lathe::daemon {

using base::Error;
using base::Result;
using gateways::sqeq::SqeqConnection;
using runtime::Async;
using runtime::Deadline;

namespace {

/// How long clients that do not read are waited for at the end.
constexpr base::Millis kFlushPatience{1'000};
/// How long a call that the engine still answers is waited for after that.
constexpr base::Millis kAnswerPatience{500};
constexpr base::Millis kLongestTick{5'000};
constexpr base::Millis kShortestTick{50};
/// How long a daemon waits for its first client, however little idle time it is given.
constexpr base::Millis kFirstClientPatience{5'000};
/// How long a client over TCP may keep its place without a token.
constexpr base::Millis kHelloPatience{10'000};
/// And how long it may take nothing of what is written to it. A client of the socket is this user's own, and stopped in
/// a terminal it may well be (Ctrl-Z).
constexpr base::Millis kWritePatience{30'000};

/// One line, as far as it goes out at once: the connection is not served.
void turn_away(int socket, Error why) {
  const std::string line =
      protocol::encode(protocol::ServerFrame(protocol::ErrorFrame{.id = "", .error = std::move(why)})) + "\n";
  (void)::send(socket, line.data(), line.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
}

/// The name of who comes from there. A program of this machine may choose any of the addresses that lead back to it.
std::string tcp_peer(const std::string& address) {
  return runtime::TcpAddress{.host = address}.is_loopback() ? "TCP on this machine" : "address " + address;
}

}  // namespace

Daemon::Daemon(DaemonParts parts, DaemonOptions options, std::unique_ptr<runtime::UnixListener> listener)
    : parts_(std::move(parts)),
      options_(std::move(options)),
      listener_(std::move(listener)),
      places_(options_.places),
      stopped_(parts_.loop),
      client_left_(parts_.loop),
      watching_(parts_.loop),
      serving_(parts_.loop) {}

Result<std::unique_ptr<Daemon>> Daemon::create(DaemonParts parts, DaemonOptions options) {
  TRY(auto listener, options.listening ? runtime::UnixListener::adopt(parts.loop, std::move(options.listening))
                                       : runtime::UnixListener::create(parts.loop, options.socket));
  const std::optional<runtime::TcpAddress> address = options.listen;
  runtime::Loop& loop = parts.loop;
  std::unique_ptr<Daemon> daemon(new Daemon(std::move(parts), std::move(options), std::move(listener)));
  if (address) {
    TRY(auto tcp, runtime::TcpListener::create(loop, *address));
    daemon->tcp_ = std::make_unique<TcpEntrance>(daemon->tcp_parts(), std::move(tcp));
  }
  return daemon;
}

std::optional<runtime::TcpAddress> Daemon::tcp_address() const {
  return tcp_ ? std::optional(tcp_->address()) : std::nullopt;
}

gateways::sqeq::SqeqOptions Daemon::for_strangers() const {
  return {.admit = [this](const protocol::Hello& hello) { return parts_.judge(hello.token); },
          .hello_by = Deadline::after(parts_.loop, kHelloPatience),
          .write_within = kWritePatience};
}

TcpEntrance::Parts Daemon::tcp_parts() {
  return {.http = {.loop = parts_.loop,
                   .parsing = parts_.parsing,
                   .connect = parts_.connect,
                   .judge = parts_.judge,
                   .serve_frames =
                       [this](std::unique_ptr<runtime::ByteStream> stream, std::optional<protocol::Scopes> scopes) {
                         if (!scopes) return serve_frames(std::move(stream), for_strangers());
                         return serve_frames(std::move(stream), {.scopes = *scopes, .write_within = kWritePatience});
                       },
                   .read_blob = parts_.read_blob,
                   .environment_with = parts_.environment_with,
                   .random = parts_.random,
                   .version = parts_.version,
                   .metrics = parts_.metrics},
          .serve_lines =
              [this](std::unique_ptr<runtime::ByteStream> stream) {
                return serve_frames(std::move(stream), for_strangers());
              },
          .take_place = [this](const std::string& address) { return places_.take(tcp_peer(address)); },
          .log = parts_.log};
}

void Daemon::stop(std::string why) {
  why_ = std::move(why);
  stopped_.notify();
}

Async<Daemon::End> Daemon::run() {
  watching_.spawn(accept_all());
  if (tcp_) watching_.spawn(tcp_->accept_all(watching_.token()));
  watching_.spawn(end_when_idle());
  (void)co_await stopped_.wait(runtime::CancelToken(), Deadline::never());
  parts_.log("stopping: " + why_);
  co_await watching_.stop();
  listener_.reset();
  co_await parts_.shut_down();
  const Deadline patience = Deadline::after(parts_.loop, kFlushPatience);
  End end = co_await end_clients(patience);
  if (end == End::kClean && tcp_ && !co_await tcp_->stop(patience)) end = End::kClientsLeft;
  parts_.log("stopped");
  co_return end;
}

Async<Daemon::End> Daemon::end_clients(Deadline patience) {
  for (SqeqConnection* client : clients_) client->finish();
  bool cut = false;
  while (!clients_.empty()) {
    const auto left = co_await client_left_.wait(runtime::CancelToken(), patience);
    if (left.ok()) continue;
    if (cut) co_return End::kClientsLeft;
    cut = true;
    patience = Deadline::after(parts_.loop, kAnswerPatience);
    for (SqeqConnection* client : clients_) client->cut();
  }
  co_await serving_.join();
  co_return End::kClean;
}

Async<void> Daemon::accept_all() {
  while (true) {
    auto socket = co_await listener_->accept(watching_.token());
    if (!socket.ok()) co_return;
    Result<Places::Place> place = admit(socket->get());
    if (!place.ok()) {
      parts_.log("turned a client away: " + place.error().message);
      turn_away(socket->get(), std::move(place).error());
      continue;
    }
    serving_.spawn(serve(*std::move(socket), *std::move(place)));
  }
}

Result<Places::Place> Daemon::admit(int socket) {
  TRY(const runtime::PeerCredentials peer, runtime::peer_of(socket));
  if (peer.uid != ::geteuid()) {
    return Error{.code = base::codes::kPermission,
                 .message = fmt::format("this daemon is user {}'s, not user {}'s", ::geteuid(), peer.uid)};
  }
  return places_.take(fmt::format("process {}", peer.pid));
}

std::unique_ptr<engine::Connection> Daemon::connect_local(int socket) const {
  auto connection = parts_.connect(base::short_id("client", parts_.random));
  const Result<runtime::PeerCredentials> peer = runtime::peer_of(socket);
  connection->came_locally(
      groups_of_client(socket),
      [pid = peer.ok() ? peer->pid : 0](const std::string& named, int descriptor) -> Result<std::string> {
        if (descriptor >= 0) return path_of_sent_folder(descriptor, named);
        TRY_OK(check_same_folder(pid, named));
        return named;
      });
  return connection;
}

Async<void> Daemon::serve(base::UniqueFd socket, Places::Place /*place*/) {
  auto connection = connect_local(socket.get());
  auto stream =
      runtime::ByteStream::of_socket(parts_.loop, std::move(socket), runtime::ByteStream::Carries::kDescriptors);
  if (!stream.ok()) {
    parts_.log("lost a client: " + stream.error().text());
    co_return;
  }
  co_await serve_frames(*std::move(stream), {.for_relayed = [this] { return for_strangers(); }}, std::move(connection));
}

Async<void> Daemon::serve_frames(std::unique_ptr<runtime::ByteStream> stream, gateways::sqeq::SqeqOptions options,
                                 std::unique_ptr<engine::Connection> connection) {
  if (!connection) connection = parts_.connect(base::short_id("client", parts_.random));
  SqeqConnection client(parts_.loop, parts_.parsing, std::move(connection), std::move(stream), std::move(options));
  clients_.insert(&client);
  co_await client.serve();
  clients_.erase(&client);
  left_at_ = parts_.loop.mono_now();
  client_left_.notify();
}

bool Daemon::has_clients() const { return !clients_.empty() || (tcp_ && tcp_->use().under_way > 0); }

std::optional<base::MonoTime> Daemon::last_client_at() const {
  // Nothing is before every time.
  return tcp_ ? std::max(left_at_, tcp_->use().ended_at) : left_at_;
}

Async<void> Daemon::end_when_idle() {
  const auto tick = std::clamp<base::Millis>(options_.idle_exit / 4, kShortestTick, kLongestTick);
  base::MonoTime busy_at = parts_.loop.mono_now();
  while ((co_await parts_.loop.sleep(tick, watching_.token())).ok()) {
    const std::size_t open = co_await parts_.close_forsaken();
    const base::MonoTime now = parts_.loop.mono_now();
    if (open > 0 || has_clients()) {
      busy_at = now;
      continue;
    }
    // One that came and went between two looks counts as well.
    const std::optional<base::MonoTime> left_at = last_client_at();
    if (left_at) busy_at = std::max(busy_at, *left_at);
    const base::Millis patience = left_at ? options_.idle_exit : std::max(options_.idle_exit, kFirstClientPatience);
    if (std::chrono::duration_cast<base::Millis>(now - busy_at) >= patience) {
      stop("nobody has needed it for a while (daemon.idle-exit)");
      co_return;
    }
  }
}

}  // namespace lathe::daemon
