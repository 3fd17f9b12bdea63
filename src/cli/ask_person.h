#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "lathe/base/unique_fd.h"
#include "lathe/cli/context.h"
#include "lathe/cli/options.h"
#include "lathe/protocol/events.h"
#include "lathe/protocol/ops.h"

namespace lathe::cli {

/// Whether the event asks a person something.
[[nodiscard]] bool is_question(const protocol::EventMsg& msg);
/// The id of a question, or of the event that settles one; "" of any other event.
[[nodiscard]] std::string question_id(const protocol::EventMsg& msg);
/// The approval question as a person sees it: the command with all that it is given and what a shell makes of it, the
/// changes or the arguments, the rule that asked, how much time is left, and the keys that answer it; several lines.
/// What is long is cut, which it says.
[[nodiscard]] std::string approval_text(const protocol::EventMsg& msg, base::UnixMillis now, const Style& style);
/// All of what the question is about, uncut; `arguments` are those of the call.
[[nodiscard]] std::string whole_approval_text(const protocol::EventMsg& msg, const std::string& arguments,
                                              const Style& style);
/// One line for a list of open questions.
[[nodiscard]] std::string question_label(const protocol::EventMsg& msg);
/// y: once, s: for the session, a: always, n: denied, q: denied, and the Task ends.
[[nodiscard]] std::optional<protocol::Decision> decision_of_key(char key);
/// The op that answers an approval question.
[[nodiscard]] protocol::Op approval_op(const protocol::EventMsg& msg, protocol::Decision decision, std::string note);
/// The arguments of the call with what the person typed instead: of a command its text, else all of them as JSON.
[[nodiscard]] base::Result<base::Json> amended_arguments(const protocol::EventMsg& msg, const std::string& arguments,
                                                         std::string_view typed);
/// A number picks that option, other text is the answer itself.
[[nodiscard]] std::string answer_of_line(const protocol::Question& question, std::string_view line);

/// Who answers the questions of a Task that this front end follows.
class Asker {
 public:
  struct Open {
    protocol::EventMsg question;
    /// Arguments of the call that it is about, as JSON; "" when they are not known.
    std::string arguments = {};
  };
  virtual ~Asker() = default;
  /// The op that answers the question; `cancelled` when the token is.
  virtual runtime::Async<base::Result<protocol::Op>> ask(Open open, runtime::CancelToken cancel) = 0;
  /// Shows more below the question that is being asked; false, and nothing shown, while that would break up a line that
  /// the person types.
  virtual bool tell(std::string_view text) = 0;
};

/// Asks on the controlling terminal, whatever stdin and stdout are.
class TerminalAsker final : public Asker {
 public:
  explicit TerminalAsker(Context& context) : context_(context) {}
  /// Whether there is a terminal to ask on.
  [[nodiscard]] static bool available(const Context& context);
  /// Whether questions are asked there; without a word they are when there is one.
  [[nodiscard]] static bool is_meant(const Context& context, Ask ask);
  runtime::Async<base::Result<protocol::Op>> ask(Open open, runtime::CancelToken cancel) override;
  bool tell(std::string_view text) override;

 private:
  /// The last line of a question that waits for a key.
  struct KeyLine {
    int fd = -1;
    std::string text;
  };
  runtime::Async<base::Result<std::string>> read_keys(int fd, runtime::CancelToken cancel);
  /// A screen of `lines` from `first` on and whether there is more; `first` moves on.
  base::Result<void> show_page(int fd, const std::vector<std::string>& lines, std::size_t& first);
  /// What the person wants to type before an answer: something for the model to read with it, or other arguments.
  enum class Typing { kNote, kChange };
  using Key = std::variant<protocol::Decision, Typing>;
  static std::optional<Typing> typing_of(std::string_view keys);
  runtime::Async<base::Result<Key>> ask_approval(int fd, Open open, runtime::CancelToken cancel);
  runtime::Async<base::Result<std::string>> read_note(int fd, runtime::CancelToken cancel);
  /// A yes with changed arguments; nothing when the person typed none.
  runtime::Async<base::Result<std::optional<protocol::Approval>>> amend(int fd, Open open, runtime::CancelToken cancel);
  runtime::Async<base::Result<protocol::Op>> ask_questions(int fd, protocol::UserQuestion question,
                                                           runtime::CancelToken cancel);
  Context& context_;
  std::optional<KeyLine> key_line_;
};

}  // namespace lathe::cli
