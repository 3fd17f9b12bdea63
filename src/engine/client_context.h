#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lathe/base/process_context.h"

namespace lathe::engine {

/// What a client has around it, for what runs in the sessions that it works with. What is absent is as this process has
/// it.
struct ClientContext {
  /// "NAME=value".
  std::optional<std::vector<std::string>> environment = std::nullopt;
  base::ProcessContext process = {};
  friend bool operator==(const ClientContext&, const ClientContext&) = default;
};

/// Null: all as this process has it.
using SharedContext = std::shared_ptr<const ClientContext>;  // a snapshot, shared by the client's sessions

[[nodiscard]] inline bool same_context(const SharedContext& left, const SharedContext& right) {
  return left == right || (left && right && *left == *right);
}

}  // namespace lathe::engine
