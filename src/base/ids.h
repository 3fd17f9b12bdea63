#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "lathe/base/clock.h"

namespace lathe::base {

/// Where randomness comes from. Real bytes in production, a printed seed in tests and replays.
class Random {
 public:
  virtual ~Random() = default;
  virtual std::uint64_t next() = 0;
};

/// Kernel randomness (getrandom), buffered. One thread.
class SystemRandom final : public Random {
 public:
  std::uint64_t next() override;

 private:
  std::uint64_t buffer_[32];
  unsigned left_ = 0;
};

/// The same sequence for the same seed (splitmix64). For tests and backoff jitter, never for secrets.
class SeededRandom final : public Random {
 public:
  explicit SeededRandom(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next() override;

 private:
  std::uint64_t state_;
};

/// UUIDv7 (RFC 9562): sorts by `now`. Sessions, tasks, runs and items are named so.
[[nodiscard]] std::string uuid7(UnixMillis now, Random& random);
[[nodiscard]] bool is_uuid(std::string_view text);
/// When a UUIDv7 was made; `id` is one.
[[nodiscard]] UnixMillis time_of_uuid7(std::string_view id);
/// "prefix_" and 16 letters and digits, for names that need not sort (calls, approvals, responses).
[[nodiscard]] std::string short_id(std::string_view prefix, Random& random);
/// "prefix" and 8 letters and digits (40 bits), for items, which are looked up within their session only and named by
/// every piece of their text.
[[nodiscard]] std::string item_id(std::string_view prefix, Random& random);

}  // namespace lathe::base
