#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "lathe/ports/conversation.h"
#include "lathe/ports/model.h"

// From the conversation to what a model is sent. Pure: the same entries always give the same items, entry by entry, so
// that request N+1 starts with exactly the items of request N. That is what a provider's prompt cache lives on.
//
// One answer of the model stands in the conversation as entries of one turn; its calls come from one event and are
// neighbours. In a request all its calls come first, then all results, in call order.

namespace lathe::agent {

/// The images of a conversation by blob: the image, or why the model does not get it.
using ImageSet = std::map<std::string, std::variant<ports::ModelImage, std::string>>;

/// Blobs of images that `entries` show and that have to be loaded before they are built.
[[nodiscard]] std::set<std::string> image_blobs(std::span<const ports::PlacedEntry> entries);

/// The items of a request. Every call among `entries` has its outcome (a call without one is a RequestBug).
/// Unfinished reasoning, and reasoning that led to nothing, is left out; unfinished text is marked.
[[nodiscard]] std::vector<ports::ModelItem> build_items(std::span<const ports::PlacedEntry> entries,
                                                        const ImageSet& images);

/// Tokens of a text by its length: four bytes each.
[[nodiscard]] constexpr std::int64_t tokens_of_bytes(std::int64_t bytes) { return (bytes + 3) / 4; }
[[nodiscard]] std::int64_t estimate_tokens(std::string_view text);
[[nodiscard]] std::int64_t estimate_tokens(const ports::Entry& entry);
[[nodiscard]] std::int64_t estimate_tokens(std::span<const ports::PlacedEntry> entries);
/// What goes before the conversation in every request.
[[nodiscard]] std::int64_t estimate_tokens(std::string_view system_prompt, std::span<const ports::ToolSpec> tools);

/// Tokens of the context now: as the provider counted them last, and an estimate of what came since; an estimate
/// throughout when it never did. `fixed_tokens` is the part before the conversation.
[[nodiscard]] std::int64_t context_tokens(const ports::Conversation& conversation, std::int64_t fixed_tokens);

/// The first index after `index` at which another answer of the model, or what a person said, begins; cutting a
/// conversation there leaves calls with their results and answers whole.
[[nodiscard]] std::size_t next_boundary(std::span<const ports::PlacedEntry> entries, std::size_t index);

}  // namespace lathe::agent
