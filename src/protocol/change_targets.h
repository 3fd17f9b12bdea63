#pragma once

#include <string>
#include <vector>

#include "lathe/protocol/approval_events.h"
#include "lathe/protocol/items.h"

namespace lathe::protocol {

/// The paths of the changes as they are shown: each change's own, then where it moves to.
/// ApplyPatchApprovalRequest::paths tells in this order where they lead.
[[nodiscard]] std::vector<std::string> written_paths(const std::vector<FileChange>& changes);

/// A path that a link takes elsewhere.
struct Detour {
  /// As shown.
  std::string path;
  std::string target;
  friend bool operator==(const Detour&, const Detour&) = default;
};
/// The paths of the question that lead elsewhere than they say, each once. None of a record that does not tell.
[[nodiscard]] std::vector<Detour> detours(const ApplyPatchApprovalRequest& question);

}  // namespace lathe::protocol
