#pragma once

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "lathe/base/unique_fd.h"
#include "lathe/client/transport.h"
#include "lathe/runtime/byte_stream.h"
#include "lathe/runtime/loop.h"
#include "lathe/runtime/scope.h"
#include "lathe/runtime/signal.h"

namespace lathe::client {

/// A connection to an engine in another process: frames over a socket. When the other side ends the connection, every
/// request that waits gets `unavailable`, and so does each later one; events that came before are still given.
///
/// While events that nobody takes are many and no request waits for an answer behind them, nothing more is read, so
/// that the engine merges what comes next, as for any slow reader.
///
/// Loop thread. Ended with close() before it goes. Tasks that were started go on without it.
class SocketTransport final : public Transport {
 public:
  /// Takes a connected socket and says hello.
  [[nodiscard]] static base::Result<std::unique_ptr<SocketTransport>> create(runtime::Loop& loop, base::UniqueFd socket,
                                                                             protocol::Hello hello);

  /// The answer to the hello; why it was refused, or `timeout`. Waited for once.
  runtime::Async<base::Result<protocol::HelloReply>> greeted(runtime::Deadline deadline);
  runtime::Async<base::Result<protocol::Ack>> submit(std::string session, protocol::Op op) override {
    return submit_with(std::move(session), std::move(op), nullptr);
  }
  runtime::Async<base::Result<protocol::Ack>> configure(std::string session, protocol::ConfigureSession op,
                                                        OpenFolder folder) override {
    return submit_with(std::move(session), protocol::Op(std::move(op)), std::move(folder));
  }
  runtime::Async<base::Result<protocol::ReplyMsg>> call(protocol::Call call) override;
  runtime::Async<base::Result<std::vector<Delivery>>> events(runtime::CancelToken cancel,
                                                             runtime::Deadline deadline) override;
  runtime::Async<void> close() override;
  [[nodiscard]] bool outlives_client() const override { return true; }
  [[nodiscard]] bool handed_over() const override { return handed_over_; }

 private:
  /// An ack, a reply or an error; whoever asked waits for it.
  using Answer = std::shared_ptr<runtime::OneShot<base::Result<protocol::ServerFrame>>>;

  SocketTransport(runtime::Loop& loop, std::unique_ptr<runtime::ByteStream> stream);
  std::string next_id() { return std::to_string(next_id_++); }
  runtime::Async<base::Result<protocol::Ack>> submit_with(std::string session, protocol::Op op, OpenFolder folder);
  /// Sends the frame, whose id is `id`, and waits for its answer.
  runtime::Async<base::Result<protocol::ServerFrame>> ask(std::string id, protocol::ClientFrame frame,
                                                          OpenFolder folder = nullptr);
  runtime::Async<void> greet(protocol::Hello hello);
  runtime::Async<void> write_all();
  runtime::Async<void> read_all();
  void take(std::string_view line);
  /// Done when there is a reason to read on.
  runtime::Async<base::Result<void>> wait_for_room();
  /// Nothing more comes.
  void end(base::Error why);

  runtime::Loop& loop_;
  const std::unique_ptr<runtime::ByteStream> stream_;
  std::uint64_t next_id_ = 1;
  runtime::OneShot<base::Result<protocol::HelloReply>> greeting_;
  std::map<std::string, Answer> waiting_;
  /// Lines; or one, and the folder that goes with it.
  struct Piece {
    std::string bytes;
    OpenFolder folder;
  };
  std::deque<Piece> to_write_;
  runtime::Signal more_to_write_;
  std::vector<Delivery> events_;
  runtime::Signal more_events_;
  runtime::Signal room_;
  bool handed_over_ = false;
  /// The engine takes a folder along with a configure_session, as its answer to the hello says.
  bool takes_folders_ = false;
  /// The last event said that the other side closes.
  bool said_end_ = false;
  /// Set once nothing more comes.
  std::optional<base::Error> ended_;
  runtime::Scope scope_;
};

}  // namespace lathe::client
