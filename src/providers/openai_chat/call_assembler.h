#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lathe/base/json.h"
#include "lathe/protocol/items.h"

namespace lathe::providers::openai_chat {

/// Puts the calls of one answer together from its deltas. Deltas of parallel calls may be interleaved and are told
/// apart by `index`; servers also leave the index out, send a whole call in one delta, repeat the id in each or send it
/// only in the first, or give every call index 0 with ids of their own.
class CallAssembler final {
 public:
  explicit CallAssembler(std::string call_seed) : call_seed_(std::move(call_seed)) {}

  /// One element of a delta's `tool_calls`.
  void add(const base::Json& delta);
  /// The calls since the last take(), in the order in which they began. Ids that are missing or were used before in
  /// this answer are made from the seed.
  [[nodiscard]] std::vector<protocol::ToolCall> take();
  [[nodiscard]] bool empty() const { return open_.empty(); }

 private:
  struct Open {
    std::optional<std::int64_t> index;
    protocol::ToolCall call;
  };
  Open& slot_for(std::optional<std::int64_t> index, const std::string& id, bool names_tool);

  std::string call_seed_;
  std::vector<Open> open_;
  std::vector<std::string> used_ids_;
  std::size_t made_ids_ = 0;
};

}  // namespace lathe::providers::openai_chat
