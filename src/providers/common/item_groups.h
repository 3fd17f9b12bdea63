#pragma once

#include <span>
#include <vector>

#include "lathe/ports/model.h"

namespace lathe::providers::common {

enum class Speaker { kUser, kAssistant, kTools };

/// Neighbouring items of one speaker: what one answer held, or the results of its calls.
struct ItemGroup {
  Speaker speaker = Speaker::kUser;
  std::span<const ports::ModelItem> items;
};

/// The items in their order, grouped. The spans point into `items`.
[[nodiscard]] std::vector<ItemGroup> groups_of(const std::vector<ports::ModelItem>& items);

}  // namespace lathe::providers::common
