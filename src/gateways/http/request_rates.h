#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>

#include "lathe/base/clock.h"
#include "lathe/base/result.h"

namespace lathe::gateways::http {

struct RateLimits {
  /// So many at once, and so many a second in the long run.
  double burst = 0;
  double per_second = 0;
};

/// How many requests each peer may make. All come from this machine, so a peer is who holds a token; those whose token
/// is none are one peer together, and take nothing from the others. Loop thread.
class RequestRates final {
 public:
  explicit RequestRates(RateLimits of_token = {.burst = 2'000, .per_second = 1'000},
                        RateLimits of_strangers = {.burst = 200, .per_second = 5})
      : of_token_(of_token), of_strangers_(of_strangers) {}

  /// `limit_exceeded` for one too many.
  [[nodiscard]] base::Result<void> take(std::string_view token, base::MonoTime now);
  [[nodiscard]] base::Result<void> take_stranger(base::MonoTime now);

 private:
  struct Bucket {
    double left = 0;
    base::MonoTime filled = {};
  };
  static base::Result<void> take(Bucket& bucket, const RateLimits& limits, base::MonoTime now);
  /// What is in it by now.
  [[nodiscard]] static double level(const Bucket& bucket, const RateLimits& limits, base::MonoTime now);
  /// Forgets those that lose nothing by it, or the one that was used longest ago.
  void make_room(base::MonoTime now);

  const RateLimits of_token_;
  const RateLimits of_strangers_;
  std::map<std::string, Bucket, std::less<>> tokens_;
  Bucket strangers_;
};

}  // namespace lathe::gateways::http
