#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "lathe/base/result.h"
#include "lathe/ports/session_store.h"
#include "lathe/storage/disk.h"
#include "lathe/storage/stream_reader.h"

namespace lathe::journal {

/// The text of items that are still being written, in a file beside the stream that is replaced whole. It is progress,
/// not truth: a draft whose completing record is in the stream is forgotten.
///
/// A value that shares its texts with its copies, so that a copy can be stored on another thread. Copies are stored one
/// after the other.
class Drafts final {
 public:
  /// What an earlier process left, without the items that the stream has completed since.
  [[nodiscard]] static base::Result<Drafts> load(std::string path, const storage::StreamReader& stream,
                                                 storage::Disk disk);

  /// Replaces the item's text; empty text forgets it. Whether that changes anything.
  bool keep(ports::RecoveredDraft draft);
  /// Whether there was one of that item.
  bool forget(const std::string& item);
  /// Writes them. Blocks. `last_seq`: the stream's last record.
  [[nodiscard]] base::Result<void> store(std::int64_t last_seq) const;
  [[nodiscard]] std::size_t text_bytes() const;
  /// Drafts of an earlier process that nothing has completed or replaced.
  [[nodiscard]] std::vector<ports::RecoveredDraft> recovered() const;

 private:
  struct Kept {
    std::shared_ptr<const ports::RecoveredDraft> draft;  // shared with copies
    bool recovered = false;
  };
  Drafts(std::string path, storage::Disk disk) : path_(std::move(path)), disk_(disk) {}

  std::string path_;
  storage::Disk disk_;
  std::vector<Kept> kept_;
};

}  // namespace lathe::journal
