#pragma once

#include <map>
#include <string>
#include <vector>

#include "lathe/cli/render/answer_text.h"
#include "lathe/cli/render/spending.h"
#include "lathe/cli/term/style.h"
#include "lathe/protocol/events.h"

namespace lathe::cli {

/// A piece of text and where it goes: the answer to stdout, all else to stderr.
struct Piece {
  enum class To { kAnswer, kActivity };
  To to = To::kActivity;
  std::string text;
  friend bool operator==(const Piece&, const Piece&) = default;
};

struct TaskTextOptions {
  Style activity;
  /// Render the answer; absent: as `plain` says.
  std::optional<MarkdownOptions> markdown;
  AnswerText::Plain plain = AnswerText::Plain::kRaw;
  std::size_t width = 80;
  std::size_t output_lines = 8;
  std::size_t diff_lines = 120;
  std::size_t reasoning_lines = 4;
  /// Nothing of an answer is shown until the Task is done: earlier ones may be refused (--output-schema).
  bool only_final_answer = false;
  /// What persons say is shown, too: whoever sees this did not type it.
  bool all_messages = false;
};

/// The events of a session as text for a person. Pure: events in, pieces out.
class TaskText final {
 public:
  explicit TaskText(TaskTextOptions options) : options_(options), answer_(options.markdown, options.plain) {}

  [[nodiscard]] std::vector<Piece> show(const protocol::EventMsg& msg);
  /// What goes on right now, for a status line; plain text.
  [[nodiscard]] const std::string& status() const { return status_; }
  /// The beginning of what the answer goes on with, while it cannot be rendered yet.
  [[nodiscard]] std::string unfinished() const { return answer_.unfinished(); }

 private:
  struct Visitor;

  TaskTextOptions options_;
  AnswerText answer_;
  std::string status_ = "starting";
  /// Calls that run, with their label.
  std::map<std::string, std::string> running_;
  std::string last_begun_;
  bool configured_ = false;
  Spending spending_;
};

}  // namespace lathe::cli
