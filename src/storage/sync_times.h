#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace lathe::storage {

/// How long the disk took to make bytes durable: a histogram. Any thread.
class SyncTimes final {
 public:
  /// Upper bounds of the buckets; what takes longer than the last counts in one more.
  static constexpr std::array kBounds{
      std::chrono::microseconds(500),    std::chrono::microseconds(1'000),   std::chrono::microseconds(2'500),
      std::chrono::microseconds(5'000),  std::chrono::microseconds(10'000),  std::chrono::microseconds(25'000),
      std::chrono::microseconds(50'000), std::chrono::microseconds(100'000), std::chrono::microseconds(1'000'000)};

  void note(std::chrono::microseconds took) {
    std::size_t bucket = 0;
    while (bucket < kBounds.size() && took > kBounds.at(bucket)) ++bucket;
    counts_.at(bucket).fetch_add(1, std::memory_order_relaxed);
    total_us_.fetch_add(took.count(), std::memory_order_relaxed);
  }
  /// Of that bucket alone; the last one has no bound.
  [[nodiscard]] std::int64_t count(std::size_t bucket) const {
    return counts_.at(bucket).load(std::memory_order_relaxed);
  }
  [[nodiscard]] std::chrono::microseconds total() const {
    return std::chrono::microseconds(total_us_.load(std::memory_order_relaxed));
  }

 private:
  std::array<std::atomic<std::int64_t>, kBounds.size() + 1> counts_{};
  std::atomic<std::int64_t> total_us_{0};
};

}  // namespace lathe::storage
