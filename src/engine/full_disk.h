#pragma once

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <string_view>

#include "lathe/storage/fault.h"

namespace lathe::engine {

/// For tests: takes no record while it is full, and no long one while it is nearly full.
class FullDisk final : public storage::FaultPoint {
 public:
  storage::Fault before(std::string_view operation, std::size_t bytes) override {
    const bool fits = !full && (!nearly_full || bytes < kLongText);
    return !fits && operation == "stream.append" ? storage::Fault{.error = ENOSPC} : storage::Fault{};
  }
  void after(std::string_view) override {}
  static constexpr std::size_t kLongText = 10'000;
  std::atomic<bool> full = false;
  std::atomic<bool> nearly_full = false;
};

}  // namespace lathe::engine
