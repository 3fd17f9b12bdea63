#include "lathe/storage/stream_reader.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>

#include "lathe/protocol/frames.h"
#include "lathe/runtime/files.h"

namespace lathe::storage {

using base::Error;
using base::Result;

std::optional<std::int64_t> record_seq(std::string_view line) {
  constexpr std::string_view kKey = "\"seq\":";
  const std::size_t key = line.substr(0, 256).find(kKey);
  if (key == std::string_view::npos) return std::nullopt;
  const std::string_view digits = line.substr(key + kKey.size(), 20);
  std::int64_t value = 0;
  const auto [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (failed != std::errc{} || end == digits.data()) return std::nullopt;
  return value;
}

Error damage_error(const std::string& path, std::uint64_t offset, std::string_view what) {
  return {.code = base::codes::kCorrupt,
          .message = fmt::format("{}: damaged at byte {}: {}", path, offset, what),
          .hint = "the records before that place are whole; bring the file back from a backup to have the rest"};
}

Result<std::int64_t> checked_seq(std::string_view line, const std::string& path, std::uint64_t offset) {
  switch (protocol::check_seal(line)) {
    case protocol::SealState::kGood:
      break;
    case protocol::SealState::kMissing:
      return damage_error(path, offset, "a line without a seal");
    case protocol::SealState::kBroken:
      return damage_error(path, offset, "the record's checksum does not match");
  }
  const auto seq = record_seq(line);
  if (!seq) return damage_error(path, offset, "a record without seq");
  return *seq;
}

/// Walks over whole lines from an offset on, reading ahead in pieces.
class StreamReader::LineCursor {
 public:
  LineCursor(const StreamReader& reader, std::uint64_t offset, std::size_t piece)
      : reader_(reader), buffer_start_(offset), piece_(piece) {}

  /// The next line without its newline; nothing at the end or before an unfinished line. Valid until the next call.
  Result<std::optional<std::string_view>> next() {
    at_ = next_;
    std::size_t searched = at_;
    while (true) {
      const std::size_t newline = buffer_.find('\n', searched);
      if (newline != std::string::npos) {
        next_ = newline + 1;
        return std::optional(std::string_view(buffer_).substr(at_, newline - at_));
      }
      buffer_.erase(0, at_);
      buffer_start_ += at_;
      next_ = at_ = 0;
      searched = buffer_.size();
      if (buffer_.size() > kMaxRecordBytes) {
        return damage_error(reader_.path_, buffer_start_, "a line longer than any record");
      }
      TRY(const bool more, fill());
      if (!more) return std::optional<std::string_view>();
    }
  }
  /// Where the line that next() gave starts, and where the one after it does.
  [[nodiscard]] std::uint64_t line_offset() const { return buffer_start_ + at_; }
  [[nodiscard]] std::uint64_t end_offset() const { return buffer_start_ + next_; }

 private:
  Result<bool> fill() {
    const std::size_t had = buffer_.size();
    buffer_.resize(had + piece_);
    ssize_t got = 0;
    do {
      got = ::pread(reader_.fd_.get(), buffer_.data() + had, piece_, static_cast<off_t>(buffer_start_ + had));
    } while (got < 0 && errno == EINTR);
    const int failed = errno;
    buffer_.resize(had + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    if (got < 0) return base::errno_error(failed, reader_.path_);
    *reader_.bytes_read_ += static_cast<std::uint64_t>(got);
    piece_ = std::min<std::size_t>(piece_ * 2, 1U << 20);
    return got > 0;
  }

  const StreamReader& reader_;
  std::string buffer_;
  std::uint64_t buffer_start_;
  std::size_t at_ = 0;
  std::size_t next_ = 0;
  std::size_t piece_;
};

Result<StreamReader> StreamReader::open(const std::string& path) {
  TRY(base::UniqueFd fd, runtime::open_file(path, O_RDONLY));
  return StreamReader(std::move(fd), path);
}

Result<std::uint64_t> StreamReader::size() const {
  struct stat status{};
  if (::fstat(fd_.get(), &status) != 0) return base::errno_error(errno, path_);
  return static_cast<std::uint64_t>(status.st_size);
}

Result<std::string> StreamReader::bytes(std::uint64_t offset, std::size_t count) const {
  std::string out(count, '\0');
  const ssize_t got = ::pread(fd_.get(), out.data(), count, static_cast<off_t>(offset));
  if (got < 0) return base::errno_error(errno, path_);
  out.resize(static_cast<std::size_t>(got));
  *bytes_read_ += out.size();
  return out;
}

Result<StreamPage> StreamReader::read(std::uint64_t offset, std::size_t max_records, std::size_t max_bytes) const {
  StreamPage page{.lines = {}, .next_offset = offset};
  if (offset > 0) {
    TRY(const std::string before, bytes(offset - 1, 1));
    if (before != "\n") {
      return Error{.code = base::codes::kInvalid,
                   .message = fmt::format("{}: no record starts at byte {}", path_, offset)};
    }
  }
  LineCursor cursor(*this, offset, 64U << 10);
  std::int64_t last_seq = -1;
  while (page.lines.size() < max_records && (page.lines.empty() || page.next_offset - offset < max_bytes)) {
    const Result<std::optional<std::string_view>> line = cursor.next();
    if (line.ok() && !*line) break;
    Result<std::int64_t> seq = line.ok() ? checked_seq(**line, path_, cursor.line_offset()) : line.error();
    if (seq.ok() && *seq <= last_seq) seq = damage_error(path_, cursor.line_offset(), "seq does not rise");
    if (!seq.ok()) {
      // What is whole is given first; whoever reads on meets the damage then.
      if (page.lines.empty()) return std::move(seq).error();
      break;
    }
    last_seq = *seq;
    page.lines.emplace_back(**line);
    page.next_offset = cursor.end_offset();
  }
  return page;
}

Result<std::uint64_t> StreamReader::offset_after(std::int64_t seq) const {
  constexpr std::uint64_t kFew = 16U << 10;
  TRY(std::uint64_t high, size());
  std::uint64_t low = 0;
  // Every whole record before `low` has a smaller seq; every one that starts at or after `high` none that is smaller.
  // A record that starts before `high` may end behind it.
  while (low < high && high - low > kFew) {
    const std::uint64_t middle = low + (high - low) / 2;
    LineCursor cursor(*this, middle - 1, 4U << 10);
    TRY(auto line, cursor.next());  // the rest of one
    std::optional<std::int64_t> found;
    while (line && !found) {
      TRY(line, cursor.next());
      if (!line || cursor.line_offset() >= high) break;
      // Of a damaged record nothing is known; the next one tells.
      const auto whole = checked_seq(*line, path_, cursor.line_offset());
      if (whole.ok()) found = *whole;
    }
    if (found && *found < seq) {
      low = cursor.end_offset();
    } else {
      high = middle;
    }
  }
  LineCursor cursor(*this, low, 4U << 10);
  // Where damage starts that may be the record looked for; reading on from there tells of it.
  std::optional<std::uint64_t> damage;
  while (true) {
    TRY(const auto line, cursor.next());
    if (!line) return damage.value_or(cursor.line_offset());
    const auto found = checked_seq(*line, path_, cursor.line_offset());
    if (!found.ok()) {
      damage = damage.value_or(cursor.line_offset());
    } else if (*found == seq) {
      return cursor.end_offset();  // what comes next is to be read, whatever it is: a record may be there twice
    } else if (*found < seq) {
      damage.reset();
    } else {
      return damage && *found > seq + 1 ? *damage : cursor.line_offset();
    }
  }
}

}  // namespace lathe::storage
