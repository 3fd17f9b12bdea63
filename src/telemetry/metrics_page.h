#pragma once

#include <string>

#include "lathe/protocol/daemon_calls.h"
#include "lathe/storage/sync_times.h"
#include "lathe/telemetry/event_counts.h"

namespace lathe::telemetry {

/// All metrics of the process as Prometheus reads them (docs/reference/metrics.md lists them). Pure.
[[nodiscard]] std::string metrics_page(const protocol::VitalsReply& vitals, const EventCounts& counts,
                                       const storage::SyncTimes& syncs, std::string_view version);

}  // namespace lathe::telemetry
