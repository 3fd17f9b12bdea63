#pragma once

#include <span>
#include <string_view>

#include "lathe/base/json.h"
#include "lathe/base/result.h"
#include "lathe/protocol/frames.h"

namespace lathe::protocol {

/// Lifts a record of version `from` to `from` + 1, in place; `v` is counted up by the caller.
struct Upcaster {
  int from;
  base::Result<void> (*lift)(base::Json& record);
};

/// Upcasters for every version before kRecordVersion, oldest first. Version 1 is the first there is, so
/// there are none; each one that comes brings golden files of the records it lifts (tests/golden/records).
[[nodiscard]] std::span<const Upcaster> upcasters();

/// A record of this or any earlier version. A version or an event type of a newer Lathe is `unsupported`, never
/// skipped. Whoever reads a stream decodes with this; the crc is not checked here.
[[nodiscard]] base::Result<Event> decode_record(std::string_view line, std::span<const Upcaster> lifts = upcasters());

}  // namespace lathe::protocol
