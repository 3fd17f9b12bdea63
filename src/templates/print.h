#pragma once

#include <string>
#include <string_view>

#include "lathe/templates/value.h"

// Values as text, as Go's package fmt writes them.

namespace lathe::templates {

/// As {{.x}} and print write it: 1, true, text, [a b], map[a:1 b:2]; nothing is "<nil>".
[[nodiscard]] std::string printed(Heap& heap, const Value& value);
/// The same, behind what is there.
void append_printed(Heap& heap, std::string& out, const Value& value);
/// All of them: a space between two that are no texts.
[[nodiscard]] std::string printed_all(Heap& heap, const std::vector<Value>& values);

/// In double quotes, with Go's escapes.
[[nodiscard]] std::string go_quoted(std::string_view text);
/// A number by one of the verbs e E f g G. Without a precision (-1): as many digits as tell it from its neighbours.
[[nodiscard]] std::string go_float(double number, char verb, int precision);

}  // namespace lathe::templates
