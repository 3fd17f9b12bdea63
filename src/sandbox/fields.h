#pragma once

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

// Values one after the other as bytes, for what one process leaves to the next on the same machine: each a length, a
// colon and so many bytes of any kind.

namespace lathe::sandbox {

class FieldWriter final {
 public:
  void text(std::string_view bytes) {
    bytes_ += std::to_string(bytes.size());
    bytes_ += ':';
    bytes_ += bytes;
  }
  void number(std::int64_t value) { text(std::to_string(value)); }
  /// How many there are, and each of them.
  template <class Items, class Each>
  void all(const Items& items, Each each) {
    number(static_cast<std::int64_t>(items.size()));
    for (const auto& item : items) each(item);
  }
  [[nodiscard]] std::string take() && { return std::move(bytes_); }

 private:
  std::string bytes_;
};

/// Reads what a FieldWriter wrote, whoever changed it since. Of what is damaged every value is empty.
class FieldReader final {
 public:
  explicit FieldReader(std::string_view bytes) : rest_(bytes) {}

  [[nodiscard]] std::string text() {
    const std::size_t colon = rest_.find(':');
    std::size_t size = 0;
    if (colon == std::string_view::npos || !parse(rest_.substr(0, colon), size) || size > rest_.size() - colon - 1) {
      damaged_ = true;
      return {};
    }
    std::string bytes(rest_.substr(colon + 1, size));
    rest_.remove_prefix(colon + 1 + size);
    return bytes;
  }
  [[nodiscard]] std::int64_t number() {
    std::int64_t value = 0;
    if (!parse(text(), value)) damaged_ = true;
    return damaged_ ? 0 : value;
  }
  /// `each` reads one of as many as there are.
  template <class Each>
  void all(Each each) {
    for (std::int64_t left = number(); left > 0 && !damaged_; --left) each();
  }
  [[nodiscard]] bool intact() const { return !damaged_; }
  /// Everything was read, and nothing was damaged.
  [[nodiscard]] bool at_end() const { return !damaged_ && rest_.empty(); }

 private:
  template <class Number>
  static bool parse(std::string_view digits, Number& value) {
    const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    return parsed.ec == std::errc() && parsed.ptr == digits.data() + digits.size();
  }

  std::string_view rest_;
  bool damaged_ = false;
};

}  // namespace lathe::sandbox
