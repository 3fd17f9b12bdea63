#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

// Constants as Go writes them.

namespace lathe::templates {

struct Number {
  bool is_whole = false;
  std::int64_t whole = 0;
  double real = 0;
};

/// 12, -0x1f, 0b11, 0o17, 1_000, 1.5, .5, 1e3. Nothing for what is no number, or none that fits.
[[nodiscard]] std::optional<Number> number_constant(std::string_view word);

struct Quoted {
  /// How much of the text it is, quotes included.
  std::size_t bytes = 0;
  std::string text;
  /// Of 'x'.
  char32_t character = 0;
  /// What is wrong with it, and where.
  std::string fault;
  std::size_t fault_at = 0;
};

/// The constant that `text` begins with: "…" with escapes, `…` as it stands, or the character 'x'.
[[nodiscard]] Quoted quoted_constant(std::string_view text);

}  // namespace lathe::templates
