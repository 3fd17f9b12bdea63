#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "lathe/cli/ask_person.h"
#include "lathe/cli/chat_input.h"
#include "lathe/cli/context.h"
#include "lathe/cli/follow_task.h"
#include "lathe/cli/task_view.h"
#include "lathe/cli/term/screen.h"
#include "lathe/cli/term/stops.h"
#include "lathe/client/transport.h"
#include "lathe/runtime/scope.h"

namespace lathe::cli {

/// Where a person follows a session and talks to it (chat, attach): what happens above, the input line below. A
/// question puts the line away until it is answered. Signals are taken over from its construction on. Loop thread.
class ConversationTerminal final : public Asker {
 public:
  /// Takes from input() what is typed, until the token or the end of the input.
  using TakeLines = std::function<runtime::Async<void>(runtime::CancelToken)>;

  ConversationTerminal(Context& context, Messages messages, std::string history_file, TakeLines take_lines);

  [[nodiscard]] TaskView& view() { return *view_; }
  [[nodiscard]] Screen& screen() { return screen_; }
  [[nodiscard]] Stops& stops() { return stops_; }
  [[nodiscard]] ChatInput& input() { return input_; }

  /// Gives the session an op that came from the line, or another one between Tasks. Where rules of its project changed
  /// since they were trusted, the line is put away for the question about them.
  runtime::Async<base::Result<protocol::Ack>> submit(client::Transport* engine, std::string session, protocol::Op op,
                                                     protocol::AskMode ask, runtime::CancelToken cancel);

  /// Has what is typed taken beside a Task, until stop_listening(), which comes before this goes.
  void listen();
  runtime::Async<void> stop_listening();

  /// To follow here what comes in that session behind a record.
  [[nodiscard]] FollowRequest request(client::Transport* engine, std::string session, std::int64_t after_seq, Ask ask);

  runtime::Async<base::Result<protocol::Op>> ask(Open open, runtime::CancelToken cancel) override;
  bool tell(std::string_view text) override { return asker_.tell(text); }

 private:
  /// Asks in the place of the line, for whoever took what was typed there and takes nothing more until the answer.
  class LineAsker final : public Asker {
   public:
    explicit LineAsker(ConversationTerminal& terminal) : terminal_(terminal) {}
    runtime::Async<base::Result<protocol::Op>> ask(Open open, runtime::CancelToken cancel) override;
    bool tell(std::string_view text) override { return terminal_.asker_.tell(text); }

   private:
    ConversationTerminal& terminal_;
  };

  Context& context_;
  const TakeLines take_lines_;
  const std::unique_ptr<TaskView> view_;
  Screen screen_;
  Stops stops_;
  ChatInput input_;
  TerminalAsker asker_;
  std::optional<runtime::Scope> listening_;
};

}  // namespace lathe::cli
