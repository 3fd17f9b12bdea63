#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include "lathe/base/error.h"
#include "lathe/net/ndjson.h"

namespace lathe::gateways::sqeq {

/// Cuts the bytes of a client into lines, as net::NdjsonParser does, but goes on after a line that is too long: that
/// one is told of once, as soon as it is known, its rest is thrown away, and the next line is a line like any other.
/// The last line needs no newline. Memory is bounded by one line. A value without threads.
class LineFramer final {
 public:
  /// `line` lives until the callback returns.
  using OnLine = net::OnLine;
  /// How the line begins, and `limit_exceeded` with the bound in its message.
  using OnTooLong = std::function<void(std::string_view beginning, base::Error)>;

  explicit LineFramer(std::size_t max_line_bytes) : max_line_bytes_(max_line_bytes), parser_(max_line_bytes) {}

  void feed(std::string_view bytes, const OnLine& on_line, const OnTooLong& on_too_long);
  /// The bytes have ended.
  void finish(const OnLine& on_line);

 private:
  std::size_t max_line_bytes_;
  net::NdjsonParser parser_;
  /// Of the line that is being read, up to a bound.
  std::string beginning_;
  /// Inside of a line that was too long.
  bool skipping_ = false;
};

}  // namespace lathe::gateways::sqeq
