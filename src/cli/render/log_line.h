#pragma once

#include <string>
#include <string_view>

namespace lathe::cli {

/// A line of the daemon's log as a person reads it, with its newline: time, level, process, text, then the other fields
/// as name=value. What is no such line (a library's or a sanitizer's) stays as it is. Cleaned for a terminal.
[[nodiscard]] std::string log_line_text(std::string_view line);

}  // namespace lathe::cli
