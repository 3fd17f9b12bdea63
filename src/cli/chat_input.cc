#include "lathe/cli/chat_input.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "lathe/base/json.h"
#include "lathe/base/strings.h"
#include "lathe/runtime/files.h"

namespace lathe::cli {

using base::Error;
using base::Result;
using runtime::Async;
using runtime::CancelToken;

namespace {

constexpr std::size_t kMaxHistory = 1000;
constexpr std::string_view kBracketedPasteOn = "\x1b[?2004h";
constexpr std::string_view kBracketedPasteOff = "\x1b[?2004l";

std::vector<std::string> read_history(const std::string& file) {
  std::vector<std::string> history;
  const auto text = runtime::read_file(file);
  if (!text.ok()) return history;
  for (const std::string_view line : base::split_lines(*text)) {
    const auto entry = base::parse_json(line);
    if (entry.ok() && entry->is_string()) history.push_back(entry->get<std::string>());
  }
  if (history.size() > kMaxHistory) history.erase(history.begin(), history.end() - kMaxHistory);
  return history;
}

Error input_ended() { return {.code = base::codes::kUnavailable, .message = "the input ended"}; }

}  // namespace

ChatInput::ChatInput(Context& context, Screen& screen, std::string history_file)
    : context_(context),
      screen_(screen),
      history_file_(std::move(history_file)),
      terminal_(is_terminal(context.frontend.in_fd) && screen.has_footer()),
      lines_(context.loop, context.frontend.in_fd) {
  if (terminal_) editor_.set_history(read_history(history_file_));
}

Async<Result<std::string>> ChatInput::next(runtime::CancelToken cancel) {
  if (terminal_) co_return co_await next_edited(cancel);
  CO_TRY_OK(co_await context_.err.flush(cancel));
  co_return co_await next_plain(std::move(cancel));
}

Async<Result<std::string>> ChatInput::next_edited(runtime::CancelToken cancel) {
  CO_TRY_OK(resume());
  runtime::FdWatch watch(context_.loop, context_.frontend.in_fd);
  std::string bytes(4096, '\0');
  while (true) {
    const LineEditor::Outcome outcome = editor_.feed(std::exchange(unread_, {}));
    if (outcome == LineEditor::Outcome::kEnd) co_return input_ended();
    if (outcome == LineEditor::Outcome::kSubmit) {
      std::string message = finish_message(editor_.text());
      editor_.clear();
      show();
      if (!message.empty()) remember(message);
      co_return message;
    }
    show();
    CO_TRY_OK(co_await watch.readable(cancel, runtime::Deadline::never()));
    const ssize_t count = ::read(context_.frontend.in_fd, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) co_return input_ended();
    unread_.assign(bytes, 0, static_cast<std::size_t>(count));
  }
}

Async<Result<std::string>> ChatInput::next_plain(CancelToken cancel) {
  std::string message;
  while (true) {
    const Result<std::string> line = co_await lines_.next(cancel);
    if (!line.ok() && (message.empty() || cancel.cancelled())) co_return line.error();
    if (!line.ok()) co_return finish_message(message);
    message += *line;
    if (!needs_more(message)) co_return finish_message(message);
    message += '\n';
  }
}

bool ChatInput::clear() {
  if (editor_.text().empty()) return false;
  editor_.clear();
  show();
  return true;
}

void ChatInput::pause() {
  if (!mode_) return;
  screen_.set_input(std::nullopt);
  screen_.draw();
  screen_.footer().write_soon(kBracketedPasteOff);
  context_.restore_terminal = nullptr;
  mode_.reset();
}

Result<void> ChatInput::resume() {
  if (!terminal_ || mode_) return {};
  TRY(TerminalMode mode, TerminalMode::enter(context_.frontend.in_fd, TerminalMode::Kind::kKeys));
  mode_.emplace(std::move(mode));
  context_.restore_terminal = [this] { pause(); };
  screen_.footer().write_soon(kBracketedPasteOn);
  show();
  return {};
}

void ChatInput::show() {
  const std::size_t columns = terminal_size(screen_.footer().fd()).columns;
  screen_.set_input(editor_.rows(screen_.footer_style().paint(Ink::kCyan, "›") + " ", columns));
  screen_.draw();
}

void ChatInput::remember(const std::string& message) {
  editor_.remember(message);
  const auto file = runtime::open_file(history_file_, O_WRONLY | O_CREAT | O_APPEND);
  if (file.ok()) (void)runtime::write_all(file->get(), base::dump_json(base::Json(message)) + "\n", history_file_);
}

}  // namespace lathe::cli
