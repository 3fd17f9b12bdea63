#pragma once

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <string_view>

#include "lathe/storage/fault.h"

namespace lathe::engine {

/// For tests: takes no record while it is full.
class FullDisk final : public storage::FaultPoint {
 public:
  storage::Fault before(std::string_view operation, std::size_t) override {
    return full && operation == "stream.append" ? storage::Fault{.error = ENOSPC} : storage::Fault{};
  }
  void after(std::string_view) override {}
  std::atomic<bool> full = false;
};

}  // namespace lathe::engine
