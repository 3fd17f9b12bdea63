#include "lathe/cli/term/screen.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "lathe/base/utf8.h"
#include "lathe/cli/term/terminal.h"

namespace lathe::cli {

using base::Result;
using runtime::Async;

namespace {

bool is_capable(const Output& output, const Context& context) {
  return is_capable_terminal(output.fd(), context.frontend.environment);
}

/// Where someone watches: stderr, unless that goes elsewhere and stdout does not.
bool watched_on_stdout(const Context& context) {
  return !is_capable(context.err, context) && is_capable(context.out, context);
}

}  // namespace

Screen::Screen(Context& context)
    : context_(context),
      footer_(watched_on_stdout(context) ? context.out : context.err),
      style_(watched_on_stdout(context) ? context.out_style : context.err_style),
      capable_(is_capable(footer_, context)) {
  context_.erase_footer = [this] { clear_footer(); };
}

Screen::~Screen() { context_.erase_footer = nullptr; }

Screen::Footer Screen::compose() const {
  const int fd = footer_.fd();
  const TerminalSize size = terminal_size(fd);
  const std::size_t below = (status_.empty() ? 0 : 1) + (input_ ? input_->rows.size() : 0);
  Footer footer;
  if (size.rows > below + 1) {
    footer.rows = last_rows(unfinished_, std::min(text_width(fd), size.columns - 1), size.rows - below - 1);
  }
  if (!status_.empty()) {
    const std::string status = elide(base::terminal_safe(status_), size.columns - 1);
    footer.rows.push_back(style_.paint(Ink::kDim, status));
  }
  if (input_) {
    footer.cursor_row = footer.rows.size() + input_->cursor_row;
    footer.cursor_column = input_->cursor_column;
    footer.rows.insert(footer.rows.end(), input_->rows.begin(), input_->rows.end());
  } else if (!footer.rows.empty()) {
    footer.cursor_row = footer.rows.size() - 1;
  }
  return footer;
}

std::string Screen::change(const Footer& from, const Footer& to) {
  if (from == to) return "";
  std::string out = from.rows.empty() ? "" : "\r";
  if (from.cursor_row > 0) out += fmt::format("\x1b[{}A", from.cursor_row);
  if (to.rows.empty()) return out + "\x1b[J";
  for (std::size_t i = 0; i < to.rows.size(); ++i) {
    if (i > 0) out += "\r\n";
    if (i >= from.rows.size()) {
      out += to.rows[i];
    } else if (from.rows[i] != to.rows[i]) {
      out += "\x1b[K" + to.rows[i];
    }
  }
  if (from.rows.size() > to.rows.size()) out += "\r\n\x1b[J\x1b[1A";
  const std::size_t up = to.rows.size() - 1 - to.cursor_row;
  if (up > 0) out += fmt::format("\x1b[{}A", up);
  if (to.cursor_column) out += fmt::format("\x1b[{}G", *to.cursor_column + 1);
  return out;
}

std::string Screen::erase() { return change(std::exchange(shown_, {}), {}); }

std::string Screen::paint() {
  shown_ = compose();
  return change({}, shown_);
}

Async<Result<void>> Screen::show(std::vector<Piece> pieces, runtime::CancelToken cancel) {
  writing_ = true;
  if (capable_) footer_.add(erase());
  Result<void> result;
  // Before text goes to one stream, the other has all of its own: both may be one terminal.
  Output* last = &footer_;
  for (const Piece& piece : pieces) {
    Output* to = piece.to == Piece::To::kAnswer ? &context_.out : &context_.err;
    if (to != last && result.ok()) result = co_await std::exchange(last, to)->flush(cancel);
    to->add(piece.text);
  }
  if (result.ok()) result = co_await last->flush(cancel);
  if (capable_) footer_.add(paint());
  if (result.ok()) result = co_await footer_.flush(cancel);
  writing_ = false;
  co_return result;
}

void Screen::draw() {
  if (!capable_ || writing_) return;
  Footer next = compose();
  const std::string text = change(shown_, next);
  if (!text.empty() && footer_.write_if_ready(text)) shown_ = std::move(next);
}

void Screen::note(std::string_view text) {
  // A show() that waits has taken the footer away and puts it back itself.
  const bool footer = capable_ && !writing_ && &footer_ == &context_.err;
  std::string out = footer ? erase() : "";
  out += base::terminal_safe(text) + "\n";
  if (footer) out += paint();
  context_.err.write_soon(out);
}

void Screen::clear_footer() {
  unfinished_.clear();
  status_.clear();
  input_.reset();
  if (capable_) footer_.write_soon(erase());
}

}  // namespace lathe::cli
