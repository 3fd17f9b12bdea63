#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "lathe/base/error.h"
#include "lathe/base/unique_fd.h"
#include "lathe/net/ndjson.h"

namespace lathe::gateways::sqeq {

/// Cuts the bytes of a client into lines, as net::NdjsonParser does, but goes on after a line that is too long: that
/// one is told of once, as soon as it is known, its rest is thrown away, and the next line is a line like any other.
/// The last line needs no newline. Memory is bounded by one line. A value without threads.
///
/// A descriptor that comes with bytes belongs to the line of the last of them, and waits for that line to end: one at
/// most, the first of several that come with one line. What nobody takes then is closed.
class LineFramer final {
 public:
  /// `line` lives until the callback returns.
  using OnLine = net::OnLine;
  /// How the line begins, and `limit_exceeded` with the bound in its message.
  using OnTooLong = std::function<void(std::string_view beginning, base::Error)>;

  explicit LineFramer(std::size_t max_line_bytes) : max_line_bytes_(max_line_bytes), parser_(max_line_bytes) {}

  void feed(std::string_view bytes, const OnLine& on_line, const OnTooLong& on_too_long,
            base::UniqueFd descriptor = {});
  /// The bytes have ended.
  void finish(const OnLine& on_line);
  /// From within `on_line`: the descriptor that came with that line.
  [[nodiscard]] base::UniqueFd take_descriptor() { return std::move(descriptor_); }

 private:
  /// A piece of a line, with its newline when it has one.
  void take(std::string_view piece, bool ends_here, const OnLine& on_line, const OnTooLong& on_too_long);

  std::size_t max_line_bytes_;
  net::NdjsonParser parser_;
  /// Of the line that is being read, up to a bound.
  std::string beginning_;
  /// Inside of a line that was too long.
  bool skipping_ = false;
  /// Of the line that has not ended.
  base::UniqueFd descriptor_;
};

}  // namespace lathe::gateways::sqeq
