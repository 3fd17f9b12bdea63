#pragma once

#include <memory>
#include <string>
#include <vector>

#include "lathe/base/result.h"
#include "lathe/egress/address.h"
#include "lathe/egress/host.h"
#include "lathe/runtime/async.h"
#include "lathe/runtime/cancel.h"
#include "lathe/runtime/loop.h"
#include "lathe/runtime/pool.h"
#include "lathe/runtime/scope.h"
#include "lathe/runtime/signal.h"

namespace lathe::egress {

/// Names to addresses. Loop thread.
class Resolver {
 public:
  virtual ~Resolver() = default;
  /// All addresses of the name, at least one, in the order in which they should be tried; an address is its own.
  /// `unreachable` when there is none.
  virtual runtime::Async<base::Result<std::vector<Address>>> resolve(Host host, runtime::CancelToken cancel) = 0;
};

/// The system's (hosts file, DNS), asked on two threads. The lookup of a caller that was cancelled goes on unheeded; it
/// ends within some 6 s for each name server that is configured.
class SystemResolver final : public Resolver {
 public:
  explicit SystemResolver(runtime::Loop& loop) : loop_(loop), pool_(loop, "lathe-dns", 2), lookups_(loop) {}
  runtime::Async<base::Result<std::vector<Address>>> resolve(Host host, runtime::CancelToken cancel) override;
  /// Waits for lookups that go on. Before this goes.
  runtime::Async<void> stop() { return lookups_.stop(); }

 private:
  using Found = runtime::OneShot<base::Result<std::vector<Address>>>;
  runtime::Async<void> look_up_into(std::string name, std::shared_ptr<Found> found);

  runtime::Loop& loop_;
  runtime::Pool pool_;
  runtime::Scope lookups_;
};

}  // namespace lathe::egress
