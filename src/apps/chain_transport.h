#pragma once

#include "lathe/client/transport.h"

namespace lathe::apps {

/// Answers the calls about workflow files and nothing else: it needs no data root and no configuration.
class ChainTransport final : public client::Transport {
 public:
  runtime::Async<base::Result<protocol::Ack>> submit(std::string session, protocol::Op op) override;
  runtime::Async<base::Result<protocol::ReplyMsg>> call(protocol::Call call) override;
  runtime::Async<base::Result<std::vector<client::Delivery>>> events(runtime::CancelToken cancel,
                                                                     runtime::Deadline deadline) override;
  runtime::Async<void> close() override { co_return; }
  [[nodiscard]] bool outlives_client() const override { return false; }
};

}  // namespace lathe::apps
