#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "lathe/cli/term/style.h"

namespace lathe::cli {

struct MarkdownOptions {
  Style style;
  std::size_t width = 80;
};

/// CommonMark with tables, task lists and strikethrough as text for a terminal. The text is from outside: every control
/// character in it becomes visible. Ends with a newline unless it is empty.
[[nodiscard]] std::string render_markdown(std::string_view markdown, const MarkdownOptions& options);

/// Cuts Markdown that arrives in pieces into whole blocks, so that each can be rendered once and never changes.
///
/// A block ends at a blank line that is followed by a line without indentation, at the end of a fence, or after a
/// heading. A list whose items are apart by blank lines comes item by item.
class MarkdownBlocks final {
 public:
  /// The blocks that are complete now, or "".
  [[nodiscard]] std::string add(std::string_view text);
  /// What is left.
  [[nodiscard]] std::string finish();
  /// The beginning of a block that is not complete yet, as it came; until the next add() or finish().
  [[nodiscard]] std::string_view pending() const { return pending_; }

 private:
  std::string pending_;
  /// Bytes of pending_ that were looked at: whole lines.
  std::size_t scanned_ = 0;
  /// The fence that is open ("```", "~~~~"), or "".
  std::string fence_;
  bool blank_before_ = false;
};

}  // namespace lathe::cli
