#include "lathe/agent/context.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "lathe/base/check.h"
#include "lathe/base/json.h"

namespace lathe::agent {
namespace {

using ports::AgentEntry;
using ports::CallEntry;
using ports::ModelItem;
using ports::PlacedEntry;
using ports::ReasoningEntry;
using ports::SummaryEntry;
using ports::UserEntry;

/// What an image costs about, whatever its size: providers scale them down.
constexpr std::int64_t kImageTokens = 1'600;
/// Roles, quotes and separators of one item.
constexpr std::int64_t kItemTokens = 4;

const CallEntry* call_of(const PlacedEntry& placed) { return std::get_if<CallEntry>(&placed.entry); }

bool same_answer(const PlacedEntry& a, const PlacedEntry& b) { return a.turn == b.turn && a.seq == b.seq; }

std::variant<ports::ModelImage, std::string> find_image(const protocol::ImagePart& part, const ImageSet& images) {
  if (part.blob.empty()) return ports::ModelImage{part.media_type, {}, part.image_url};
  const auto found = images.find(part.blob);
  CHECK_REQUEST(found != images.end());
  if (const auto* image = std::get_if<ports::ModelImage>(&found->second)) {
    return ports::ModelImage{part.media_type, image->base64, {}};
  }
  return found->second;
}

std::string absent_image(const std::string& why) { return "[image left out: " + why + "]"; }

void add_user(std::vector<ModelItem>& items, const UserEntry& entry, const ImageSet& images) {
  ports::UserInputItem item;
  for (const protocol::ContentPart& part : entry.content) {
    if (const auto* text = std::get_if<protocol::TextPart>(&part)) {
      if (!text->text.empty()) item.parts.emplace_back(ports::ModelText{text->text});
      continue;
    }
    auto found = find_image(std::get<protocol::ImagePart>(part), images);
    if (auto* image = std::get_if<ports::ModelImage>(&found)) {
      item.parts.emplace_back(std::move(*image));
    } else {
      item.parts.emplace_back(ports::ModelText{absent_image(std::get<std::string>(found))});
    }
  }
  if (!item.parts.empty()) items.emplace_back(std::move(item));
}

ports::ToolResultItem result_of(const CallEntry& entry, const ImageSet& images) {
  CHECK_REQUEST(entry.outcome.has_value());
  ports::ToolResultItem item{.call_id = entry.call.call_id,
                             .tool = entry.call.tool,
                             .output = entry.outcome->output,
                             .failed = entry.outcome->status != protocol::CallStatus::kCompleted};
  for (const protocol::ContentPart& part : entry.outcome->images) {
    const auto* image_part = std::get_if<protocol::ImagePart>(&part);
    if (image_part == nullptr) continue;
    auto found = find_image(*image_part, images);
    if (auto* image = std::get_if<ports::ModelImage>(&found)) {
      item.images.push_back(std::move(*image));
    } else {
      item.output += "\n" + absent_image(std::get<std::string>(found));
    }
  }
  return item;
}

/// Reasoning belongs to what it led to; some wires refuse it alone.
bool led_to_something(std::span<const PlacedEntry> entries, std::size_t reasoning) {
  std::size_t next = reasoning;
  while (next < entries.size() && std::holds_alternative<ReasoningEntry>(entries[next].entry)) ++next;
  if (next == entries.size()) return false;
  const auto* agent = std::get_if<AgentEntry>(&entries[next].entry);
  return call_of(entries[next]) != nullptr || (agent != nullptr && !agent->text.empty());
}

void add_other(std::vector<ModelItem>& items, std::span<const PlacedEntry> entries, std::size_t at,
               const ImageSet& images) {
  const ports::Entry& entry = entries[at].entry;
  if (const auto* user = std::get_if<UserEntry>(&entry)) {
    add_user(items, *user, images);
  } else if (const auto* agent = std::get_if<AgentEntry>(&entry)) {
    if (agent->text.empty()) return;
    items.emplace_back(ports::AssistantTextItem{agent->incomplete ? agent->text + "\n\n[cut off here]" : agent->text});
  } else if (const auto* reasoning = std::get_if<ReasoningEntry>(&entry)) {
    if (reasoning->incomplete || !led_to_something(entries, at)) return;
    items.emplace_back(ports::AssistantReasoningItem{reasoning->text, reasoning->provider, reasoning->opaque});
  } else if (const auto* summary = std::get_if<SummaryEntry>(&entry)) {
    ports::UserInputItem item;
    item.parts.emplace_back(ports::ModelText{
        "The conversation before this point was too long to keep. This summary stands for it:\n\n" + summary->text});
    items.emplace_back(std::move(item));
  }
}

void collect_blobs(std::set<std::string>& blobs, const std::vector<protocol::ContentPart>& parts) {
  for (const protocol::ContentPart& part : parts) {
    const auto* image = std::get_if<protocol::ImagePart>(&part);
    if (image != nullptr && !image->blob.empty()) blobs.insert(image->blob);
  }
}

std::int64_t estimate_parts(const std::vector<protocol::ContentPart>& parts) {
  std::int64_t tokens = 0;
  for (const protocol::ContentPart& part : parts) {
    const auto* text = std::get_if<protocol::TextPart>(&part);
    tokens += text != nullptr ? estimate_tokens(text->text) : kImageTokens;
  }
  return tokens;
}

std::int64_t estimate_result(const CallEntry& entry) {
  if (!entry.outcome) return 0;
  return kItemTokens + estimate_tokens(entry.outcome->output) + estimate_parts(entry.outcome->images);
}

}  // namespace

std::set<std::string> image_blobs(std::span<const PlacedEntry> entries) {
  std::set<std::string> blobs;
  for (const PlacedEntry& placed : entries) {
    if (const auto* user = std::get_if<UserEntry>(&placed.entry)) collect_blobs(blobs, user->content);
    const CallEntry* call = call_of(placed);
    if (call != nullptr && call->outcome) collect_blobs(blobs, call->outcome->images);
  }
  return blobs;
}

std::vector<ModelItem> build_items(std::span<const PlacedEntry> entries, const ImageSet& images) {
  std::vector<ModelItem> items;
  for (std::size_t at = 0; at < entries.size();) {
    if (call_of(entries[at]) == nullptr) {
      add_other(items, entries, at++, images);
      continue;
    }
    std::size_t end = at;
    while (end < entries.size() && call_of(entries[end]) != nullptr && same_answer(entries[at], entries[end])) ++end;
    for (std::size_t i = at; i < end; ++i) items.emplace_back(ports::AssistantCallItem{call_of(entries[i])->call});
    for (std::size_t i = at; i < end; ++i) items.emplace_back(result_of(*call_of(entries[i]), images));
    at = end;
  }
  return items;
}

std::int64_t estimate_tokens(std::string_view text) { return tokens_of_bytes(std::ssize(text)); }

std::int64_t estimate_tokens(const ports::Entry& entry) {
  struct Visitor {
    std::int64_t operator()(const UserEntry& e) const { return kItemTokens + estimate_parts(e.content); }
    std::int64_t operator()(const AgentEntry& e) const { return kItemTokens + estimate_tokens(e.text); }
    std::int64_t operator()(const ReasoningEntry& e) const {
      // Opaque reasoning is mostly encrypted text of the length of what it hides.
      return kItemTokens + estimate_tokens(e.text) + (e.opaque ? estimate_tokens(base::dump_json(*e.opaque)) : 0);
    }
    std::int64_t operator()(const CallEntry& e) const {
      return kItemTokens + estimate_tokens(e.call.tool) + estimate_tokens(e.call.arguments) + estimate_result(e);
    }
    std::int64_t operator()(const SummaryEntry& e) const { return kItemTokens + estimate_tokens(e.text); }
  };
  return std::visit(Visitor{}, entry);
}

std::int64_t estimate_tokens(std::span<const PlacedEntry> entries) {
  std::int64_t tokens = 0;
  for (const PlacedEntry& placed : entries) tokens += estimate_tokens(placed.entry);
  return tokens;
}

std::int64_t estimate_tokens(std::string_view system_prompt, std::span<const ports::ToolSpec> tools) {
  std::int64_t tokens = estimate_tokens(system_prompt);
  for (const ports::ToolSpec& tool : tools) {
    tokens += kItemTokens + estimate_tokens(tool.name) + estimate_tokens(tool.description) +
              estimate_tokens(base::dump_json(tool.parameters));
  }
  return tokens;
}

std::int64_t context_tokens(const ports::Conversation& conversation, std::int64_t fixed_tokens) {
  const std::span<const PlacedEntry> entries = conversation.entries;
  const std::size_t counted = std::min(conversation.counted_entries, entries.size());
  if (conversation.counted_tokens == 0 || counted == 0) return fixed_tokens + estimate_tokens(entries);
  std::int64_t tokens = conversation.counted_tokens + estimate_tokens(entries.subspan(counted));
  // The count was made when the last answer ended: it holds that answer's calls, but not yet their results.
  for (std::size_t i = counted; i > 0 && entries[i - 1].turn == entries[counted - 1].turn; --i) {
    if (const CallEntry* call = call_of(entries[i - 1])) tokens += estimate_result(*call);
  }
  return tokens;
}

std::size_t next_boundary(std::span<const PlacedEntry> entries, std::size_t index) {
  for (std::size_t i = index + 1; i < entries.size(); ++i) {
    const bool user_begins =
        std::holds_alternative<UserEntry>(entries[i].entry) && !std::holds_alternative<UserEntry>(entries[i - 1].entry);
    if (user_begins || entries[i].turn != entries[i - 1].turn) return i;
  }
  return entries.size();
}

}  // namespace lathe::agent
