#include "lathe/journal/record.h"

#include <algorithm>

namespace lathe::journal {

using base::Json;
using base::Result;
using protocol::Event;

std::span<const Upcaster> upcasters() { return {}; }

Result<Event> decode_record(std::string_view line, std::span<const Upcaster> lifts) {
  Result<Event> event = protocol::decode_event(line);
  if (event.ok() || lifts.empty() || event.error().code != base::codes::kUnsupported) return event;
  TRY(Json record, base::parse_json(line));
  for (std::int64_t version = base::json_int(record, "v"); version < protocol::kRecordVersion; ++version) {
    const auto lift = std::ranges::find(lifts, version, &Upcaster::from);
    if (lift == lifts.end()) return event;
    TRY_OK(lift->lift(record));
    record["v"] = version + 1;
  }
  return protocol::decode_event(base::dump_json(record));
}

}  // namespace lathe::journal
