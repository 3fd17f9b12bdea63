#pragma once

#include <string>

#include "lathe/protocol/daemon_calls.h"

namespace lathe::telemetry {

/// What this process takes of the machine, and what is free where `state_dir` lies. What the system does not tell is 0.
/// Blocks for some microseconds; any thread.
[[nodiscard]] protocol::ProcessVitals read_process_vitals(const std::string& state_dir);

}  // namespace lathe::telemetry
