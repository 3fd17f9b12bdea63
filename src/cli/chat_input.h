#pragma once

#include <optional>
#include <string>
#include <vector>

#include "lathe/cli/context.h"
#include "lathe/cli/term/input_lines.h"
#include "lathe/cli/term/line_editor.h"
#include "lathe/cli/term/screen.h"
#include "lathe/cli/term/terminal.h"

namespace lathe::cli {

/// The messages that a person types: edited below the output on a terminal, line by line otherwise. The history is a
/// file of JSON strings. One next() at a time.
class ChatInput final {
 public:
  /// `history_file` is read now and appended to by every message; a history that cannot be written is not an error.
  ChatInput(Context& context, Screen& screen, std::string history_file);

  /// The next message, trimmed; "" for an empty one. `unavailable` at the end of input, `cancelled` with the token.
  runtime::Async<base::Result<std::string>> next(runtime::CancelToken cancel);
  /// Throws away what is typed; whether there was anything.
  bool clear();
  /// Puts text there to be edited further.
  void prefill(std::string text) { editor_.set_text(std::move(text)); }
  /// Takes the input line away and gives the terminal back, for a question or an editor.
  void pause();
  /// Takes the terminal (again) and shows the line; next() does it too.
  [[nodiscard]] base::Result<void> resume();
  [[nodiscard]] bool is_terminal_input() const { return terminal_; }

 private:
  runtime::Async<base::Result<std::string>> next_edited(runtime::CancelToken cancel);
  runtime::Async<base::Result<std::string>> next_plain(runtime::CancelToken cancel);
  void show();
  void remember(const std::string& message);

  Context& context_;
  Screen& screen_;
  std::string history_file_;
  bool terminal_;
  LineEditor editor_;
  /// Where nothing is edited.
  InputLines lines_;
  std::optional<TerminalMode> mode_;
  std::string unread_;
};

}  // namespace lathe::cli
