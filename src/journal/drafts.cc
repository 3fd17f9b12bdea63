#include "lathe/journal/drafts.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <set>

#include "lathe/base/json.h"
#include "lathe/base/strings.h"
#include "lathe/protocol/record.h"
#include "lathe/runtime/files.h"

namespace lathe::journal {

using base::Result;
using ports::DraftKind;
using ports::RecoveredDraft;

namespace {

constexpr std::string_view kReasoning = "reasoning";
constexpr std::string_view kMessage = "message";

/// Items that records after `seq` have completed.
Result<std::set<std::string>> completed_after(const storage::StreamReader& stream, std::int64_t seq) {
  constexpr std::size_t kPageBytes = 1U << 20;
  std::set<std::string> items;
  TRY(std::uint64_t offset, stream.offset_after(seq));
  while (true) {
    TRY(const storage::StreamPage page, stream.read(offset, std::numeric_limits<std::size_t>::max(), kPageBytes));
    if (page.lines.empty()) return items;
    for (const std::string& line : page.lines) {
      TRY(const protocol::Event event, protocol::decode_record(line));
      if (const auto* message = std::get_if<protocol::AgentMessage>(&event.msg)) items.insert(message->item);
      if (const auto* reasoning = std::get_if<protocol::AgentReasoning>(&event.msg)) items.insert(reasoning->item);
    }
    offset = page.next_offset;
  }
}

}  // namespace

Result<Drafts> Drafts::load(std::string path, const storage::StreamReader& stream, storage::Disk disk) {
  Drafts drafts(std::move(path), disk);
  if (!runtime::path_exists(drafts.path_)) return drafts;
  TRY(const std::string text, runtime::read_file(drafts.path_));
  std::int64_t after = std::numeric_limits<std::int64_t>::max();
  for (const std::string_view line : base::split_lines(text)) {
    // The file is replaced whole, so a broken line means lost power; what was only progress is gone then.
    if (protocol::check_seal(line) != protocol::SealState::kGood) continue;
    TRY(const base::Json json, base::parse_json(line));
    after = std::min(after, base::json_int(json, "after"));
    RecoveredDraft draft{
        .kind = base::json_string(json, "kind") == kReasoning ? DraftKind::kReasoning : DraftKind::kMessage,
        .item = base::json_string(json, "item"),
        .text = base::json_string(json, "text")};
    drafts.kept_.push_back({.draft = std::make_shared<const RecoveredDraft>(std::move(draft)), .recovered = true});
  }
  if (drafts.kept_.empty()) return drafts;
  TRY(const std::set<std::string> completed, completed_after(stream, after));
  std::erase_if(drafts.kept_, [&](const Kept& kept) { return completed.contains(kept.draft->item); });
  return drafts;
}

bool Drafts::keep(RecoveredDraft draft) {
  if (draft.text.empty()) return forget(draft.item);
  const auto known = std::ranges::find(kept_, draft.item, [](const Kept& kept) { return kept.draft->item; });
  Kept kept{.draft = std::make_shared<const RecoveredDraft>(std::move(draft))};
  if (known != kept_.end()) {
    *known = std::move(kept);
  } else {
    kept_.push_back(std::move(kept));
  }
  return true;
}

bool Drafts::forget(const std::string& item) {
  return std::erase_if(kept_, [&](const Kept& kept) { return kept.draft->item == item; }) > 0;
}

std::size_t Drafts::text_bytes() const {
  std::size_t sum = 0;
  for (const Kept& kept : kept_) sum += kept.draft->text.size();
  return sum;
}

std::vector<RecoveredDraft> Drafts::recovered() const {
  std::vector<RecoveredDraft> drafts;
  for (const Kept& kept : kept_) {
    if (kept.recovered) drafts.push_back(*kept.draft);
  }
  return drafts;
}

Result<void> Drafts::store(std::int64_t last_seq) const {
  if (kept_.empty()) return disk_.remove_file(path_, "draft.remove");
  std::string text;
  for (const Kept& kept : kept_) {
    std::string line = fmt::format("{{\"after\":{},\"kind\":\"{}\",\"item\":", last_seq,
                                   kept.draft->kind == DraftKind::kReasoning ? kReasoning : kMessage);
    base::append_json_string(line, kept.draft->item);
    line += ",\"text\":";
    base::append_json_string(line, kept.draft->text);
    text += protocol::seal(std::move(line));
    text += '\n';
  }
  return disk_.replace_file(path_, text, "draft", runtime::Durability::kProcess);
}

}  // namespace lathe::journal
