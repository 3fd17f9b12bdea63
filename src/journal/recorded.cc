#include "lathe/journal/recorded.h"

#include <fmt/format.h>

#include <charconv>

#include "lathe/journal/snapshot.h"
#include "lathe/runtime/files.h"
#include "lathe/storage/stream_reader.h"

namespace lathe::journal {

using base::Error;
using base::Result;

std::uint64_t noted_number(const std::string& path) {
  constexpr std::size_t kMaxBytes = 64;
  const auto text = runtime::read_file(path, kMaxBytes);
  std::uint64_t number = 0;
  if (text.ok()) std::from_chars(text->data(), text->data() + text->size(), number);
  return number;
}

StreamPlace recorded_of(const SessionFolders& folders, const std::string& session_id) {
  StreamPlace recorded{.bytes = noted_number(folders.recorded(session_id)), .seq = 0};
  const auto snapshots = list_snapshots(folders.folder(session_id));
  if (!snapshots.empty()) recorded.seq = snapshots.front().seq;
  return recorded;
}

void note_recorded(const SessionFolders& folders, const std::string& session_id, std::uint64_t bytes) {
  const std::string path = folders.recorded(session_id);
  if (bytes <= noted_number(path)) return;
  (void)folders.disk().replace_file(path, fmt::format("{}\n", bytes), "recorded", runtime::Durability::kProcess);
}

Result<void> check_end(const StreamPlace& recorded, const std::string& path, const StreamPlace& end) {
  if (end.bytes < recorded.bytes) {
    return storage::damage_error(path, end.bytes, fmt::format("its end is missing, it had {} bytes", recorded.bytes));
  }
  if (end.seq < recorded.seq) {
    return storage::damage_error(path, end.bytes, fmt::format("its end is missing, it had record {}", recorded.seq));
  }
  return {};
}

Error no_records(const SessionFolders& folders, const std::string& session_id) {
  const std::string path = folders.journal(session_id);
  Error error = runtime::path_exists(path)
                    ? storage::damage_error(path, 0, "not one whole record is left of it")
                    : Error{.code = base::codes::kCorrupt, .message = path + ": the file is missing"};
  error.hint = "bring the file back from a backup, or give the session up: lathe session rm " + session_id;
  return error;
}

}  // namespace lathe::journal
