#pragma once

#include <memory>
#include <string>
#include <thread>

#include "lathe/egress/proxy.h"
#include "lathe/runtime/scope.h"

namespace lathe::egress {

/// A Proxy on the thread "egress", so that what commands download never runs on the engine's loop. Its questions and
/// decisions come to the gatekeeper on the loop that started it. One per session with `network: proxy`.
class ProxyThread final {
 public:
  struct Options {
    HostRules rules;
    ProxyLimits limits;
    /// Below a private folder (0700).
    std::string socket_path;
  };
  /// `gatekeeper` outlives this.
  ProxyThread(runtime::Loop& loop, Gatekeeper& gatekeeper, Options options);
  ~ProxyThread();
  ProxyThread(const ProxyThread&) = delete;
  ProxyThread& operator=(const ProxyThread&) = delete;

  /// Starts the thread; returns once the socket answers. Once.
  runtime::Async<base::Result<void>> start();
  /// Ends every connection, open questions included, then the thread. Before this goes, when start() was called. A name
  /// lookup that is under way is waited for (resolver.h).
  runtime::Async<void> stop();

 private:
  class Forwarder;
  class Shared;

  void run(Options options);

  runtime::Loop& loop_;
  Gatekeeper& gatekeeper_;
  Options options_;
  std::shared_ptr<Shared> shared_;  // between the two loops: either may still hold a message for the other
  std::thread thread_;
  runtime::OneShot<base::Result<void>> started_;
  runtime::OneShot<bool> ended_;
  runtime::Scope questions_;
};

}  // namespace lathe::egress
