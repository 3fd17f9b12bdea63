#pragma once

#include <functional>
#include <memory>
#include <string>

#include "lathe/apps/call_reader.h"
#include "lathe/client/transport.h"
#include "lathe/config/config.h"
#include "lathe/egress/resolver.h"
#include "lathe/engine/policy_book.h"
#include "lathe/net/http_client.h"
#include "lathe/runtime/loop.h"
#include "lathe/runtime/pool.h"
#include "lathe/tools/common/secret_guard.h"

namespace lathe::apps {

/// Which files of repositories a person trusts.
[[nodiscard]] std::string trust_file(const std::string& state_dir);
/// Where the rules of this person stand, with what the command line says, and what tools may read unasked.
[[nodiscard]] engine::PolicyPlaces policy_places(const config::Environment& environment, const config::Paths& paths,
                                                 const config::Config& config, const client::OpenOptions& options,
                                                 std::function<void(const std::string&)> on_warning);

/// Answers policy_explain and policy_test and nothing else, without a data root (ARCHITECTURE 4.4). What was trusted is
/// read where it is there. Members stand in the order of their dependence.
class PolicyTransport final : public client::Transport {
 public:
  static base::Result<std::unique_ptr<client::Transport>> create(runtime::Loop& loop,
                                                                 const config::Environment& environment,
                                                                 const client::OpenOptions& options);

  runtime::Async<base::Result<protocol::Ack>> submit(std::string session, protocol::Op op) override;
  runtime::Async<base::Result<protocol::ReplyMsg>> call(protocol::Call call) override;
  runtime::Async<base::Result<std::vector<client::Delivery>>> events(runtime::CancelToken cancel,
                                                                     runtime::Deadline deadline) override;
  runtime::Async<void> close() override { co_return; }
  [[nodiscard]] bool outlives_client() const override { return false; }

 private:
  PolicyTransport(runtime::Loop& loop, engine::PolicyPlaces places, config::Config config,
                  std::unique_ptr<tools::common::SecretGuard> secrets);
  runtime::Async<base::Result<protocol::PolicyExplainReply>> explain(protocol::PolicyExplain call);

  const engine::PolicyPlaces places_;
  const config::Config config_;
  const std::unique_ptr<tools::common::SecretGuard> secrets_;
  runtime::Pool pool_;
  egress::SystemResolver resolver_;
  net::HttpClient http_;
  CallReader reader_;
};

}  // namespace lathe::apps
