#pragma once

#include <string>
#include <string_view>

namespace lathe::tools::web {

/// The text with its character references ("&amp;", "&#8212;", "&#x2014;") replaced, as UTF-8. Known are the names of
/// HTML 4 and &apos;, with or without the semicolon that ends them; what is no reference stays as it is.
[[nodiscard]] std::string decode_entities(std::string_view text);
/// ISO-8859-1 and Windows-1252, which browsers take for the same, as UTF-8.
[[nodiscard]] std::string utf8_of_windows_1252(std::string_view bytes);

}  // namespace lathe::tools::web
