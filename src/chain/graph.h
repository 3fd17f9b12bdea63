#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "lathe/chain/chain.h"

// The picture of a chain. Pure: the same chain gives the same bytes. What a file says is escaped for each format.

namespace lathe::chain {

enum class TaskState : std::uint8_t { kWaiting, kRunning, kDone, kFailed };

/// How far a run is, by task; tasks that are not in it were not reached.
using LiveStates = std::map<std::string, TaskState, std::less<>>;

enum class GraphFormat : std::uint8_t { kSvg, kMermaid, kDot, kText };

/// Nothing for a word that is no format.
[[nodiscard]] std::optional<GraphFormat> graph_format(std::string_view word);

[[nodiscard]] std::string draw(const Chain& chain, GraphFormat format, const LiveStates& live = {});

}  // namespace lathe::chain
