#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "lathe/ports/model.h"

namespace lathe::providers::anthropic {

inline constexpr std::string_view kProvider = "anthropic";

struct Settings {
  /// Sent when the request names no limit; this wire demands one.
  std::int64_t default_max_output_tokens = 32'000;
  /// For models that are given a budget instead of deciding themselves; kept below the output limit.
  std::int64_t thinking_budget_tokens = 10'000;
  friend bool operator==(const Settings&, const Settings&) = default;
};

/// The request's body. The same items give the same bytes, cache marks aside, so that request N+1 starts with the
/// messages of request N.
[[nodiscard]] std::string body_of(const ports::ModelRequest& request, const Settings& settings);

}  // namespace lathe::providers::anthropic
