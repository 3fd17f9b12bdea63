#pragma once

#include "lathe/egress/host.h"
#include "lathe/protocol/containment_events.h"
#include "lathe/runtime/async.h"
#include "lathe/runtime/cancel.h"

namespace lathe::egress {

/// Who answers for the proxy's decisions: the session. Called on its loop. Outlives the proxy.
class Gatekeeper {
 public:
  virtual ~Gatekeeper() = default;
  enum class Answer {
    kAllowed,
    kDenied,
    /// Nobody is there to ask.
    kNobody,
  };
  /// May a host that no rule names be reached? Asked once for a host and port; one question at a time.
  virtual runtime::Async<Answer> ask(Endpoint target, runtime::CancelToken cancel) = 0;
  /// The same of a host that a rule of HostRules lets through: kAllowed unless a stricter rule forbids it or asks. Any
  /// number at once; nobody is asked unless a rule wants it.
  virtual runtime::Async<Answer> ask_of_named(Endpoint target, runtime::CancelToken cancel) = 0;
  /// A decision that is new, or differs from the last one about the same host and port.
  virtual void decided(protocol::NetworkDecision decision) = 0;
};

}  // namespace lathe::egress
