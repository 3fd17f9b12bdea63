#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "lathe/ports/model.h"
#include "lathe/ports/model_directory.h"
#include "lathe/runtime/loop.h"

namespace lathe::fakes {

/// One step of an answer: events that arrive together, a silence, a break of the stream, or something that happens
/// while it is read.
using Events = std::vector<ports::ModelEvent>;
struct Silence {
  std::chrono::milliseconds span;
};
struct Break {
  ports::ModelFailure failure;
};
struct Meanwhile {
  std::function<void()> what;
};
using Step = std::variant<Events, Silence, Break, Meanwhile>;

struct ScriptedAnswer {
  std::vector<Step> steps;
  /// The request itself fails.
  std::optional<ports::ModelFailure> refused = std::nullopt;
};

/// A model that gives scripted answers in order and keeps the requests. It refuses a request in which a call has not
/// exactly one result. With no answer left it says "done".
class ScriptedModel final : public ports::Model {
 public:
  explicit ScriptedModel(runtime::Loop& loop, std::string provider = "scripted")
      : loop_(loop), provider_(std::move(provider)) {}

  void answer(ScriptedAnswer answer) { answers_.push_back(std::move(answer)); }
  /// A message and the end.
  void say(std::string text);
  /// Calls and the end; {tool, arguments} each, with ids "c1", "c2", … counted over all answers.
  void call(std::vector<std::pair<std::string, std::string>> calls);
  void refuse(ports::ModelFailure failure) { answers_.push_back({.steps = {}, .refused = std::move(failure)}); }

  [[nodiscard]] const std::vector<ports::ModelRequest>& requests() const { return requests_; }
  [[nodiscard]] std::size_t left() const { return answers_.size(); }
  /// Usage of every answer made by say() and call().
  protocol::Usage usage{.input_tokens = 100, .output_tokens = 10};

  [[nodiscard]] std::string_view provider() const override { return provider_; }
  runtime::Async<ports::ModelResult<std::unique_ptr<ports::ModelStream>>> open(ports::ModelRequest request,
                                                                               runtime::CancelToken cancel) override;
  runtime::Async<ports::ModelResult<std::vector<ports::ModelListing>>> list_models(
      runtime::CancelToken cancel) override;

 private:
  runtime::Loop& loop_;
  std::string provider_;
  std::deque<ScriptedAnswer> answers_;
  std::vector<ports::ModelRequest> requests_;
  int calls_made_ = 0;
};

/// What is wrong with the calls and results of a request; empty when every call has exactly one result, after all calls
/// of its answer and in their order.
[[nodiscard]] std::string pairing_problem(const std::vector<ports::ModelItem>& items);

/// The events that end an answer.
[[nodiscard]] Events finish(ports::FinishReason reason = ports::FinishReason::kStop,
                            std::optional<protocol::Usage> usage = protocol::Usage{.input_tokens = 100,
                                                                                   .output_tokens = 10});
[[nodiscard]] ports::ModelFailure failure(std::string code, ports::RetryClass retry, std::string message = "it failed");

}  // namespace lathe::fakes
