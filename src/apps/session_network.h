#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>

#include "lathe/egress/gatekeeper.h"
#include "lathe/egress/proxy_thread.h"
#include "lathe/ports/driver.h"
#include "lathe/runtime/cancel.h"
#include "lathe/runtime/scope.h"
#include "lathe/runtime/signal.h"

namespace lathe::apps {

/// The egress proxy of one session with `network: proxy`, and who answers for it: the Task that runs. Its questions go
/// through the gate like those about a call, its decisions into the journal. What is decided between two Tasks (for a
/// background job) is recorded when the next one begins; nobody is there to ask meanwhile. Loop thread.
class SessionNetwork final : public egress::Gatekeeper {
 public:
  SessionNetwork(runtime::Loop& loop, egress::ProxyThread::Options options);

  [[nodiscard]] const std::string& socket_path() const { return socket_path_; }

  /// Before a Task runs: its host is asked and told from now on. Starts the proxy the first time; an error means that
  /// there is none.
  runtime::Async<base::Result<void>> enter(ports::TaskHost* host);
  /// After it: ends open questions, and records what was decided.
  runtime::Async<void> leave();
  /// Ends the proxy. Before this goes.
  runtime::Async<void> stop();

  runtime::Async<Answer> ask(egress::Endpoint target, runtime::CancelToken cancel) override;
  void decided(protocol::NetworkDecision decision) override;

 private:
  runtime::Async<Answer> ask_gate(egress::Endpoint target, runtime::CancelToken cancel);
  runtime::Async<void> record_all();

  const std::string socket_path_;
  egress::ProxyThread proxy_;
  bool started_ = false;
  ports::TaskHost* host_ = nullptr;
  /// Cancelled when the Task ends.
  std::optional<runtime::CancelSource> task_;
  /// Questions under way.
  int asking_ = 0;
  runtime::Signal asked_;
  std::deque<protocol::NetworkDecision> decisions_;
  bool recording_ = false;
  runtime::Scope recorder_;
};

}  // namespace lathe::apps
