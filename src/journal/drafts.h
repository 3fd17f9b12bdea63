#pragma once

#include <string>
#include <vector>

#include "lathe/base/result.h"
#include "lathe/ports/session_store.h"
#include "lathe/storage/disk.h"
#include "lathe/storage/stream_reader.h"

namespace lathe::journal {

/// The text of items that are still being written, in a file beside the stream that is replaced whole. It is progress,
/// not truth: a draft whose completing record is in the stream is forgotten. One thread at a time; blocks shortly.
class Drafts final {
 public:
  /// What an earlier process left, without the items that the stream has completed since.
  [[nodiscard]] static base::Result<Drafts> load(std::string path, const storage::StreamReader& stream,
                                                 storage::Disk disk);

  /// Replaces the item's text; empty text forgets it. `last_seq`: the stream's last record.
  [[nodiscard]] base::Result<void> keep(const ports::RecoveredDraft& draft, std::int64_t last_seq);
  /// The completing record of the item was appended.
  void complete(const std::string& item, std::int64_t last_seq);
  /// Drafts of an earlier process that nothing has completed or replaced.
  [[nodiscard]] std::vector<ports::RecoveredDraft> recovered() const;

 private:
  struct Kept {
    ports::RecoveredDraft draft;
    bool recovered = false;
  };
  Drafts(std::string path, storage::Disk disk) : path_(std::move(path)), disk_(disk) {}
  base::Result<void> store(std::int64_t last_seq);

  std::string path_;
  storage::Disk disk_;
  std::vector<Kept> kept_;
};

}  // namespace lathe::journal
