#include "lathe/providers/openai_chat/call_assembler.h"

#include <algorithm>
#include <ranges>
#include <utility>

namespace lathe::providers::openai_chat {

CallAssembler::Open& CallAssembler::slot_for(std::optional<std::int64_t> index, const std::string& id,
                                             bool names_tool) {
  auto newest_first = std::views::reverse(open_);
  if (index) {
    const auto same = std::ranges::find_if(newest_first, [&](const Open& one) { return one.index == index; });
    const bool other_call = same != newest_first.end() && names_tool && !id.empty() && !same->call.call_id.empty() &&
                            same->call.call_id != id;
    if (same != newest_first.end() && !other_call) return *same;
  } else if (!id.empty()) {
    const auto same = std::ranges::find_if(newest_first, [&](const Open& one) { return one.call.call_id == id; });
    if (same != newest_first.end()) return *same;
  } else if (!names_tool && !open_.empty()) {
    return open_.back();
  }
  return open_.emplace_back(Open{.index = index, .call = {}});
}

void CallAssembler::add(const base::Json& delta) {
  if (!delta.is_object()) return;
  const base::Json& index = base::json_at(delta, "index");
  const base::Json& function = base::json_at(delta, "function");
  const std::string id = base::json_string(delta, "id");
  const std::string name = base::json_string(function, "name");
  Open& open =
      slot_for(index.is_number_integer() ? std::optional(index.get<std::int64_t>()) : std::nullopt, id, !name.empty());
  if (open.call.call_id.empty()) open.call.call_id = id;
  if (open.call.tool.empty()) open.call.tool = name;
  const base::Json& arguments = base::json_at(function, "arguments");
  if (arguments.is_string()) {
    open.call.arguments += arguments.get_ref<const std::string&>();
  } else if (!arguments.is_null()) {
    open.call.arguments += base::dump_json(arguments);
  }
}

std::vector<protocol::ToolCall> CallAssembler::take() {
  std::vector<protocol::ToolCall> calls;
  for (Open& open : std::exchange(open_, {})) {
    std::string& id = open.call.call_id;
    const bool used = std::ranges::find(used_ids_, id) != used_ids_.end();
    if (id.empty() || used) id = call_seed_ + "_" + std::to_string(++made_ids_);
    used_ids_.push_back(id);
    calls.push_back(std::move(open.call));
  }
  return calls;
}

}  // namespace lathe::providers::openai_chat
