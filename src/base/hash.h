#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace lathe::base {

/// CRC-32C (Castagnoli) of `bytes`; the `crc` of a record is its eight lower-case hex digits.
[[nodiscard]] std::uint32_t crc32c(std::string_view bytes);
[[nodiscard]] std::string hex8(std::uint32_t value);

/// A SHA-256 digest as 64 lower-case hex digits; computed in crypto/.
using Sha256Hex = std::string;

}  // namespace lathe::base
