#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace lathe::tools::web {

enum class PagePart {
  /// What stands in the first <main>, else in the first <article>, else everything.
  kMain,
  kWhole,
};

struct ReadableText {
  std::string title;
  /// Paragraphs, "# " headings, "- " lists, " | " between the cells of a table, [links](URL); UTF-8.
  std::string text;
  /// The text had more than `max_bytes`.
  bool cut = false;
};

struct HtmlOptions {
  PagePart part = PagePart::kMain;
  std::size_t max_bytes = 1U << 20;
  /// The URL that a link's text stands for, or "" to leave the link out.
  std::function<std::string(std::string_view)> resolve_link = {};
};

/// What a person would read of an HTML page. Takes UTF-8 or any bytes, never fails, and takes time and memory linear
/// in what it is given.
[[nodiscard]] ReadableText readable_text(std::string_view page, const HtmlOptions& options);

}  // namespace lathe::tools::web
