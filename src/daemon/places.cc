#include "lathe/daemon/places.h"

#include <fmt/format.h>

namespace lathe::daemon {

using base::Error;
using base::Result;

Result<Places::Place> Places::take(std::string peer) {
  if (taken_ >= bounds_.all) {
    return Error{.code = base::codes::kLimit,
                 .message = fmt::format("{} clients are connected already", bounds_.all),
                 .hint = "end some, or work without the daemon: --embedded",
                 .retryable = true};
  }
  const auto held = of_peers_.find(peer);
  if (held != of_peers_.end() && held->second >= bounds_.per_peer) {
    return Error{.code = base::codes::kLimit,
                 .message = fmt::format("{} has {} connections already", peer, bounds_.per_peer),
                 .hint = "end some: the other places are for others",
                 .retryable = true};
  }
  ++taken_;
  ++of_peers_[peer];
  return Place(*this, std::move(peer));
}

void Places::leave(const std::string& peer) {
  --taken_;
  const auto held = of_peers_.find(peer);
  if (--held->second == 0) of_peers_.erase(held);
}

}  // namespace lathe::daemon
