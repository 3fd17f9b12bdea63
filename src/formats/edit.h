#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lathe/base/result.h"
#include "lathe/formats/node.h"

// Small changes to a YAML file that a person wrote, keeping their comments, order and spacing: lines are edited, and
// the result is read again and compared with what the change should have made of the tree. Where the two differ (a
// value over several lines, braces around a map, an anchor) nothing is changed and the error says what to write by
// hand.

namespace lathe::formats {

/// Keys from the root down.
using KeyPath = std::vector<std::string>;

/// The text with the value at `path` set to `value`: replaced where it is, or added at the end of its map, together
/// with the maps above it that are missing. Keys match whether joined by "-" or "_". A map can be added, not replaced.
[[nodiscard]] base::Result<std::string> set_in_yaml(std::string_view text, const std::string& file, const KeyPath& path,
                                                    const Node& value);
/// The text without the member at `path`. `not_found` when there is none.
[[nodiscard]] base::Result<std::string> remove_from_yaml(std::string_view text, const std::string& file,
                                                         const KeyPath& path);

/// The value on one line, as YAML: plain, quoted, or [a, b].
[[nodiscard]] std::string yaml_text(const Node& value);

}  // namespace lathe::formats
