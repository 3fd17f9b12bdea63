#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lathe/client/transport.h"
#include "lathe/runtime/async_mutex.h"
#include "lathe/runtime/loop.h"

namespace lathe::client {

/// A connection that outlasts the engine behind it. When a daemon ends for another one to take its place, this connects
/// to that one, follows the same sessions from the record on that came last, and asks again what was refused; whoever
/// uses it notices nothing but that it takes a while. Any other end of the connection is an end.
///
/// Loop thread. Ended with close() before it goes.
class LastingTransport final : public Transport {
 public:
  /// A connection to the engine that is there by now; null while there is none.
  using Connect = std::function<runtime::Async<base::Result<std::unique_ptr<Transport>>>()>;
  LastingTransport(runtime::Loop& loop, std::unique_ptr<Transport> first, Connect connect);

  runtime::Async<base::Result<protocol::Ack>> submit(std::string session, protocol::Op op) override;
  runtime::Async<base::Result<protocol::Ack>> configure(std::string session, protocol::ConfigureSession op,
                                                        OpenFolder folder) override;
  runtime::Async<base::Result<protocol::ReplyMsg>> call(protocol::Call call) override;
  runtime::Async<base::Result<std::vector<Delivery>>> events(runtime::CancelToken cancel,
                                                             runtime::Deadline deadline) override;
  runtime::Async<void> close() override;
  [[nodiscard]] bool outlives_client() const override { return true; }

 private:
  using Inner = std::shared_ptr<Transport>;  // requests under way hold the one that they were sent by
  /// How a session is followed.
  struct Followed {
    /// The last record that came; -1: none did, and only what is new is wanted.
    std::int64_t last_seq = -1;
    bool only_looks = false;
    /// Its Task was handed over, and nothing came of it since.
    bool waits = false;
    bool claimed = false;
  };
  /// What was asked there and failed so is asked again, of whoever takes the place of `asked`.
  runtime::Async<base::Result<void>> before_asking_again(Inner asked, base::Error why,
                                                         std::optional<runtime::Deadline>* patience);
  /// Connects to who takes the place of `gone`, unless that was done.
  runtime::Async<base::Result<void>> come_back(Inner gone);
  runtime::Async<base::Result<void>> follow_again(Transport* transport);
  /// Before the answer to a call, as events may come ahead of it; and after it.
  void expect_events_of(const protocol::Call& call);
  void follow(const protocol::Call& call, const protocol::ReplyMsg& reply);
  /// Takes note of what came, and leaves out what is only about the connection.
  void note(std::vector<Delivery>* events);

  runtime::Loop& loop_;
  Inner inner_;
  const Connect connect_;
  std::map<std::string, Followed> followed_;
  /// All sessions are watched.
  std::optional<protocol::Watch> watch_;
  /// Came before the engine ended, while somebody else asked for something.
  std::vector<Delivery> untaken_;
  /// One comes back at a time.
  runtime::AsyncMutex coming_back_;
};

}  // namespace lathe::client
