#pragma once

#include <memory>
#include <string>
#include <vector>

#include "lathe/cli/context.h"
#include "lathe/cli/options.h"
#include "lathe/cli/render/task_text.h"

namespace lathe::cli {

/// What a person or a program sees of a Task that is followed.
class TaskView {
 public:
  virtual ~TaskView() = default;
  [[nodiscard]] virtual std::vector<Piece> show(const client::Delivery& delivery) = 0;
  /// What goes on now; "" when it does not say.
  [[nodiscard]] virtual std::string status() const = 0;
  /// What came of an answer and show() holds back for now, as it came.
  [[nodiscard]] virtual std::string unfinished() const = 0;
};

enum class Answers {
  kAsTheyCome,
  /// Only what the Task ends with.
  kFinalOnly,
};

/// What persons say to the model.
enum class Messages {
  /// Whoever reads the view typed it, but for what reached a Task that ran.
  kSteering,
  kAll,
};

/// Text for a person: Markdown is rendered when stdout is a terminal.
[[nodiscard]] std::unique_ptr<TaskView> make_text_view(const Context& context, Answers answers, Messages messages);
/// The one that the options ask for.
[[nodiscard]] std::unique_ptr<TaskView> make_view(const Context& context, JsonMode mode, Answers answers);

}  // namespace lathe::cli
