#include "lathe/journal/snapshot.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <optional>
#include <system_error>

#include "lathe/protocol/codec.h"
#include "lathe/protocol/frames.h"

// Compiled in frames.cc: no other type has as many parts.
extern template void lathe::protocol::codec::write(std::string&, const lathe::protocol::EventMsg&);
extern template lathe::base::Result<void> lathe::protocol::codec::read(const lathe::base::Json&,
                                                                       lathe::protocol::EventMsg&,
                                                                       const lathe::protocol::codec::Path&);

namespace lathe::journal {

using base::Error;
using base::Result;

namespace {

constexpr std::string_view kPrefix = "snapshot-";
constexpr std::string_view kSuffix = ".json";
constexpr std::size_t kKept = 2;
constexpr std::size_t kMaxBytes = 1U << 30;
/// `"}` and a newline close a record after its eight digits.
constexpr std::size_t kCrcDigits = 8;
constexpr std::size_t kAfterCrc = 2;

/// What stands in the file, before the seal.
struct Stored {
  std::int64_t v = kSnapshotVersion;
  std::uint64_t offset = 0;
  std::string record_crc;
  /// The state's, one line `response_id seq` each: a long session has hundreds of thousands, and reading each as a JSON
  /// object was nearly all of the time that a resume took.
  std::string bookmarks;
  ports::SessionState state;
  static constexpr auto fields() {
    return std::tuple{protocol::required("v", &Stored::v, "version of snapshots"),
                      protocol::required("offset", &Stored::offset, "byte after the record"),
                      protocol::required("record_crc", &Stored::record_crc, "the record's crc"),
                      protocol::required("bookmarks", &Stored::bookmarks, "Turns"),
                      protocol::required("state", &Stored::state, "the fold up to it")};
  }
};

Error damaged(const std::string& path, std::string_view what) {
  return {.code = base::codes::kCorrupt, .message = fmt::format("{}: {}", path, what)};
}

std::string to_lines(const std::vector<ports::Bookmark>& bookmarks) {
  std::string lines;
  for (const ports::Bookmark& bookmark : bookmarks) {
    lines += bookmark.response_id;
    lines += ' ';
    lines += std::to_string(bookmark.seq);
    lines += '\n';
  }
  return lines;
}

/// Nothing when a line is no bookmark.
std::optional<std::vector<ports::Bookmark>> from_lines(std::string_view lines) {
  std::vector<ports::Bookmark> bookmarks;
  while (!lines.empty()) {
    const std::size_t end = lines.find('\n');
    const std::size_t space = lines.substr(0, end).rfind(' ');
    if (end == std::string_view::npos || space == std::string_view::npos) return std::nullopt;
    ports::Bookmark bookmark{.response_id = std::string(lines.substr(0, space))};
    const char* last = lines.data() + end;
    const auto parsed = std::from_chars(lines.data() + space + 1, last, bookmark.seq);
    if (parsed.ec != std::errc{} || parsed.ptr != last) return std::nullopt;
    bookmarks.push_back(std::move(bookmark));
    lines.remove_prefix(end + 1);
  }
  return bookmarks;
}

}  // namespace

std::vector<SnapshotFile> list_snapshots(const std::string& folder) {
  std::vector<SnapshotFile> files;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(folder, ignored)) {
    const std::string name = entry.path().filename();
    if (!name.starts_with(kPrefix) || !name.ends_with(kSuffix)) continue;
    SnapshotFile file{.seq = 0, .path = entry.path()};
    const char* end = name.data() + name.size() - kSuffix.size();
    const auto parsed = std::from_chars(name.data() + kPrefix.size(), end, file.seq);
    if (parsed.ec == std::errc{} && parsed.ptr == end) files.push_back(std::move(file));
  }
  std::ranges::sort(files, std::ranges::greater{}, &SnapshotFile::seq);
  return files;
}

Result<Snapshot> read_snapshot(const std::string& path) {
  TRY(const std::string text, runtime::read_file(path, kMaxBytes));
  if (protocol::check_seal(text) != protocol::SealState::kGood) return damaged(path, "its checksum does not match");
  TRY(const base::Json json, base::parse_json(text, {.max_bytes = kMaxBytes}).within(path));
  if (base::json_int(json, "v") != kSnapshotVersion) {
    return Error{.code = base::codes::kUnsupported, .message = path + ": made by another version of Lathe"};
  }
  Stored stored;
  TRY_OK(protocol::codec::read(json, stored, protocol::codec::Path{nullptr, "snapshot"}).within(path));
  auto bookmarks = from_lines(stored.bookmarks);
  if (!bookmarks) return damaged(path, "a line of its bookmarks cannot be read");
  stored.state.bookmarks = *std::move(bookmarks);
  return Snapshot{
      .offset = stored.offset, .record_crc = std::move(stored.record_crc), .state = std::move(stored.state)};
}

std::string_view crc_of(std::string_view line) {
  if (line.size() < kCrcDigits + kAfterCrc) return {};
  return line.substr(line.size() - kCrcDigits - kAfterCrc, kCrcDigits);
}

Result<void> check_snapshot(const Snapshot& snapshot, const storage::StreamReader& stream) {
  constexpr std::uint64_t kTail = kCrcDigits + kAfterCrc + 1;
  if (snapshot.offset >= kTail) {
    TRY(const std::string tail, stream.bytes(snapshot.offset - kTail, kTail));
    if (tail.ends_with('\n') && crc_of(std::string_view(tail).substr(0, tail.size() - 1)) == snapshot.record_crc) {
      return {};
    }
  }
  return Error{.code = base::codes::kCorrupt,
               .message = fmt::format("the snapshot at record {} is not of this stream", snapshot.state.last_seq)};
}

Result<std::uint64_t> write_snapshot(const std::string& folder, const Snapshot& snapshot, const storage::Disk& disk,
                                     runtime::Durability durability) {
  Stored stored{.offset = snapshot.offset,
                .record_crc = snapshot.record_crc,
                .bookmarks = to_lines(snapshot.state.bookmarks),
                .state = snapshot.state};
  stored.state.bookmarks.clear();
  std::string text;
  protocol::codec::write(text, stored);
  text.pop_back();  // the brace, which the seal brings
  text = protocol::seal(std::move(text));
  const std::string path = fmt::format("{}/{}{}{}", folder, kPrefix, snapshot.state.last_seq, kSuffix);
  TRY_OK(disk.replace_file(path, text, "snapshot", durability));
  const std::vector<SnapshotFile> files = list_snapshots(folder);
  for (std::size_t i = kKept; i < files.size(); ++i) TRY_OK(disk.remove_file(files[i].path, "snapshot.remove"));
  return text.size();
}

}  // namespace lathe::journal
