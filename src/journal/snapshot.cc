#include "lathe/journal/snapshot.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <memory>
#include <set>
#include <system_error>
#include <utility>

#include "lathe/base/hash.h"
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
constexpr std::string_view kBlockPrefix = "turns-";
constexpr std::string_view kBlockSuffix = ".txt";
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
  /// The state's bookmarks: names of the files of their full blocks, and the rest.
  std::vector<std::string> turn_blocks;
  std::string turns;
  ports::SessionState state;
  static constexpr auto fields() {
    return std::tuple{protocol::required("v", &Stored::v, "version of snapshots"),
                      protocol::required("offset", &Stored::offset, "byte after the record"),
                      protocol::required("record_crc", &Stored::record_crc, "the record's crc"),
                      protocol::optional("turn_blocks", &Stored::turn_blocks, "files of bookmarks"),
                      protocol::required("turns", &Stored::turns, "bookmarks after them"),
                      protocol::required("state", &Stored::state, "the fold up to it")};
  }
};

Error damaged(const std::string& path, std::string_view what) {
  return {.code = base::codes::kCorrupt, .message = fmt::format("{}: {}", path, what)};
}

std::string block_name(std::string_view text) {
  return fmt::format("{}{}{}", kBlockPrefix, base::hex8(base::crc32c(text)), kBlockSuffix);
}

Result<ports::Bookmarks> read_bookmarks(const std::string& folder, Stored& stored) {
  std::vector<ports::Bookmarks::Block> blocks;
  for (const std::string& name : stored.turn_blocks) {
    const std::string path = folder + "/" + name;
    TRY(std::string text, runtime::read_file(path, kMaxBytes));
    if (block_name(text) != name) return damaged(path, "its checksum does not match");
    blocks.push_back(std::make_shared<const std::string>(std::move(text)));
  }
  auto bookmarks = ports::Bookmarks::from_text(std::move(blocks), std::move(stored.turns));
  if (!bookmarks) return damaged(folder, "the Turns of a snapshot are not lines");
  return *std::move(bookmarks);
}

/// Writes the blocks that are not there as they are. Gives their names.
Result<std::vector<std::string>> write_blocks(const std::string& folder, const ports::Bookmarks& bookmarks,
                                              const storage::Disk& disk, runtime::Durability durability) {
  std::vector<std::string> names;
  for (const ports::Bookmarks::Block& block : bookmarks.blocks()) {
    const std::string& name = names.emplace_back(block_name(*block));
    const std::string path = folder + "/" + name;
    // Read, not only looked at: one that was damaged would be so for good.
    const auto there = runtime::read_file(path, ports::Bookmarks::kBlockBytes * 2);
    if (there.ok() && *there == *block) continue;
    TRY_OK(disk.replace_file(path, *block, "snapshot.turns", durability));
  }
  return names;
}

Result<void> remove_other_blocks(const std::string& folder, const std::vector<std::string>& kept,
                                 const storage::Disk& disk) {
  const std::set<std::string> named(kept.begin(), kept.end());
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(folder, ignored)) {
    const std::string name = entry.path().filename();
    if (!name.starts_with(kBlockPrefix) || !name.ends_with(kBlockSuffix) || named.contains(name)) continue;
    TRY_OK(disk.remove_file(entry.path(), "snapshot.remove"));
  }
  return {};
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
  TRY(stored.state.bookmarks, read_bookmarks(std::filesystem::path(path).parent_path(), stored));
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
  TRY(std::vector<std::string> blocks, write_blocks(folder, snapshot.state.bookmarks, disk, durability));
  const Stored stored{.offset = snapshot.offset,
                      .record_crc = snapshot.record_crc,
                      .turn_blocks = std::move(blocks),
                      .turns = snapshot.state.bookmarks.rest(),
                      .state = snapshot.state};
  std::string text;
  protocol::codec::write(text, stored);
  text.pop_back();  // the brace, which the seal brings
  text = protocol::seal(std::move(text));
  const std::string path = fmt::format("{}/{}{}{}", folder, kPrefix, snapshot.state.last_seq, kSuffix);
  TRY_OK(disk.replace_file(path, text, "snapshot", durability));
  const std::vector<SnapshotFile> files = list_snapshots(folder);
  for (std::size_t i = kKept; i < files.size(); ++i) TRY_OK(disk.remove_file(files[i].path, "snapshot.remove"));
  TRY_OK(remove_other_blocks(folder, stored.turn_blocks, disk));
  return text.size();
}

}  // namespace lathe::journal
