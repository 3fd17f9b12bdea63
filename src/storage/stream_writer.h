#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "lathe/base/result.h"
#include "lathe/base/unique_fd.h"
#include "lathe/runtime/files.h"
#include "lathe/storage/disk.h"

namespace lathe::storage {

/// A last record that a crash had torn: what was cut off, and the file that keeps it.
struct TornRecord {
  std::uint64_t offset = 0;
  std::uint64_t bytes = 0;
  std::string kept_in;
};

/// Appends to a stream. Its owner holds the stream's lock. One thread at a time; blocks.
///
/// The file is at any moment: whole records, then nothing, or the beginning of one append. A failed append is taken
/// back at once; if that fails too, before the next append.
class StreamWriter final {
 public:
  /// Looks at the tail only. A torn last record is cut off and kept beside the stream; a last record that is whole but
  /// damaged is `corrupt`. A stream that is not there is created.
  [[nodiscard]] static base::Result<StreamWriter> open(const std::string& path, Disk disk,
                                                       runtime::Durability durability);

  /// Where open() would cut a torn tail off, or the end of the file. Only looks.
  [[nodiscard]] static base::Result<std::uint64_t> tail_of(const std::string& path);

  /// Whole lines with their newlines, in one write; with durability `power` also to the medium. On an error nothing of
  /// them is in the stream, and a later append works again when its cause is gone.
  [[nodiscard]] base::Result<void> append(std::string_view lines, std::int64_t last_seq);

  /// Length of the whole records.
  [[nodiscard]] std::uint64_t size() const { return size_; }
  /// seq of the last record; 0 in an empty stream.
  [[nodiscard]] std::int64_t last_seq() const { return last_seq_; }
  [[nodiscard]] const std::optional<TornRecord>& torn() const { return torn_; }

 private:
  StreamWriter(base::UniqueFd fd, std::string path, Disk disk, runtime::Durability durability)
      : fd_(std::move(fd)), path_(std::move(path)), disk_(disk), durability_(durability) {}
  base::Result<void> find_end();
  base::Result<void> cut_off(std::uint64_t from, std::uint64_t file_size);
  base::Result<void> take_back();

  base::UniqueFd fd_;
  std::string path_;
  Disk disk_;
  runtime::Durability durability_;
  std::uint64_t size_ = 0;
  std::int64_t last_seq_ = 0;
  std::optional<TornRecord> torn_;
  /// Bytes after size_ that a failed append left.
  bool unclean_ = false;
};

}  // namespace lathe::storage
