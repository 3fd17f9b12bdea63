#include "lathe/gateways/http/request_rates.h"

#include <algorithm>
#include <chrono>

namespace lathe::gateways::http {

using base::Error;
using base::MonoTime;
using base::Result;

namespace {

/// Tokens come and go; nobody has so many that are in use.
constexpr std::size_t kMaxTokens = 1'000;

}  // namespace

Result<void> RequestRates::take(std::string_view token, MonoTime now) {
  auto found = tokens_.find(token);
  if (found == tokens_.end()) {
    if (tokens_.size() >= kMaxTokens) make_room(now);
    found = tokens_.emplace(token, Bucket()).first;
  }
  return take(found->second, of_token_, now);
}

Result<void> RequestRates::take_stranger(MonoTime now) { return take(strangers_, of_strangers_, now); }

void RequestRates::make_room(MonoTime now) {
  // A full one is what a new one would be.
  std::erase_if(tokens_, [&](const auto& one) { return level(one.second, of_token_, now) >= of_token_.burst; });
  if (tokens_.size() < kMaxTokens) return;
  tokens_.erase(std::ranges::min_element(tokens_, {}, [](const auto& one) { return one.second.filled; }));
}

double RequestRates::level(const Bucket& bucket, const RateLimits& limits, MonoTime now) {
  if (bucket.filled == MonoTime()) return limits.burst;
  const std::chrono::duration<double> passed = now - bucket.filled;
  return std::min(limits.burst, bucket.left + passed.count() * limits.per_second);
}

Result<void> RequestRates::take(Bucket& bucket, const RateLimits& limits, MonoTime now) {
  bucket.left = level(bucket, limits, now);
  bucket.filled = now;
  if (bucket.left < 1) {
    return Error{.code = base::codes::kLimit,
                 .message = "too many requests",
                 .hint = "ask again in a second, and less often: events come as they happen (/v1/sessions/ID/events)",
                 .retryable = true};
  }
  bucket.left -= 1;
  return {};
}

}  // namespace lathe::gateways::http
