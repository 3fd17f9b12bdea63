#include "lathe/undo/change_log.h"

#include <fmt/format.h>

#include <limits>

#include "lathe/base/json.h"
#include "lathe/base/strings.h"
#include "lathe/base/utf8.h"
#include "lathe/protocol/codec.h"
#include "lathe/protocol/frames.h"
#include "lathe/storage/stream_reader.h"

namespace lathe::undo {

using base::Json;
using base::Result;

namespace {

/// The members of a record after its type. Names are bytes; those that are not UTF-8 are kept as base64.
struct StoredChange {
  std::int64_t at = 0;
  ChangedBy by = ChangedBy::kTool;
  std::string root;
  std::string path;
  std::string path_base64;
  FileState before;
  FileState after;
  static constexpr auto fields() {
    using S = StoredChange;
    using protocol::optional;
    using protocol::required;
    return std::tuple{required("at", &S::at, "the session's last record"),
                      optional("by", &S::by, "tool, command, undo"),
                      required("root", &S::root, "working folder"),
                      optional("path", &S::path, "from there"),
                      optional("path_base64", &S::path_base64, "the same, when it is not UTF-8"),
                      required("before", &S::before, "what it was"),
                      required("after", &S::after, "what it became")};
  }
};

Result<ChangeRecord> change_from(const Json& json) {
  StoredChange stored;
  TRY_OK(protocol::codec::read(json, stored, protocol::codec::Path{nullptr, "change"}));
  if (!stored.path_base64.empty()) {
    TRY(stored.path, base::base64_decode(stored.path_base64));
  }
  return ChangeRecord{.at = stored.at,
                      .by = stored.by,
                      .root = std::move(stored.root),
                      .path = std::move(stored.path),
                      .before = std::move(stored.before),
                      .after = std::move(stored.after)};
}

}  // namespace

Result<ChangeLog> ChangeLog::open(const std::string& path, storage::Disk disk, runtime::Durability durability) {
  TRY(storage::StreamWriter writer, storage::StreamWriter::open(path, disk, durability));
  ChangeLog log(std::move(writer));
  TRY_OK(log.read(path));
  return log;
}

Result<void> ChangeLog::read(const std::string& path) {
  constexpr std::size_t kPageBytes = 4U << 20;
  TRY(const auto stream, storage::StreamReader::open(path));
  std::uint64_t offset = 0;
  while (offset < writer_.size()) {
    TRY(const storage::StreamPage page, stream.read(offset, std::numeric_limits<std::size_t>::max(), kPageBytes));
    if (page.lines.empty()) break;
    for (const std::string& line : page.lines) {
      TRY(const Json json, base::parse_json(line).within(path));
      const std::string type = base::json_string(json, "type");
      if (type == "command_begin") {
        open_command_ = OpenCommand{.at = base::json_int(json, "at"), .root = base::json_string(json, "root")};
      } else if (type == "command_end") {
        open_command_.reset();
      } else if (type == "change") {
        TRY(ChangeRecord change, change_from(json).within(path));
        changes_.push_back(std::move(change));
      }
    }
    offset = page.next_offset;
  }
  return {};
}

/// `members`: JSON text without its braces.
std::string ChangeLog::seal(std::string_view type, const std::string& members) {
  return protocol::seal(fmt::format(R"({{"v":1,"seq":{},"type":"{}",{})", ++seq_, type, members)) + "\n";
}

std::string ChangeLog::line_of(const ChangeRecord& change) {
  const bool plain = base::is_utf8(change.path);
  const StoredChange stored{.at = change.at,
                            .by = change.by,
                            .root = change.root,
                            .path = plain ? change.path : "",
                            .path_base64 = plain ? "" : base::base64(change.path),
                            .before = change.before,
                            .after = change.after};
  std::string text;
  protocol::codec::write(text, stored);
  return seal("change", text.substr(1, text.size() - 2));
}

Result<void> ChangeLog::append(const std::vector<ChangeRecord>& changes) {
  if (changes.empty()) return {};
  const std::int64_t before = seq_;
  std::string lines;
  for (const ChangeRecord& change : changes) lines += line_of(change);
  auto appended = writer_.append(lines, seq_);
  if (!appended.ok()) {
    seq_ = before;
    return appended;
  }
  changes_.insert(changes_.end(), changes.begin(), changes.end());
  return {};
}

Result<void> ChangeLog::begin_command(const OpenCommand& command) {
  std::string root;
  base::append_json_string(root, command.root);
  const std::string line = seal("command_begin", fmt::format(R"("at":{},"root":{})", command.at, root));
  auto appended = writer_.append(line, seq_);
  if (!appended.ok()) {
    --seq_;
    return appended;
  }
  open_command_ = command;
  return {};
}

Result<void> ChangeLog::end_command(const std::vector<ChangeRecord>& changes) {
  const std::int64_t before = seq_;
  std::string lines;
  for (const ChangeRecord& change : changes) lines += line_of(change);
  lines += seal("command_end", R"("done":true)");
  auto appended = writer_.append(lines, seq_);
  if (!appended.ok()) {
    seq_ = before;
    return appended;
  }
  changes_.insert(changes_.end(), changes.begin(), changes.end());
  open_command_.reset();
  return {};
}

}  // namespace lathe::undo
