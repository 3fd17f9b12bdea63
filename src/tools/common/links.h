#pragma once

#include <string>
#include <string_view>

#include "lathe/ports/tool.h"
#include "lathe/runtime/async.h"
#include "lathe/runtime/pool.h"
#include "lathe/tools/common/workspace.h"

// Rules are about the file that is opened, whatever links lead to it. So a tool resolves its path before the gate,
// tells the gate where it leads, and reads or changes exactly that: a link that is put there meanwhile is refused
// (workspace.h).

namespace lathe::tools::common {

enum class LastName {
  kFollowed,
  /// A link at the end of the path is what is meant.
  kItself,
};

/// The place with `real` set, also where a link leads to what is not there (yet). Blocks.
[[nodiscard]] Place with_links_resolved(Place place, LastName last = LastName::kFollowed);
/// Where the place leads, as the gate is told of it: named from `cwd` on where it lies in that folder, whatever links
/// lead to `cwd` itself. Blocks.
[[nodiscard]] std::string gate_path(const Place& place, const std::string& cwd);

/// Whether it leads out of the working folder, which the gate decides about. Until then nothing of it is told, also not
/// whether there is anything (ports::Action::withheld). Blocks.
[[nodiscard]] bool leads_out(const Place& place, const std::string& cwd);

/// `invalid` when the path ends at a link: to delete or move that name would not be about the file that was read.
/// Blocks.
[[nodiscard]] base::Result<void> refuse_link(const Place& place, std::string_view tool);

/// A call that reads a place, ready for the gate.
struct Reading {
  Place place;
  ports::Action action;
};
[[nodiscard]] runtime::Async<Reading> reading_of(runtime::Pool* pool, protocol::ToolCall call, Place place,
                                                 std::string cwd, LastName last = LastName::kFollowed);

}  // namespace lathe::tools::common
