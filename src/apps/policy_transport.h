#pragma once

#include <functional>
#include <memory>
#include <string>

#include "lathe/client/transport.h"
#include "lathe/config/config.h"
#include "lathe/engine/policy_book.h"

namespace lathe::apps {

/// Which files of repositories a person trusts.
[[nodiscard]] std::string trust_file(const std::string& state_dir);
/// Where the rules of this person stand, with what the command line says, and what tools may read unasked.
[[nodiscard]] engine::PolicyPlaces policy_places(const config::Environment& environment, const config::Paths& paths,
                                                 const config::Config& config, const client::OpenOptions& options,
                                                 std::function<void(const std::string&)> on_warning);

/// Answers policy_explain and policy_test and nothing else, without a data root (ARCHITECTURE 4.4). What was trusted is
/// read where it is there.
class PolicyTransport final : public client::Transport {
 public:
  static base::Result<std::unique_ptr<client::Transport>> create(const config::Environment& environment,
                                                                 const client::OpenOptions& options);
  PolicyTransport(engine::PolicyPlaces places, config::Config config)
      : places_(std::move(places)), config_(std::move(config)) {}

  runtime::Async<base::Result<protocol::Ack>> submit(std::string session, protocol::Op op) override;
  runtime::Async<base::Result<protocol::ReplyMsg>> call(protocol::Call call) override;
  runtime::Async<base::Result<std::vector<client::Delivery>>> events(runtime::CancelToken cancel,
                                                                     runtime::Deadline deadline) override;
  runtime::Async<void> close() override { co_return; }

 private:
  const engine::PolicyPlaces places_;
  const config::Config config_;
};

}  // namespace lathe::apps
