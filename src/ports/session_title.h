#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "lathe/base/strings.h"
#include "lathe/base/utf8.h"
#include "lathe/protocol/items.h"

namespace lathe::ports {

/// The name of a session that was given none: the first line that was said, at most about 60 characters of it.
[[nodiscard]] inline std::string session_title(const std::vector<protocol::ContentPart>& content) {
  constexpr std::size_t kBytes = 60;
  for (const protocol::ContentPart& part : content) {
    const auto* text = std::get_if<protocol::TextPart>(&part);
    if (text == nullptr) continue;
    for (const std::string_view line : base::split_lines(text->text)) {
      const std::string_view words = base::trim(line);
      if (words.empty()) continue;
      if (words.size() <= kBytes) return std::string(words);
      return std::string(base::trim_right(base::utf8_prefix(words, kBytes))) + "…";
    }
  }
  return "";
}

}  // namespace lathe::ports
