#include "lathe/cli/term/screen.h"

#include <fmt/format.h>

#include <utility>

#include "lathe/base/utf8.h"
#include "lathe/cli/term/terminal.h"

namespace lathe::cli {

using base::Result;
using runtime::Async;

Screen::Screen(Context& context)
    : context_(context), capable_(is_capable_terminal(context.frontend.err_fd, context.frontend.environment)) {}

std::string Screen::erase() {
  if (!shown_row_) return "";
  const std::size_t up = *std::exchange(shown_row_, std::nullopt);
  return up == 0 ? "\r\x1b[J" : fmt::format("\r\x1b[{}A\x1b[J", up);
}

std::string Screen::paint() {
  if (status_.empty() && !input_) return "";
  const std::size_t columns = terminal_size(context_.frontend.err_fd).columns;
  std::string out;
  std::size_t row = 0;
  if (!status_.empty()) {
    out = context_.err_style.paint(Ink::kDim, elide(base::terminal_safe(status_), columns - 1));
    if (input_) {
      out += "\r\n";
      ++row;
    }
  }
  if (!input_) {
    shown_row_ = row;
    return out;
  }
  for (std::size_t i = 0; i < input_->rows.size(); ++i) {
    if (i > 0) out += "\r\n";
    out += input_->rows[i];
  }
  const std::size_t up = input_->rows.size() - 1 - input_->cursor_row;
  if (up > 0) out += fmt::format("\x1b[{}A", up);
  out += fmt::format("\x1b[{}G", input_->cursor_column + 1);
  shown_row_ = row + input_->cursor_row;
  return out;
}

Async<Result<void>> Screen::show(std::vector<Piece> pieces, runtime::CancelToken cancel) {
  writing_ = true;
  if (capable_) context_.err.add(erase());
  Result<void> result;
  // Before text goes to one stream, the other has all of its own: both may be one terminal.
  Output* last = &context_.err;
  for (const Piece& piece : pieces) {
    Output* to = piece.to == Piece::To::kAnswer ? &context_.out : &context_.err;
    if (to != last && result.ok()) result = co_await std::exchange(last, to)->flush(cancel);
    to->add(piece.text);
  }
  if (result.ok()) result = co_await last->flush(cancel);
  if (capable_) context_.err.add(paint());
  if (result.ok()) result = co_await context_.err.flush(cancel);
  writing_ = false;
  co_return result;
}

void Screen::draw() {
  if (!capable_ || writing_) return;
  std::string text = erase();
  text += paint();
  context_.err.write_if_ready(text);
}

void Screen::note(std::string_view text) {
  // A show() that waits has taken the footer away and puts it back itself.
  const bool footer = capable_ && !writing_;
  std::string out = footer ? erase() : "";
  out += base::terminal_safe(text) + "\n";
  if (footer) out += paint();
  context_.err.write_soon(out);
}

void Screen::clear_footer() {
  status_.clear();
  input_.reset();
  if (capable_) context_.err.write_soon(erase());
}

}  // namespace lathe::cli
