#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lathe/base/result.h"
#include "lathe/base/unique_fd.h"

// A stream is a file of records: one JSON object per line, each with a `seq` that rises from record to record near its
// start and a seal at its end (protocol/frames.h). Whatever is not so is damage and is reported with its byte place;
// only a last line without its newline is not there yet: it is being written, or was torn by a crash.

namespace lathe::storage {

/// No record is longer.
inline constexpr std::size_t kMaxRecordBytes = 64U << 20;

/// The record's seq: the number after the first `"seq":` of its first 256 bytes.
[[nodiscard]] std::optional<std::int64_t> record_seq(std::string_view line);
/// The error of bytes that are not a record, naming file and place.
[[nodiscard]] base::Error damage_error(const std::string& path, std::uint64_t offset, std::string_view what);
/// A line's seq, or the damage that it is.
[[nodiscard]] base::Result<std::int64_t> checked_seq(std::string_view line, const std::string& path,
                                                     std::uint64_t offset);

struct StreamPage {
  std::vector<std::string> lines;
  /// Byte after the last of them.
  std::uint64_t next_offset = 0;
};

/// Reads a stream while others append to it. Blocks; const members from any thread.
class StreamReader final {
 public:
  [[nodiscard]] static base::Result<StreamReader> open(const std::string& path);

  /// Whole records from the record that starts at `offset` on: at least one if there is one, then until either bound
  /// is reached. `invalid` when no record starts there, `corrupt` with the place when the first one is damaged; a page
  /// ends before damage further on.
  [[nodiscard]] base::Result<StreamPage> read(std::uint64_t offset, std::size_t max_records,
                                              std::size_t max_bytes) const;
  /// What follows the record `seq`. Where there is none: where the first record with a larger seq starts, or the end of
  /// the whole records; where damage starts that may hold that record. Reads about 20 records.
  [[nodiscard]] base::Result<std::uint64_t> offset_after(std::int64_t seq) const;
  [[nodiscard]] base::Result<std::uint64_t> size() const;
  /// At most `count` raw bytes from `offset` on; fewer at the end of the file.
  [[nodiscard]] base::Result<std::string> bytes(std::uint64_t offset, std::size_t count) const;
  /// Bytes that were read from the file so far.
  [[nodiscard]] std::uint64_t bytes_read() const { return *bytes_read_; }

 private:
  class LineCursor;
  StreamReader(base::UniqueFd fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}

  base::UniqueFd fd_;
  std::string path_;
  std::unique_ptr<std::atomic<std::uint64_t>> bytes_read_ = std::make_unique<std::atomic<std::uint64_t>>(0);
};

}  // namespace lathe::storage
