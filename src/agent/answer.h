#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lathe/base/json.h"
#include "lathe/ports/driver.h"
#include "lathe/ports/model.h"
#include "lathe/ports/model_directory.h"
#include "lathe/protocol/items.h"
#include "lathe/runtime/async.h"
#include "lathe/runtime/loop.h"

namespace lathe::agent {

/// A message or a block of reasoning in an answer.
struct AnswerPart {
  ports::DraftKind kind = ports::DraftKind::kMessage;
  /// Its item id.
  std::string item;
  std::string text;
  std::optional<base::Json> opaque;
  /// Nothing more comes.
  bool whole = false;
};

/// What a model answered, or as much of it as came.
struct Answer {
  std::vector<AnswerPart> parts;
  std::vector<protocol::ToolCall> calls;
  /// The model is done; else it was cut off.
  bool finished = false;
  ports::FinishReason reason = ports::FinishReason::kStop;
  std::optional<protocol::Usage> usage;
  std::string provider_response_id;
  /// Who answered.
  std::string provider;
  std::string model_name;
  ports::ModelFacts facts;

  /// The text of all messages.
  [[nodiscard]] std::string text() const;
  /// Bytes of everything that the model wrote.
  [[nodiscard]] std::int64_t bytes() const;
};

/// Usage as the provider told it, or by length when it told none.
[[nodiscard]] protocol::Usage usage_of(const Answer& answer, std::int64_t input_tokens);

/// Where an answer's text is shown while it comes.
enum class Showing { kShown, kHidden };

/// Puts an answer together from a stream's events and shows its text as it comes, one delta for what arrived together;
/// of a very long text one after the other, with the loop's other work between them.
///
/// A stream that is tried again starts with restart(): what was shown is taken back, and the items of the next attempt
/// get the same ids in the same order.
class AnswerReader final {
 public:
  AnswerReader(runtime::Loop& loop, ports::TaskHost& host, Showing showing)
      : loop_(loop), host_(host), showing_(showing) {}

  /// Notices are not taken: they are the caller's.
  runtime::Async<void> take(std::vector<ports::ModelEvent> events);
  void restart();

  [[nodiscard]] const Answer& answer() const { return answer_; }
  [[nodiscard]] Answer take_answer() { return std::move(answer_); }
  /// The last thing that came was reasoning that goes on.
  [[nodiscard]] bool thinking() const;

 private:
  runtime::Async<void> take_long_text(ports::DraftKind kind, std::string text);
  void add_text(ports::DraftKind kind, std::string_view text);
  void end_part();
  void end_reasoning(ports::ReasoningDone done);
  void show_pending();
  AnswerPart& begin_part(ports::DraftKind kind);
  [[nodiscard]] AnswerPart* open_part();

  runtime::Loop& loop_;
  ports::TaskHost& host_;
  Showing showing_;
  Answer answer_;
  /// Text at the end of the open part that is not shown yet.
  std::size_t pending_bytes_ = 0;
  /// Ids given so far, by order; a restart goes through them anew.
  std::vector<std::string> message_ids_;
  std::vector<std::string> reasoning_ids_;
};

}  // namespace lathe::agent
