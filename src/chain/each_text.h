#pragma once

#include <functional>
#include <string_view>

#include "lathe/chain/chain.h"

namespace lathe::chain {

/// A template of a chain, and what field it is: "prompt_template", "_allowed_commands", "when".
using SeeText = std::function<void(std::string_view field, const Text& text)>;

/// Every text of the task, those of its handler and branches too, in the order of their fields.
void each_text(const Task& task, const SeeText& see);
/// Those of the chain that belong to no task.
void each_text_outside(const Chain& chain, const SeeText& see);

}  // namespace lathe::chain
