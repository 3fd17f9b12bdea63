#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "lathe/base/json.h"
#include "lathe/testing/model_server/request.h"

namespace lathe::testing {

/// What breaks the rules of the request's wire (README, "What every request is checked for"); empty when it is sound.
[[nodiscard]] std::vector<std::string> check_history(const ModelRequest& request);

/// A request, or a part of one, without the members that only steer a provider's cache.
[[nodiscard]] base::Json without_cache_markers(const base::Json& value);

/// Remembers the latest request of every conversation (same wire, model and first message) and tells whether the next
/// one only extends it: tools, system prompt and all earlier messages the same byte for byte, cache markers aside.
class PrefixCheck final {
 public:
  /// What differs first, or nothing.
  [[nodiscard]] std::optional<std::string> next(const ModelRequest& request);

 private:
  struct Sent {
    std::string system;
    std::string tools;
    std::vector<std::string> messages;
  };
  std::map<std::string, Sent> latest_;
};

}  // namespace lathe::testing
