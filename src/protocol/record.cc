#include "lathe/protocol/record.h"

#include <algorithm>

namespace lathe::protocol {

using base::Json;
using base::Result;

std::span<const Upcaster> upcasters() { return {}; }

Result<Event> decode_record(std::string_view line, std::span<const Upcaster> lifts) {
  Result<Event> event = decode_event(line);
  if (event.ok() || lifts.empty() || event.error().code != base::codes::kUnsupported) return event;
  TRY(Json record, base::parse_json(line));
  for (std::int64_t version = base::json_int(record, "v"); version < kRecordVersion; ++version) {
    const auto lift = std::ranges::find(lifts, version, &Upcaster::from);
    if (lift == lifts.end()) return event;
    TRY_OK(lift->lift(record));
    record["v"] = version + 1;
  }
  return decode_event(base::dump_json(record));
}

}  // namespace lathe::protocol
