#pragma once

#include <memory>
#include <string>

#include "lathe/apps/embedded_engine.h"
#include "lathe/client/transport.h"

namespace lathe::apps {

/// A front end's connection to an engine in the same process and on the same loop. Owns that engine.
class EmbeddedTransport final : public client::Transport {
 public:
  EmbeddedTransport(std::unique_ptr<EmbeddedEngine> engine, std::string client);
  ~EmbeddedTransport() override;

  runtime::Async<base::Result<protocol::Ack>> submit(std::string session, protocol::Op op) override;
  runtime::Async<base::Result<protocol::ReplyMsg>> call(protocol::Call call) override;
  runtime::Async<base::Result<std::vector<client::Delivery>>> events(runtime::CancelToken cancel,
                                                                     runtime::Deadline deadline) override;
  runtime::Async<void> close() override;
  [[nodiscard]] bool outlives_client() const override { return false; }

 private:
  std::unique_ptr<EmbeddedEngine> engine_;
  std::unique_ptr<engine::Connection> connection_;
  std::uint64_t next_op_ = 1;
};

}  // namespace lathe::apps
