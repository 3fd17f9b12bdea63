#include "lathe/tools/common/text_format.h"

#include <algorithm>

namespace lathe::tools::common {
namespace {
constexpr std::string_view kMark = "\xEF\xBB\xBF";
}

TextFormat format_of(std::string_view bytes) {
  std::size_t lines = 0;
  std::size_t with_return = 0;
  for (std::size_t at = bytes.find('\n'); at != std::string_view::npos; at = bytes.find('\n', at + 1)) {
    ++lines;
    with_return += at > 0 && bytes[at - 1] == '\r' ? 1 : 0;
  }
  return {.byte_order_mark = bytes.starts_with(kMark),
          .line_ending = 2 * with_return > lines ? LineEnding::kCrLf : LineEnding::kLf};
}

std::string_view without_mark(std::string_view bytes) {
  if (bytes.starts_with(kMark)) bytes.remove_prefix(kMark.size());
  return bytes;
}

std::string with_line_ending(std::string_view text, LineEnding ending) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\r' && i + 1 < text.size() && text[i + 1] == '\n') continue;
    if (text[i] == '\n' && ending == LineEnding::kCrLf) out += '\r';
    out += text[i];
  }
  return out;
}

bool looks_binary(std::string_view bytes) {
  return bytes.substr(0, std::size_t{8} << 10).find('\0') != std::string_view::npos;
}

}  // namespace lathe::tools::common
