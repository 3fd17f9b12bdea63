#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lathe/ports/session_store.h"

// Where in a session's records its Tasks began. Undo is rare, so this reads the journal instead of keeping more state.

namespace lathe::engine {

struct TaskStart {
  std::string task;
  /// Of its task_started.
  std::int64_t seq = 0;
};

/// The Task of that id, also one that was rolled back; nothing when there is none. The stream outlives the call.
[[nodiscard]] runtime::Async<base::Result<std::optional<TaskStart>>> find_task(ports::SessionStream* stream,
                                                                               std::string id);
/// The id of the first Task that began after that record; "" when there is none.
[[nodiscard]] runtime::Async<base::Result<std::string>> task_after(ports::SessionStream* stream, std::int64_t seq);
/// The sessions of the sub-agents that were spawned after that record, oldest first.
[[nodiscard]] runtime::Async<base::Result<std::vector<std::string>>> agents_after(ports::SessionStream* stream,
                                                                                  std::int64_t seq);

}  // namespace lathe::engine
