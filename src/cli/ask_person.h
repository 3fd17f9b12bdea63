#pragma once

#include <optional>
#include <string>

#include "lathe/base/unique_fd.h"
#include "lathe/cli/context.h"
#include "lathe/protocol/events.h"
#include "lathe/protocol/ops.h"

namespace lathe::cli {

/// Whether the event asks a person something.
[[nodiscard]] bool is_question(const protocol::EventMsg& msg);
/// The approval question as a person sees it, with the keys that answer it; several lines.
[[nodiscard]] std::string approval_text(const protocol::EventMsg& msg, const Style& style);
/// y or o: once, s: for the session, n or d: denied, a: abort the Task.
[[nodiscard]] std::optional<protocol::Decision> decision_of_key(char key);
/// The op that answers an approval question.
[[nodiscard]] protocol::Op approval_op(const protocol::EventMsg& msg, protocol::Decision decision, std::string note);
/// A number picks that option, other text is the answer itself.
[[nodiscard]] std::string answer_of_line(const protocol::Question& question, std::string_view line);

/// Who answers the questions of a Task that this front end follows.
class Asker {
 public:
  virtual ~Asker() = default;
  /// The op that answers `question`; `cancelled` when the token is.
  virtual runtime::Async<base::Result<protocol::Op>> ask(protocol::EventMsg question, runtime::CancelToken cancel) = 0;
};

/// Asks on the controlling terminal, whatever stdin and stdout are.
class TerminalAsker final : public Asker {
 public:
  explicit TerminalAsker(Context& context) : context_(context) {}
  /// Whether there is a terminal to ask on.
  [[nodiscard]] static bool available(const Context& context);
  runtime::Async<base::Result<protocol::Op>> ask(protocol::EventMsg question, runtime::CancelToken cancel) override;

 private:
  runtime::Async<base::Result<std::string>> read_keys(int fd, runtime::CancelToken cancel);
  runtime::Async<base::Result<protocol::Op>> ask_approval(int fd, protocol::EventMsg question,
                                                          runtime::CancelToken cancel);
  runtime::Async<base::Result<protocol::Op>> ask_questions(int fd, protocol::UserQuestion question,
                                                           runtime::CancelToken cancel);
  Context& context_;
};

}  // namespace lathe::cli
