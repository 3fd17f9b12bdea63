#pragma once

#include <string>
#include <string_view>

namespace lathe::golden {

/// Compares `text` with the file tests/golden/../../<path> of the source tree. With ACCEPT=1 in the environment a file
/// that differs is rewritten instead and the test is marked skipped, so that nobody takes an accepting run for a green
/// one.
void expect_file(const std::string& path, std::string_view text);
/// The bytes of a file of the source tree; a test failure and "" when it cannot be read.
[[nodiscard]] std::string read_file(const std::string& path);
[[nodiscard]] bool file_exists(const std::string& path);
[[nodiscard]] bool accepting();

}  // namespace lathe::golden
