#pragma once

#include <string>
#include <vector>

#include "lathe/base/result.h"
#include "lathe/egress/address.h"
#include "lathe/egress/host.h"
#include "lathe/runtime/async.h"
#include "lathe/runtime/loop.h"
#include "lathe/runtime/pool.h"

namespace lathe::egress {

/// Names to addresses. Loop thread.
class Resolver {
 public:
  virtual ~Resolver() = default;
  /// All addresses of the name, at least one, in the order in which they should be tried; an address is its own.
  /// `unreachable` when there is none.
  virtual runtime::Async<base::Result<std::vector<Address>>> resolve(Host host) = 0;
};

/// The system's (hosts file, DNS), asked on two threads. A lookup cannot be cancelled; it ends within some 6 s for each
/// name server that is configured.
class SystemResolver final : public Resolver {
 public:
  explicit SystemResolver(runtime::Loop& loop) : pool_(loop, "lathe-dns", 2) {}
  runtime::Async<base::Result<std::vector<Address>>> resolve(Host host) override;

 private:
  runtime::Pool pool_;
};

}  // namespace lathe::egress
