#include "lathe/journal/stream_source.h"

#include <limits>

#include "lathe/journal/recorded.h"
#include "lathe/storage/stream_reader.h"

namespace lathe::journal {

base::Result<ports::SourcePage> StreamSource::read_own(const std::string& session_id, std::uint64_t offset,
                                                       std::size_t max_bytes) const {
  if (auto there = folders_.check(session_id); !there.ok()) {
    // What is no id names no session; `invalid` is about the offset here.
    base::Error error = std::move(there).error();
    error.code = base::codes::kNotFound;
    return error;
  }
  const StreamPlace recorded{.bytes = recorded_of(folders_, session_id).bytes, .seq = 0};
  TRY(const storage::StreamReader stream, History(folders_).open_stream(session_id));
  TRY(storage::StreamPage page, stream.read(offset, std::numeric_limits<std::size_t>::max(), max_bytes));
  const StreamPlace end{.bytes = offset, .seq = 0};
  if (offset > 0 && page.lines.empty()) TRY_OK(check_end(recorded, folders_.journal(session_id), end));
  return ports::SourcePage{.lines = std::move(page.lines), .next_offset = page.next_offset};
}

/// Its holder notes the length when it closes the stream; after one that died the first to read it does.
base::Result<void> StreamSource::followed(const std::string& session_id, std::uint64_t offset) {
  if (offset > 0 && !folders_.held(session_id)) note_recorded(folders_, session_id, offset);
  return marks_.followed(session_id, offset);
}

base::Result<void> StreamSource::check_had(const std::string& session_id, std::uint64_t bytes) {
  const StreamPlace had{.bytes = bytes, .seq = 0};
  const StreamPlace has{.bytes = folders_.stream_bytes(session_id).value_or(0), .seq = 0};
  auto there = check_end(had, folders_.journal(session_id), has);
  if (!there.ok()) note_recorded(folders_, session_id, bytes);
  return there;
}

base::Result<void> StreamSource::check(const std::string& session_id) const {
  TRY_OK(History(folders_).check(session_id));
  return {};
}

}  // namespace lathe::journal
