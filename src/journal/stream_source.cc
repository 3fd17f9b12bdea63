#include "lathe/journal/stream_source.h"

#include <limits>

#include "lathe/storage/stream_reader.h"

namespace lathe::journal {

base::Result<ports::SourcePage> StreamSource::read_own(const std::string& session_id, std::uint64_t offset,
                                                       std::size_t max_bytes) const {
  TRY_OK(folders_.check(session_id));
  TRY(const storage::StreamReader stream, storage::StreamReader::open(folders_.journal(session_id)));
  TRY(storage::StreamPage page, stream.read(offset, std::numeric_limits<std::size_t>::max(), max_bytes));
  return ports::SourcePage{.lines = std::move(page.lines), .next_offset = page.next_offset};
}

base::Result<void> StreamSource::check(const std::string& session_id) const {
  TRY_OK(History(folders_).check(session_id));
  return {};
}

}  // namespace lathe::journal
