#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lathe/cli/context.h"
#include "lathe/cli/render/task_text.h"

namespace lathe::cli {

/// Rows of an input line that is being edited, and where its cursor is.
struct InputRows {
  std::vector<std::string> rows;
  std::size_t cursor_row = 0;
  std::size_t cursor_column = 0;
};

/// stdout and stderr as one view: text in order, and on a terminal a footer below it (a status row, then the input
/// line) that is taken away before anything is written and put back after. Loop thread; one show() at a time.
class Screen final {
 public:
  explicit Screen(Context& context);

  /// Whether there is a footer at all.
  [[nodiscard]] bool has_footer() const { return capable_; }
  runtime::Async<base::Result<void>> show(std::vector<Piece> pieces, runtime::CancelToken cancel);
  /// One row of plain text; "" takes it away.
  void set_status(std::string status) { status_ = std::move(status); }
  void set_input(std::optional<InputRows> input) { input_ = std::move(input); }
  /// Puts the footer there as it is now. May be skipped while the terminal is busy.
  void draw();
  /// One line to stderr, above the footer.
  void note(std::string_view text);
  /// Takes the footer away and forgets it.
  void clear_footer();

 private:
  [[nodiscard]] std::string erase();
  [[nodiscard]] std::string paint();

  Context& context_;
  bool capable_;
  bool writing_ = false;
  std::string status_;
  std::optional<InputRows> input_;
  /// Row of the footer that the cursor is on while it is shown.
  std::optional<std::size_t> shown_row_;
};

}  // namespace lathe::cli
