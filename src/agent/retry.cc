#include "lathe/agent/retry.h"

#include <algorithm>
#include <cstddef>

namespace lathe::agent {
namespace {

using std::chrono::milliseconds;

// No connection: 3 attempts in a row, the last of which starts within 5 s of the first failure, so that with the time
// that each takes at most (Endpoint::connect_timeout) they are over in less than 10 s.
constexpr int kConnectRetries = 2;
constexpr milliseconds kConnectWindow{5'000};
constexpr int kRequestRetries = 4;
constexpr int kStreamRetries = 5;
constexpr milliseconds kFirstWait{200};
/// A server that wants us to stay away longer than this is given up.
constexpr milliseconds kLongestRetryAfter{60'000};

/// 200 ms doubled for each retry before it, and up to 10 % more or less, so that many clients do not come back at once.
milliseconds backoff(int earlier_retries, base::Random& random) {
  const auto wait = kFirstWait * (1 << earlier_retries);
  const auto percent = 90 + static_cast<std::int64_t>(random.next() % 21);
  return wait * percent / 100;
}

}  // namespace

void Retries::unreachable_before(base::MonoTime when, base::MonoTime now) {
  if (now - when > kConnectWindow) return;
  unreachable_since_ = when;
  taken_[static_cast<std::size_t>(ports::RetryClass::kConnect)] = 1;
}

std::optional<Retries::Again> Retries::after(const ports::ModelFailure& failure, base::MonoTime now) {
  if (failure.retry == ports::RetryClass::kConnect) {
    if (!unreachable_since_) unreachable_since_ = now;
  } else {
    // The server was there: that it is gone a minute into an answer is news.
    unreachable_since_.reset();
    taken_[static_cast<std::size_t>(ports::RetryClass::kConnect)] = 0;
  }
  int limit = 0;
  switch (failure.retry) {
    case ports::RetryClass::kConnect:
      limit = kConnectRetries;
      break;
    case ports::RetryClass::kRequest:
      limit = kRequestRetries;
      break;
    case ports::RetryClass::kStream:
      limit = kStreamRetries;
      break;
    case ports::RetryClass::kNever:
      return std::nullopt;
  }
  int& taken = taken_[static_cast<std::size_t>(failure.retry)];
  if (taken >= limit) return std::nullopt;
  milliseconds wait = backoff(taken, random_);
  if (failure.retry_after) {
    if (*failure.retry_after > kLongestRetryAfter) return std::nullopt;
    wait = std::max(wait, *failure.retry_after);
  }
  if (unreachable_since_ && now + wait - *unreachable_since_ > kConnectWindow) return std::nullopt;
  ++taken;
  return Again{.attempt = taken, .of = limit, .wait = wait};
}

}  // namespace lathe::agent
