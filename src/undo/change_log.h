#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "lathe/base/result.h"
#include "lathe/runtime/files.h"
#include "lathe/storage/disk.h"
#include "lathe/storage/stream_writer.h"
#include "lathe/undo/file_state.h"

namespace lathe::undo {

enum class ChangedBy { kTool, kCommand, kUndo };
constexpr auto enum_names(ChangedBy) {
  using protocol::EnumName;
  return std::array{EnumName{ChangedBy::kTool, "tool"}, EnumName{ChangedBy::kCommand, "command"},
                    EnumName{ChangedBy::kUndo, "undo"}};
}

/// One path that a Task, or an undo, changed. A tool's record stands before the change is made, a command's after.
struct ChangeRecord {
  /// The session's last record at that time.
  std::int64_t at = 0;
  ChangedBy by = ChangedBy::kTool;
  std::string root;
  std::string path;
  FileState before;
  FileState after;
  friend bool operator==(const ChangeRecord&, const ChangeRecord&) = default;
};

/// A command that has begun and not ended: it, or Lathe, died in the middle.
struct OpenCommand {
  std::int64_t at = 0;
  std::string root;
  friend bool operator==(const OpenCommand&, const OpenCommand&) = default;
};

/// What a session's Tasks changed, as a sealed stream beside its journal. The owner of the session's lock holds it. One
/// thread at a time; blocks.
class ChangeLog final {
 public:
  /// Reads it whole; a torn last record is cut off. `corrupt` names the place.
  [[nodiscard]] static base::Result<ChangeLog> open(const std::string& path, storage::Disk disk,
                                                    runtime::Durability durability);

  /// In one write: all of them or none.
  [[nodiscard]] base::Result<void> append(const std::vector<ChangeRecord>& changes);
  [[nodiscard]] base::Result<void> begin_command(const OpenCommand& command);
  /// With what the command changed.
  [[nodiscard]] base::Result<void> end_command(const std::vector<ChangeRecord>& changes);

  [[nodiscard]] const std::vector<ChangeRecord>& changes() const { return changes_; }
  [[nodiscard]] const std::optional<OpenCommand>& open_command() const { return open_command_; }

 private:
  explicit ChangeLog(storage::StreamWriter writer) : writer_(std::move(writer)), seq_(writer_.last_seq()) {}
  base::Result<void> read(const std::string& path);
  std::string line_of(const ChangeRecord& change);
  std::string seal(std::string_view type, const std::string& members);

  storage::StreamWriter writer_;
  std::int64_t seq_;
  std::vector<ChangeRecord> changes_;
  std::optional<OpenCommand> open_command_;
};

}  // namespace lathe::undo
