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

}  // namespace

Result<StreamWriter> StreamWriter::open(const std::string& path, Disk disk, runtime::Durability durability) {
  TRY(base::UniqueFd fd, runtime::open_file(path, O_RDWR | O_CREAT));
  StreamWriter writer(std::move(fd), path, disk, durability);
  TRY_OK(writer.find_end());
  return writer;
}

/// Sets size_ and last_seq_ from the tail. A record never holds a NUL, but a file system that lost power in the middle
/// of an append may leave pages of them: such a line is torn, too.
Result<void> StreamWriter::find_end() {
  struct stat status{};
  if (::fstat(fd_.get(), &status) != 0) return base::errno_error(errno, path_);
  const auto file_size = static_cast<std::uint64_t>(status.st_size);
  TRY(std::uint64_t end, line_start(fd_.get(), file_size, path_));
  std::string last;
  std::uint64_t last_start = 0;
  while (end > 0) {
    TRY(last_start, line_start(fd_.get(), end - 1, path_));
    TRY(last, read_range(fd_.get(), last_start, end - 1, path_));
    if (last.find('\0') == std::string::npos) break;
    end = last_start;
  }
  if (end > 0) {
    TRY(last_seq_, checked_seq(last, path_, last_start));
  }
  if (end < file_size) TRY_OK(cut_off(end, file_size));
  size_ = end;
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
