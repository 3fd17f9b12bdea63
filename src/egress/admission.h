#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "lathe/base/result.h"
#include "lathe/egress/gatekeeper.h"
#include "lathe/egress/host_rules.h"
#include "lathe/egress/resolver.h"
#include "lathe/runtime/async_mutex.h"

namespace lathe::egress {

/// Words for what decides when no rule of the person's does; also the reason in an answer of the proxy.
inline constexpr std::string_view kByGate = "gate";
inline constexpr std::string_view kNotAllowed = "host-not-allowed";
inline constexpr std::string_view kBadAddress = "address-not-allowed";
inline constexpr std::string_view kTooManyHosts = "too-many-hosts";
inline constexpr std::string_view kBudgetSpent = "byte-budget-spent";

/// Decides where connections may go: the rules, else the gatekeeper, and then the addresses.
///
/// A host is decided on before its name is looked up, because a lookup already carries data out. It is looked up once,
/// and the addresses given are those that were checked. Each (host, port) is asked about until somebody answers. Loop
/// thread.
class Admission final {
 public:
  struct Parts {
    runtime::Loop& loop;
    Resolver& resolver;
    Gatekeeper& gatekeeper;
    HostRules rules;
    /// Distinct (host, port) that are decided on at all; those past it are refused.
    std::size_t max_targets = 1000;
  };
  explicit Admission(Parts parts) : parts_(std::move(parts)), asking_(parts_.loop) {}

  struct Verdict {
    bool allowed = false;
    /// The rule, or one of the words above.
    std::string rule;
    /// Why not, for people.
    base::Error refusal = {};
    /// Where to connect to, in this order; never empty when allowed.
    std::vector<Address> addresses = {};
  };
  /// `unreachable` when an allowed name has no address.
  runtime::Async<base::Result<Verdict>> admit(Endpoint target, runtime::CancelToken cancel);
  /// Tells the gatekeeper, when this is new.
  void record(const Endpoint& target, const Verdict& verdict, const std::string& address);

 private:
  struct Remembered {
    bool asked = false;
    Gatekeeper::Answer answer = Gatekeeper::Answer::kNobody;
    protocol::NetworkDecision last;
  };
  runtime::Async<base::Result<Verdict>> judge_host(Endpoint target, Remembered* remembered,
                                                   runtime::CancelToken cancel);

  Parts parts_;
  /// Held while a question is open: one at a time.
  runtime::AsyncMutex asking_;
  /// By "host:port". Never shrinks, and entries stay where they are.
  std::map<std::string, Remembered> targets_;
  bool told_too_many_ = false;
};

}  // namespace lathe::egress
