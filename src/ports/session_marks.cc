#include "lathe/ports/session_marks.h"

#include <fmt/format.h>

#include <algorithm>

#include "lathe/base/utf8.h"

namespace lathe::ports {

using base::Error;
using base::Result;

Result<void> check_tag(std::string_view tag) {
  constexpr std::size_t kMostBytes = 64;
  const bool is_word =
      std::ranges::none_of(tag, [](unsigned char c) { return c <= ' ' || c == 0x7f || c == '/' || c == ','; });
  const bool begins = !tag.empty() && tag.front() != '.' && tag.front() != '-';
  if (begins && is_word && tag.size() <= kMostBytes && base::is_utf8(tag)) return {};
  return Error{
      .code = base::codes::kInvalid,
      .message = fmt::format("\"{}\" is no tag", base::terminal_safe(base::utf8_prefix(tag, kMostBytes))),
      .hint = "one word of at most 64 bytes, without \"/\" and \",\", that begins with neither \"-\" nor \".\""};
}

}  // namespace lathe::ports
