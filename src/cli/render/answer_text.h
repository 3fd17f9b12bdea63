#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "lathe/cli/render/markdown.h"

namespace lathe::cli {

/// Turns the streamed text of agent messages into text for stdout, without ever telling anything twice.
///
/// Raw: text comes out as it arrives. Markdown: block by block, rendered. When a stream is tried again (reset), what
/// the new one repeats is not told again; where it differs, it starts on a new line.
class AnswerText final {
 public:
  enum class Plain {
    kRaw,
    /// For a terminal that renders nothing: what would command it is taken out.
    kSafe,
  };
  /// Without `markdown` as `plain` says.
  explicit AnswerText(std::optional<MarkdownOptions> markdown, Plain plain = Plain::kRaw)
      : markdown_(markdown), plain_(plain) {}

  [[nodiscard]] std::string delta(std::string_view item, std::int64_t offset, std::string_view text);
  void reset(std::string_view item);
  /// Whether what was handed on is no part of the answer that came since; of each such change once.
  [[nodiscard]] bool take_void() { return std::exchange(void_, false); }
  /// The whole message: what was not told yet, and a newline at its end.
  [[nodiscard]] std::string complete(std::string_view item, std::string_view text);
  /// What came and is held back until its block is complete: Markdown as it came, not made safe for a terminal.
  [[nodiscard]] std::string unfinished() const;

 private:
  [[nodiscard]] std::string begin(std::string_view item);
  [[nodiscard]] std::string tell_received();
  [[nodiscard]] std::string show(std::string_view text);
  [[nodiscard]] std::string render(std::string_view blocks);
  [[nodiscard]] std::string end_block();

  std::optional<MarkdownOptions> markdown_;
  Plain plain_;
  MarkdownBlocks blocks_;
  std::string item_;
  std::string received_;
  /// The item's text that was handed on.
  std::string told_;
  bool any_ = false;
  bool void_ = false;
};

}  // namespace lathe::cli
