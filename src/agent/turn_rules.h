#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "lathe/base/error.h"
#include "lathe/ports/conversation.h"
#include "lathe/ports/driver.h"
#include "lathe/protocol/items.h"

// Small rules of a Turn, pure.

namespace lathe::agent {

/// Makes every call's id unique in the conversation: a missing one is made by `mint`, a repeated one gets a suffix that
/// depends on nothing but the ids before it.
void make_call_ids_unique(std::vector<protocol::ToolCall>& calls, const ports::Conversation& conversation,
                          const std::function<std::string()>& mint);

/// The last call after `since_seq`, when it and its result were the same at least `limit` times in a row. What a person
/// says in between starts the count anew. `limit` 0: never.
[[nodiscard]] std::optional<protocol::ToolCall> repeated_call(const ports::Conversation& conversation,
                                                              std::int64_t since_seq, std::int64_t limit);

/// Whether a person said something after `asked_seq`, or something was pushed to the model, that stands before the
/// answer to that request.
[[nodiscard]] bool message_behind_answer(const ports::Conversation& conversation, std::int64_t asked_seq);

/// How a Task ends with this error: the code decides.
[[nodiscard]] ports::TaskEnd end_of(base::Error error);

}  // namespace lathe::agent
