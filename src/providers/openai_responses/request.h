#pragma once

#include <string>
#include <string_view>

#include "lathe/ports/model.h"

namespace lathe::providers::openai_responses {

inline constexpr std::string_view kProvider = "openai_responses";

/// How servers of one backend type differ.
struct Quirks {
  /// Takes prompt_cache_key.
  bool prompt_cache_key = false;
  friend bool operator==(const Quirks&, const Quirks&) = default;
};
/// For a backend type of config: openai. Others get what every server takes.
[[nodiscard]] Quirks quirks_for(std::string_view backend_type);

/// The request's body. The same items give the same bytes, so that request N+1 starts with the input of request N.
[[nodiscard]] std::string body_of(const ports::ModelRequest& request, const Quirks& quirks);

}  // namespace lathe::providers::openai_responses
