#pragma once

#include <cstddef>
#include <string_view>

#include "lathe/formats/node.h"

namespace lathe::chain {

/// Where byte `offset` of a text stands in the YAML or JSON file that it was read from. `scalar` is where the file has
/// the text: at its quote, its "|" or ">", or its first letter. Escapes, folded lines and indented blocks are walked
/// through; where the file does not hold such a text, the answer is `scalar`.
[[nodiscard]] formats::Position place_in_text(std::string_view source, formats::Position scalar, std::size_t offset);

}  // namespace lathe::chain
