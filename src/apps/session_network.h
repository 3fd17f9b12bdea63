#pragma once

#include <functional>
#include <optional>
#include <string>

#include "lathe/egress/gatekeeper.h"
#include "lathe/egress/proxy_thread.h"
#include "lathe/policy/action.h"
#include "lathe/ports/driver.h"
#include "lathe/runtime/cancel.h"
#include "lathe/runtime/signal.h"

namespace lathe::apps {

/// The egress proxy of one session with `network: proxy`. Its questions go through the gate of the Task that runs, like
/// those about a call; between two Tasks (for a background job) nobody is there to ask, and rules alone count. Every
/// decision is recorded.
/// Loop thread.
class SessionNetwork final : public egress::Gatekeeper {
 public:
  /// engine::DriverSetup::verdict_on.
  using VerdictOn = std::function<policy::Verdict(const ports::Action& action)>;
  /// `record` gets the decisions; may be empty.
  SessionNetwork(runtime::Loop& loop, egress::ProxyThread::Options options, ports::RecordEvent record,
                 VerdictOn verdict_on);

  [[nodiscard]] const std::string& socket_path() const { return socket_path_; }

  /// Starts the proxy unless it runs; an error means that there is none.
  runtime::Async<base::Result<void>> start();
  /// Before a Task runs: its host is asked from now on. Starts the proxy where nothing has yet.
  runtime::Async<base::Result<void>> enter(ports::TaskHost* host);
  /// After it: ends open questions.
  runtime::Async<void> leave();
  /// Ends the proxy. Before this goes.
  runtime::Async<void> stop();

  runtime::Async<Answer> ask(egress::Endpoint target, runtime::CancelToken cancel) override;
  runtime::Async<Answer> ask_of_named(egress::Endpoint target, runtime::CancelToken cancel) override;
  void decided(protocol::NetworkDecision decision) override;

 private:
  enum class Of { kUnnamedHost, kNamedHost };
  runtime::Async<Answer> ask_somebody(egress::Endpoint target, Of of, runtime::CancelToken cancel);
  [[nodiscard]] Answer by_rules(const egress::Endpoint& target, Of of) const;
  runtime::Async<Answer> ask_gate(egress::Endpoint target, Of of, runtime::CancelToken cancel);

  const std::string socket_path_;
  const ports::RecordEvent record_;
  const VerdictOn verdict_on_;
  egress::ProxyThread proxy_;
  bool started_ = false;
  base::Result<void> started_well_;
  ports::TaskHost* host_ = nullptr;
  /// Cancelled when the Task ends.
  std::optional<runtime::CancelSource> task_;
  /// Questions under way.
  int asking_ = 0;
  runtime::Signal asked_;
};

}  // namespace lathe::apps
