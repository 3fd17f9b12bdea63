#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "lathe/cli/term/screen.h"

namespace lathe::cli {

/// Whether a message goes on in the next line: it ends with a backslash, or a """ block is open.
[[nodiscard]] bool needs_more(std::string_view text);
/// The message without the marks that let it go on.
[[nodiscard]] std::string finish_message(std::string_view text);

/// A line of input that is edited key by key, with history. Pure: bytes of the terminal in, text and cursor out. It may
/// hold several lines (backslash, """, Alt-Enter, a paste). Keys as in Emacs and every shell: arrows, Home, End,
/// Ctrl-A E B F K U W Y L D, Alt-B F, Up and Down for history.
class LineEditor final {
 public:
  enum class Outcome {
    /// All keys were taken; more are needed.
    kMore,
    /// text() is a message; keys behind it stay for the next feed().
    kSubmit,
    /// Ctrl-D on an empty line.
    kEnd,
  };
  [[nodiscard]] Outcome feed(std::string_view bytes);

  [[nodiscard]] const std::string& text() const { return text_; }
  void set_text(std::string text);
  void clear() { set_text(""); }
  /// Oldest first.
  void set_history(std::vector<std::string> history);
  void remember(const std::string& text);
  /// As rows of `columns`, the first behind `prompt`.
  [[nodiscard]] InputRows rows(std::string_view prompt, std::size_t columns) const;

 private:
  enum class Step { kNeedMore, kTaken, kSubmit, kEnd };
  Step take_key();
  Step take_escape();
  Step take_paste();
  Step take_control(char key);
  Step enter();
  void run_sequence(std::string_view sequence);
  void insert(std::string_view text);
  void erase(std::size_t from, std::size_t to);
  void browse(int direction);
  [[nodiscard]] std::size_t before(std::size_t at) const;
  [[nodiscard]] std::size_t after(std::size_t at) const;
  [[nodiscard]] std::size_t word_before(std::size_t at) const;
  [[nodiscard]] std::size_t word_after(std::size_t at) const;
  [[nodiscard]] std::size_t line_start() const;
  [[nodiscard]] std::size_t line_end() const;

  std::string input_;
  std::string text_;
  std::size_t cursor_ = 0;
  std::string killed_;
  std::vector<std::string> history_;
  /// history_.size(): the line that is new.
  std::size_t browsed_ = 0;
  std::string draft_;
};

}  // namespace lathe::cli
