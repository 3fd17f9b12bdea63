#include "lathe/cli/conversation_terminal.h"

#include <utility>

#include "lathe/cli/trust_question.h"

namespace lathe::cli {

using base::Result;
using runtime::Async;

ConversationTerminal::ConversationTerminal(Context& context, Messages messages, std::string history_file,
                                           TakeLines take_lines)
    : context_(context),
      take_lines_(std::move(take_lines)),
      view_(make_text_view(context, Answers::kAsTheyCome, messages)),
      screen_(context),
      stops_(context),
      input_(context, screen_, std::move(history_file)),
      asker_(context) {}

Async<Result<protocol::Ack>> ConversationTerminal::submit(client::Transport* engine, std::string session,
                                                          protocol::Op op, protocol::AskMode ask,
                                                          runtime::CancelToken cancel) {
  LineAsker asker(*this);
  co_return co_await submit_once_trusted(&context_, engine, std::move(session), std::move(op),
                                         {.ask = ask, .asker = &asker, .cancel = std::move(cancel)});
}

Async<Result<protocol::Op>> ConversationTerminal::LineAsker::ask(Open open, runtime::CancelToken cancel) {
  terminal_.input_.pause();
  return terminal_.asker_.ask(std::move(open), std::move(cancel));
}

void ConversationTerminal::listen() {
  listening_.emplace(context_.loop);
  listening_->spawn(take_lines_(listening_->token()));
}

Async<void> ConversationTerminal::stop_listening() {
  if (!listening_) co_return;
  co_await listening_->stop();
  listening_.reset();
}

FollowRequest ConversationTerminal::request(client::Transport* engine, std::string session, std::int64_t after_seq,
                                            Ask ask) {
  return {.transport = engine,
          .session = std::move(session),
          .after_seq = after_seq,
          .view = view_.get(),
          .screen = &screen_,
          .stops = &stops_,
          .asker = TerminalAsker::is_meant(context_, ask) ? this : nullptr,
          .hint = "type to steer, Ctrl-C to stop",
          .person_reads = true};
}

Async<Result<protocol::Op>> ConversationTerminal::ask(Open open, runtime::CancelToken cancel) {
  const bool listened = listening_.has_value();
  co_await stop_listening();
  input_.pause();
  Result<protocol::Op> op = co_await asker_.ask(std::move(open), cancel);
  if (listened) listen();
  co_return op;
}

}  // namespace lathe::cli
