#pragma once

#include <optional>
#include <string>

#include "lathe/base/json.h"

namespace lathe::tools::common {

/// What is wrong with `value` as the schema (of schema.h) describes it, beginning with the name of the part:
/// "edits[1].old_text must be a string, not a number". Types, choices, missing and unknown members at every depth; the
/// bounds of numbers are checked where they are read. A null member counts as absent.
[[nodiscard]] std::optional<std::string> schema_problem(const base::Json& schema, const base::Json& value,
                                                        const std::string& name);

/// "a string", "an object", "null".
[[nodiscard]] std::string kind_words(const base::Json& value);

}  // namespace lathe::tools::common
