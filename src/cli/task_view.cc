#include "lathe/cli/task_view.h"

#include <utility>

#include "lathe/base/utf8.h"
#include "lathe/cli/next_step.h"
#include "lathe/cli/render/codex_events.h"
#include "lathe/cli/render/labels.h"
#include "lathe/cli/term/terminal.h"

namespace lathe::cli {

namespace {

class TextView final : public TaskView {
 public:
  explicit TextView(TaskTextOptions options) : text_(options) {}
  std::vector<Piece> show(const client::Delivery& delivery) override { return text_.show(delivery.event.msg); }
  std::string status() const override { return text_.status(); }
  std::string unfinished() const override { return text_.unfinished(); }

 private:
  TaskText text_;
};

/// With JSON on stdout a person still learns on stderr why the Task failed, and that it is a recording.
void add_words(const protocol::EventMsg& msg, std::vector<Piece>& pieces) {
  const auto* configured = std::get_if<protocol::SessionConfigured>(&msg);
  if (configured != nullptr && configured->replayed) {
    pieces.push_back({Piece::To::kActivity, std::string(kRecording) + "\n"});
  }
  const auto* error = std::get_if<protocol::ErrorEvent>(&msg);
  if (error == nullptr || !error->ends_task) return;
  const base::Error whole{.code = error->code, .message = error->message, .hint = error->hint};
  pieces.push_back({Piece::To::kActivity, "error: " + base::terminal_safe(told(whole)) + "\n"});
}

/// Every line as it was delivered; the durable ones are the bytes of the journal.
class FramesView final : public TaskView {
 public:
  std::vector<Piece> show(const client::Delivery& delivery) override {
    std::vector<Piece> pieces{{Piece::To::kAnswer, *delivery.line + "\n"}};
    add_words(delivery.event.msg, pieces);
    return pieces;
  }
  std::string status() const override { return ""; }
  std::string unfinished() const override { return ""; }
};

class CodexView final : public TaskView {
 public:
  std::vector<Piece> show(const client::Delivery& delivery) override {
    std::vector<Piece> pieces;
    for (std::string& line : events_.translate(delivery.event.msg)) {
      pieces.push_back({Piece::To::kAnswer, std::move(line) + "\n"});
    }
    add_words(delivery.event.msg, pieces);
    return pieces;
  }
  std::string status() const override { return ""; }
  std::string unfinished() const override { return ""; }

 private:
  CodexEvents events_;
};

}  // namespace

std::unique_ptr<TaskView> make_text_view(const Context& context, Answers answers, Messages messages) {
  TaskTextOptions options{.activity = context.err_style,
                          .only_final_answer = answers == Answers::kFinalOnly,
                          .all_messages = messages == Messages::kAll};
  if (is_terminal(context.frontend.out_fd)) options.plain = AnswerText::Plain::kSafe;
  if (is_capable_terminal(context.frontend.out_fd, context.frontend.environment)) {
    options.markdown = MarkdownOptions{.style = context.out_style, .width = text_width(context.frontend.out_fd)};
  }
  return std::make_unique<TextView>(options);
}

std::unique_ptr<TaskView> make_view(const Context& context, JsonMode mode, Answers answers) {
  switch (mode) {
    case JsonMode::kFrames:
      return std::make_unique<FramesView>();
    case JsonMode::kCodex:
      return std::make_unique<CodexView>();
    case JsonMode::kNone:
      break;
  }
  return make_text_view(context, answers, Messages::kSteering);
}

}  // namespace lathe::cli
