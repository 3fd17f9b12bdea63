#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include "lathe/base/result.h"

namespace lathe::net {

/// The view lives until the callback returns.
using OnLine = std::function<void(std::string_view)>;

/// Turns bytes, cut anywhere, into lines (newline-delimited JSON): LF or CRLF ends a line, blank lines are skipped.
/// What a line holds is for the caller to parse. A value without threads; linear in the bytes fed.
class NdjsonParser final {
 public:
  static constexpr std::size_t kDefaultMaxLineBytes = 32U << 20;
  explicit NdjsonParser(std::size_t max_line_bytes = kDefaultMaxLineBytes) : max_line_bytes_(max_line_bytes) {}

  /// Calls back for every line that is complete. `limit_exceeded` when one is longer than the bound; after that every
  /// call is the same error.
  base::Result<void> feed(std::string_view bytes, const OnLine& on_line);
  /// The bytes have ended: the last line needs no newline.
  base::Result<void> finish(const OnLine& on_line);

 private:
  static void take_line(std::string_view line, const OnLine& on_line);
  void drop_partial();
  [[nodiscard]] base::Error too_long();

  std::size_t max_line_bytes_;
  std::string partial_;
  bool too_long_ = false;
};

}  // namespace lathe::net
