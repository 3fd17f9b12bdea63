#include "lathe/net/ndjson.h"

#include <utility>

namespace lathe::net {

base::Result<void> NdjsonParser::feed(std::string_view bytes, const OnLine& on_line) {
  if (too_long_) return too_long();
  while (true) {
    const std::size_t end = bytes.find('\n');
    const std::string_view piece = bytes.substr(0, end);
    if (piece.size() > max_line_bytes_ - partial_.size()) return too_long();
    if (end == std::string_view::npos) {
      partial_.append(piece);
      return {};
    }
    if (partial_.empty()) {
      take_line(piece, on_line);
    } else {
      partial_.append(piece);
      take_line(partial_, on_line);
      drop_partial();
    }
    bytes.remove_prefix(end + 1);
  }
}

base::Result<void> NdjsonParser::finish(const OnLine& on_line) {
  if (too_long_) return too_long();
  take_line(partial_, on_line);
  drop_partial();
  return {};
}

void NdjsonParser::take_line(std::string_view line, const OnLine& on_line) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  if (!line.empty()) on_line(line);
}

void NdjsonParser::drop_partial() {
  constexpr std::size_t kKeptBytes = 1U << 20;
  if (partial_.capacity() > kKeptBytes) {
    std::string().swap(partial_);
  } else {
    partial_.clear();
  }
}

base::Error NdjsonParser::too_long() {
  too_long_ = true;
  return {.code = base::codes::kLimit,
          .message = "one line of the stream is longer than " + std::to_string(max_line_bytes_) + " bytes"};
}

}  // namespace lathe::net
