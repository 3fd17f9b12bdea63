#include "lathe/storage/stream_writer.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "lathe/base/hash.h"
#include "lathe/storage/stream_reader.h"

namespace lathe::storage {

using base::Error;
using base::Result;

namespace {

Result<std::string> read_range(int fd, std::uint64_t from, std::uint64_t to, const std::string& path) {
  std::string bytes(to - from, '\0');
  std::size_t have = 0;
  while (have < bytes.size()) {
    const ssize_t got = ::pread(fd, bytes.data() + have, bytes.size() - have, static_cast<off_t>(from + have));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return base::errno_error(errno, path);
    if (got == 0) break;
    have += static_cast<std::size_t>(got);
  }
  bytes.resize(have);
  return bytes;
}

/// Where the line that holds the byte before `end` starts; reads backwards.
Result<std::uint64_t> line_start(int fd, std::uint64_t end, const std::string& path) {
  constexpr std::uint64_t kPiece = 64U << 10;
  while (end > 0) {
    const std::uint64_t from = end > kPiece ? end - kPiece : 0;
    TRY(const std::string piece, read_range(fd, from, end, path));
    const std::size_t newline = piece.rfind('\n');
    if (newline != std::string::npos) return from + newline + 1;
    end = from;
  }
  return std::uint64_t{0};
}

/// The end of a stream as its file has it.
struct Tail {
  std::uint64_t file_size = 0;
  /// Byte after the last line that is not torn.
  std::uint64_t end = 0;
  /// That line, without newline, and where it starts.
  std::string last;
  std::uint64_t last_start = 0;
};

/// A record never holds a NUL, but a file system that lost power in the middle of an append may leave pages of them:
/// such a line is torn, too.
Result<Tail> read_tail(int fd, const std::string& path) {
  struct stat status{};
  if (::fstat(fd, &status) != 0) return base::errno_error(errno, path);
  Tail tail{.file_size = static_cast<std::uint64_t>(status.st_size), .end = 0, .last = {}, .last_start = 0};
  TRY(tail.end, line_start(fd, tail.file_size, path));
  while (tail.end > 0) {
    TRY(tail.last_start, line_start(fd, tail.end - 1, path));
    TRY(tail.last, read_range(fd, tail.last_start, tail.end - 1, path));
    if (tail.last.find('\0') == std::string::npos) break;
    tail.end = tail.last_start;
  }
  return tail;
}

}  // namespace

Result<std::uint64_t> StreamWriter::tail_of(const std::string& path) {
  TRY(const base::UniqueFd fd, runtime::open_file(path, O_RDONLY));
  TRY(const Tail tail, read_tail(fd.get(), path));
  return tail.end;
}

Result<StreamWriter> StreamWriter::open(const std::string& path, Disk disk, runtime::Durability durability) {
  TRY(base::UniqueFd fd, runtime::open_file(path, O_RDWR | O_CREAT));
  StreamWriter writer(std::move(fd), path, disk, durability);
  TRY_OK(writer.find_end());
  return writer;
}

/// Sets size_ and last_seq_ from the tail.
Result<void> StreamWriter::find_end() {
  TRY(const Tail tail, read_tail(fd_.get(), path_));
  if (tail.end > 0) {
    TRY(last_seq_, checked_seq(tail.last, path_, tail.last_start));
  }
  if (tail.end < tail.file_size) TRY_OK(cut_off(tail.end, tail.file_size));
  size_ = tail.end;
  return {};
}

Result<void> StreamWriter::cut_off(std::uint64_t from, std::uint64_t file_size) {
  TRY(const std::string bytes, read_range(fd_.get(), from, file_size, path_));
  // Named by place and content, so that a crash between keeping and cutting does no harm.
  const std::string beside = path_.substr(0, path_.find_last_of('/'));
  torn_ = TornRecord{.offset = from,
                     .bytes = bytes.size(),
                     .kept_in = fmt::format("{}/torn-{}-{}", beside, from, base::hex8(base::crc32c(bytes)))};
  TRY_OK(disk_.replace_file(torn_->kept_in, bytes, "torn", durability_));
  return disk_.truncate(fd_.get(), from, "torn.truncate", path_);
}

Result<void> StreamWriter::append(std::string_view lines, std::int64_t last_seq) {
  for (std::size_t start = 0, end = 0; start < lines.size(); start = end + 1) {
    end = std::min(lines.find('\n', start), lines.size());
    if (end - start <= kMaxRecordBytes) continue;
    return Error{.code = base::codes::kLimit,
                 .message = fmt::format("a record of {} bytes is over the limit of {}", end - start, kMaxRecordBytes)};
  }
  if (unclean_) TRY_OK(take_back());
  const auto put = [&]() -> Result<void> {
    TRY_OK(disk_.write_at(fd_.get(), size_, lines, "stream.append", path_));
    if (durability_ == runtime::Durability::kPower) TRY_OK(disk_.sync(fd_.get(), "stream.sync", path_));
    return {};
  };
  if (auto done = put(); !done.ok()) {
    unclean_ = true;
    Error error = std::move(done).error();
    if (error.code == base::codes::kNoSpace) error.hint = "free some disk space and go on; nothing recorded is lost";
    if (auto undone = take_back(); !undone.ok()) error.message += "; " + undone.error().message;
    return error;
  }
  size_ += lines.size();
  last_seq_ = last_seq;
  return {};
}

Result<void> StreamWriter::take_back() {
  TRY_OK(disk_.truncate(fd_.get(), size_, "stream.truncate", path_));
  unclean_ = false;
  return {};
}

}  // namespace lathe::storage
