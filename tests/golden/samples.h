#pragma once

#include <string>
#include <vector>

#include "lathe/protocol/frames.h"

namespace lathe::golden {

// One realistic frame for every op, event, call and reply, and an ack and an error. Each stands as one line in
// tests/golden/frames/<kind>.<type>.json.

[[nodiscard]] std::vector<protocol::ClientFrame> op_samples();
[[nodiscard]] std::vector<protocol::ClientFrame> call_samples();
[[nodiscard]] std::vector<protocol::ServerFrame> event_samples();
[[nodiscard]] std::vector<protocol::ServerFrame> answer_samples();

inline constexpr const char* kSession = "01935a6e-7c00-7abc-8def-0123456789ab";
inline constexpr const char* kParent = "01935a6e-0000-7abc-8def-0123456789ab";
inline constexpr const char* kTask = "01935a6e-7c10-7abc-8def-0123456789ab";

}  // namespace lathe::golden
