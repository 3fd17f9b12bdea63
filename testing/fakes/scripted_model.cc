#include "lathe/fakes/scripted_model.h"

#include <utility>

#include "lathe/protocol/error_codes.h"
#include "lathe/runtime/signal.h"

namespace lathe::fakes {

using ports::ModelFailure;
using ports::ModelResult;
using runtime::Async;
using runtime::CancelToken;
using runtime::Deadline;

namespace {

class ScriptedStream final : public ports::ModelStream {
 public:
  ScriptedStream(runtime::Loop& loop, std::vector<Step> steps) : loop_(loop), never_(loop), steps_(std::move(steps)) {}

  Async<ModelResult<std::vector<ports::ModelEvent>>> next(CancelToken cancel, Deadline deadline) override {
    co_await loop_.yield();
    while (at_ < steps_.size()) {
      if (cancel.cancelled()) co_return std::unexpected(cut(cancel.reason()));
      Step& step = steps_[at_];
      if (auto* silence = std::get_if<Silence>(&step)) {
        const Deadline over = Deadline::after(loop_, silence->span);
        const base::Result<void> waited = co_await never_.wait(cancel, over.sooner(deadline));
        if (cancel.cancelled()) co_return std::unexpected(cut(waited.error()));
        if (deadline.passed(loop_)) co_return std::unexpected(cut(waited.error()));
        ++at_;
        continue;
      }
      ++at_;
      if (auto* meanwhile = std::get_if<Meanwhile>(&step)) {
        meanwhile->what();
        continue;
      }
      if (auto* broken = std::get_if<Break>(&step)) co_return std::unexpected(broken->failure);
      co_return std::move(std::get<Events>(step));
    }
    co_return std::vector<ports::ModelEvent>();
  }

 private:
  static ModelFailure cut(base::Error error) {
    return {.error = std::move(error), .retry = ports::RetryClass::kStream};
  }

  runtime::Loop& loop_;
  runtime::Signal never_;
  std::vector<Step> steps_;
  std::size_t at_ = 0;
};

}  // namespace

Events finish(ports::FinishReason reason, std::optional<protocol::Usage> usage) {
  return {ports::Finished{.reason = reason, .usage = usage, .provider_response_id = "theirs"}};
}

ModelFailure failure(std::string code, ports::RetryClass retry, std::string message) {
  return {.error = {.code = std::move(code), .message = std::move(message)}, .retry = retry};
}

std::string pairing_problem(const std::vector<ports::ModelItem>& items) {
  std::vector<std::string> waiting;
  std::size_t answered = 0;
  for (const ports::ModelItem& item : items) {
    if (const auto* result = std::get_if<ports::ToolResultItem>(&item)) {
      if (answered == waiting.size()) return "result of " + result->call_id + " has no call";
      if (waiting[answered] != result->call_id) return "result of " + result->call_id + " is out of order";
      ++answered;
      continue;
    }
    if (answered > 0) {
      if (answered < waiting.size()) return "call " + waiting[answered] + " has no result";
      waiting.clear();
      answered = 0;
    }
    if (const auto* call = std::get_if<ports::AssistantCallItem>(&item)) {
      waiting.push_back(call->call.call_id);
    } else if (!waiting.empty()) {
      return "call " + waiting.front() + " is not followed by its result";
    }
  }
  if (answered < waiting.size()) return "call " + waiting[answered] + " has no result";
  return {};
}

void ScriptedModel::say(std::string text) {
  answer({.steps = {Events{ports::TextDelta{std::move(text)}, ports::TextDone{}},
                    finish(ports::FinishReason::kStop, usage)}});
}

void ScriptedModel::call(std::vector<std::pair<std::string, std::string>> calls) {
  Events events;
  for (auto& [tool, arguments] : calls) {
    events.emplace_back(ports::CallDone{
        {.call_id = "c" + std::to_string(++calls_made_), .tool = std::move(tool), .arguments = std::move(arguments)}});
  }
  answer({.steps = {std::move(events), finish(ports::FinishReason::kToolCalls, usage)}});
}

Async<ModelResult<std::unique_ptr<ports::ModelStream>>> ScriptedModel::open(ports::ModelRequest request,
                                                                            CancelToken cancel) {
  co_await loop_.yield();
  if (cancel.cancelled()) {
    co_return std::unexpected(ModelFailure{.error = cancel.reason(), .retry = ports::RetryClass::kNever});
  }
  const std::string problem = pairing_problem(request.items);
  requests_.push_back(std::move(request));
  if (!problem.empty()) {
    co_return std::unexpected(failure(protocol::error_codes::kBadRequest, ports::RetryClass::kNever, problem));
  }
  if (answers_.empty()) say("done");
  ScriptedAnswer answer = std::move(answers_.front());
  answers_.pop_front();
  if (answer.refused) co_return std::unexpected(*answer.refused);
  co_return std::unique_ptr<ports::ModelStream>(std::make_unique<ScriptedStream>(loop_, std::move(answer.steps)));
}

Async<ModelResult<std::vector<ports::ModelListing>>> ScriptedModel::list_models(CancelToken) {
  std::vector<ports::ModelListing> models;
  models.push_back({.model = "scripted", .context_window = 0});
  co_return std::move(models);
}

}  // namespace lathe::fakes
