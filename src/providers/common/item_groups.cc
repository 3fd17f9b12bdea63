#include "lathe/providers/common/item_groups.h"

namespace lathe::providers::common {
namespace {

Speaker speaker_of(const ports::ModelItem& item) {
  if (std::holds_alternative<ports::UserInputItem>(item)) return Speaker::kUser;
  if (std::holds_alternative<ports::ToolResultItem>(item)) return Speaker::kTools;
  return Speaker::kAssistant;
}

}  // namespace

std::vector<ItemGroup> groups_of(const std::vector<ports::ModelItem>& items) {
  std::vector<ItemGroup> groups;
  const std::span<const ports::ModelItem> all(items);
  std::size_t begin = 0;
  while (begin < all.size()) {
    const Speaker speaker = speaker_of(all[begin]);
    std::size_t end = begin + 1;
    while (end < all.size() && speaker_of(all[end]) == speaker) ++end;
    groups.push_back({speaker, all.subspan(begin, end - begin)});
    begin = end;
  }
  return groups;
}

}  // namespace lathe::providers::common
