#include "lathe/gateways/sqeq/line_framer.h"

#include <fmt/format.h>

#include <utility>

namespace lathe::gateways::sqeq {

namespace {

/// An id stands within them, where whoever sends it means it to be found.
constexpr std::size_t kBeginningBytes = 256;

}  // namespace

void LineFramer::feed(std::string_view bytes, const OnLine& on_line, const OnTooLong& on_too_long,
                      base::UniqueFd descriptor) {
  while (!bytes.empty()) {
    const std::size_t newline = bytes.find('\n');
    const bool ends_here = newline != std::string_view::npos;
    const std::string_view piece = bytes.substr(0, ends_here ? newline + 1 : bytes.size());
    bytes.remove_prefix(piece.size());
    if (bytes.empty() && !descriptor_) descriptor_ = std::exchange(descriptor, {});
    if (skipping_) {
      skipping_ = !ends_here;
    } else {
      take(piece, ends_here, on_line, on_too_long);
    }
    if (ends_here) descriptor_.reset();
  }
}

void LineFramer::take(std::string_view piece, bool ends_here, const OnLine& on_line, const OnTooLong& on_too_long) {
  beginning_.append(piece.substr(0, kBeginningBytes - beginning_.size()));
  const bool taken = parser_.feed(piece, on_line).ok();
  const std::string beginning = taken && !ends_here ? std::string() : std::exchange(beginning_, {});
  if (taken) return;
  on_too_long(beginning, {.code = base::codes::kLimit,
                          .message = fmt::format("the line is longer than {} bytes and was not read", max_line_bytes_),
                          .hint = "put what is large into a file, and name the file"});
  // A parser that met its bound takes nothing more.
  parser_ = net::NdjsonParser(max_line_bytes_);
  skipping_ = !ends_here;
}

void LineFramer::finish(const OnLine& on_line) {
  // What was too long has been told already, and the parser is empty then.
  if (!skipping_) (void)parser_.finish(on_line);
}

}  // namespace lathe::gateways::sqeq
