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

/// stdout and stderr as one view: text in order, and on a terminal a footer below it (what of an answer is not whole
/// yet, a status row, then the input line) that is taken away before anything is written and put back after. It is
/// never higher than the terminal: what scrolled off cannot be taken away. It stands on stderr, or on stdout where only
/// that is a terminal. Loop thread; one Screen and one show() at a time.
class Screen final {
 public:
  explicit Screen(Context& context);
  ~Screen();
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;

  /// Whether there is a footer at all.
  [[nodiscard]] bool has_footer() const { return capable_; }
  /// Where it stands, and in which style.
  [[nodiscard]] Output& footer() { return footer_; }
  [[nodiscard]] const Style& footer_style() const { return style_; }
  runtime::Async<base::Result<void>> show(std::vector<Piece> pieces, runtime::CancelToken cancel);
  /// One row of plain text; "" takes it away.
  void set_status(std::string status) { status_ = std::move(status); }
  /// Text from outside that is shown as it is until it is told for good; of what is too long the newest rows.
  void set_unfinished(std::string text) { unfinished_ = std::move(text); }
  void set_input(std::optional<InputRows> input) { input_ = std::move(input); }
  /// Puts the footer there as it is now. May be skipped while the terminal is busy.
  void draw();
  /// One line to stderr, above the footer.
  void note(std::string_view text);
  /// Takes the footer away and forgets it.
  void clear_footer();

 private:
  /// The rows of the footer, and where the cursor stands in them.
  struct Footer {
    std::vector<std::string> rows;
    std::size_t cursor_row = 0;
    std::optional<std::size_t> cursor_column;
    friend bool operator==(const Footer&, const Footer&) = default;
  };
  [[nodiscard]] Footer compose() const;
  /// What makes one of the other on the terminal, rows that are the same left as they are; from or to nothing at the
  /// start of a row.
  [[nodiscard]] static std::string change(const Footer& from, const Footer& to);
  [[nodiscard]] std::string erase();
  [[nodiscard]] std::string paint();

  Context& context_;
  Output& footer_;
  const Style& style_;
  bool capable_;
  bool writing_ = false;
  std::string unfinished_;
  std::string status_;
  std::optional<InputRows> input_;
  /// What is on the terminal, or on its way there.
  Footer shown_;
};

}  // namespace lathe::cli
