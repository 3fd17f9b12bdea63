#include "lathe/agent/asker.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "lathe/agent/retry.h"
#include "lathe/base/strings.h"
#include "lathe/protocol/error_codes.h"
#include "lathe/runtime/cancel_after.h"

namespace lathe::agent {
namespace {

using base::Error;
using base::Result;
using ports::ModelFailure;
using ports::ResolvedModel;
using runtime::Async;
using runtime::CancelToken;
using runtime::Deadline;

constexpr base::Millis kNearNamesLimit{3'000};

ModelFailure never(Error error) { return {.error = std::move(error), .retry = ports::RetryClass::kNever}; }

/// Another model would fail the same way, or must not be asked.
bool ends_all(const Error& error) {
  return error.code == protocol::error_codes::kContextWindow || error.code == protocol::error_codes::kBudget ||
         error.code == protocol::error_codes::kCassette;
}

/// What holds for every model of a server that took no connection: another wait of seconds for each would end the same.
Error same_server(const std::string& server, const std::string& found_by) {
  return {.code = protocol::error_codes::kUnreachable,
          .message = "its server " + server + " took no connection for " + found_by,
          .hint = "is the server running?",
          .retryable = true};
}

Error no_answer(const std::vector<std::pair<std::string, Error>>& trace) {
  if (trace.size() == 1) return trace.front().second;
  Error error = trace.back().second;
  error.message = "no model could answer";
  for (const auto& [name, why] : trace) {
    error.message += "; " + name + ": " + why.message;
    error.retryable = error.retryable || why.retryable;
  }
  return error;
}

}  // namespace

std::string name_of(const ResolvedModel& model) { return model.backend + "/" + model.model; }

Asker::Asker(runtime::Loop& loop, ports::TaskHost& host, Candidates candidates, const AgentOptions& options,
             BudgetMeter& budget)
    : loop_(loop),
      host_(host),
      candidates_(std::move(candidates)),
      options_(options),
      budget_(budget),
      random_(static_cast<std::uint64_t>(loop.unix_now())) {}

std::vector<ResolvedModel> Asker::ordered() const {
  std::vector<ResolvedModel> models = candidates_();
  if (models.empty() || name_of(models.front()) != first_choice_) return models;
  const auto last = std::ranges::find_if(models, [&](const ResolvedModel& m) { return name_of(m) == fallback_; });
  if (last != models.end()) std::rotate(models.begin(), last, models.end());
  return models;
}

Result<ResolvedModel> Asker::current() const {
  std::vector<ResolvedModel> models = ordered();
  if (!models.empty()) return std::move(models.front());
  return Error{.code = protocol::error_codes::kNoBackend,
               .message = "there is no model to ask",
               .hint = "name one with --model, or add a backend: lathe backend add"};
}

Async<AskResult> Asker::ask(Question question, CancelToken cancel) {
  AskResult result;
  const Result<ResolvedModel> first = current();
  if (!first.ok()) {
    result.error = first.error();
    co_return result;
  }
  const std::vector<ResolvedModel> models = ordered();
  AnswerReader reader(loop_, host_, question.showing);
  std::vector<std::pair<std::string, Error>> trace;
  Unreachable unreachable;
  for (std::size_t i = 0; i < models.size(); ++i) {
    if (i > 0) {
      const Result<void> told = co_await tell_fallback(trace.back().first, trace.back().second, name_of(models[i]));
      if (!told.ok()) {
        result.error = told.error();
        co_return result;
      }
      reader.restart();
    }
    Attempt last = co_await try_candidate(&models[i], &question, &reader, &unreachable, cancel);
    if (last.ending == Ending::kFinished) {
      const std::vector<ResolvedModel> now = candidates_();
      if (!now.empty()) first_choice_ = name_of(now.front());
      fallback_ = name_of(models[i]);
      result.kind = AskResult::Kind::kAnswered;
      result.answer = reader.take_answer();
      result.answer.provider = models[i].connection->provider();
      result.answer.model_name = name_of(models[i]);
      result.answer.facts = models[i].facts;
      co_return result;
    }
    if (last.ending == Ending::kStalled) {
      reader.restart();
      result.kind = AskResult::Kind::kStalled;
      co_return result;
    }
    if (last.failure.error.code == protocol::error_codes::kModelNotFound && !cancel.cancelled()) {
      last.failure.error = co_await with_near_names(std::move(last.failure.error), models[i]);
    }
    if (cancel.cancelled() || ends_all(last.failure.error)) {
      result.error = cancel.cancelled() ? cancel.reason() : last.failure.error;
      // After a cancellation what was shown stays; else it is asked for again.
      if (!cancel.cancelled()) reader.restart();
      result.answer = reader.take_answer();
      co_return result;
    }
    trace.emplace_back(name_of(models[i]), std::move(last.failure.error));
  }
  result.error = no_answer(trace);
  result.answer = reader.take_answer();
  co_return result;
}

Async<Error> Asker::with_near_names(Error error, ResolvedModel model) {
  const auto listed = co_await ports::list_models_within(&loop_, model.connection.get(), kNearNamesLimit);
  if (!listed) co_return error;
  std::vector<std::string> names;
  for (const ports::ModelListing& listing : *listed) names.push_back(listing.model);
  if (std::ranges::find(names, model.model) != names.end()) co_return error;
  const std::string near = base::did_you_mean(model.model, names);
  if (!near.empty()) error.hint = near + " lathe model list --backend " + model.backend + " shows all";
  co_return error;
}

Async<Result<void>> Asker::tell_fallback(std::string failed, Error error, std::string next) {
  protocol::Warning warning{
      .code = "fallback",
      .message = failed + " was skipped (" + error.code + ": " + error.message + "); asking " + next};
  const Result<std::int64_t> recorded = co_await host_.record(std::move(warning));
  if (!recorded.ok()) co_return recorded.error();
  co_return Result<void>();
}

Async<Asker::Attempt> Asker::try_candidate(const ResolvedModel* model, const Question* question, AnswerReader* reader,
                                           Unreachable* unreachable, CancelToken cancel) {
  const auto known = unreachable->find(model->server);
  if (known != unreachable->end()) co_return Attempt{Ending::kFailed, never(same_server(known->first, known->second))};
  Attempt last = co_await try_model(model, question, reader, std::move(cancel));
  const bool connected = last.ending != Ending::kFailed || last.failure.retry != ports::RetryClass::kConnect;
  if (!connected && !model->server.empty()) unreachable->emplace(model->server, name_of(*model));
  co_return last;
}

Async<Asker::Attempt> Asker::try_model(const ResolvedModel* model, const Question* question, AnswerReader* reader,
                                       CancelToken cancel) {
  if (Result<void> priced = budget_.check_price(*model); !priced.ok()) {
    co_return Attempt{Ending::kFailed, never(std::move(priced).error())};
  }
  ports::ModelRequest request = question->request;
  request.model = model->model;
  Retries retries(random_);
  if (model->unreachable_since) retries.unreachable_before(*model->unreachable_since, loop_.mono_now());
  while (true) {
    const Result<std::optional<std::int64_t>> room = budget_.room_for_output(question->input_tokens, model->facts);
    if (!room.ok()) co_return Attempt{Ending::kFailed, never(room.error())};
    request.max_output_tokens = *room;
    Attempt tried = co_await attempt(model, &request, reader, cancel);
    if (tried.begun && tried.ending != Ending::kFinished) {
      budget_.lose(usage_of(reader->answer(), question->input_tokens), model->facts);
    }
    if (tried.ending != Ending::kFailed || cancel.cancelled()) co_return tried;
    const std::optional<Retries::Again> again = retries.after(tried.failure, loop_.mono_now());
    if (!again) co_return tried;
    host_.show(protocol::StreamError{.message = tried.failure.error.message,
                                     .code = tried.failure.error.code,
                                     .attempt = again->attempt,
                                     .of = again->of,
                                     .wait_ms = again->wait.count()});
    const Result<void> waited = co_await loop_.sleep(again->wait, cancel);
    if (!waited.ok()) co_return tried;
    reader->restart();
  }
}

Async<Asker::Attempt> Asker::attempt(const ResolvedModel* model, const ports::ModelRequest* request,
                                     AnswerReader* reader, CancelToken cancel) {
  ports::ModelResult<std::unique_ptr<ports::ModelStream>> opened = co_await model->connection->open(*request, cancel);
  if (!opened.has_value()) co_return Attempt{Ending::kFailed, std::move(opened).error()};
  Attempt tried = co_await read(opened->get(), reader, cancel);
  tried.begun = true;
  co_return tried;
}

Async<Asker::Attempt> Asker::read(ports::ModelStream* stream, AnswerReader* reader, CancelToken cancel) {
  // Runs while the model thinks, whether it does so in words or in silence.
  std::optional<runtime::CancelAfter> thinking;
  while (!reader->answer().finished) {
    ports::ModelResult<std::vector<ports::ModelEvent>> events = co_await stream->next(
        thinking ? thinking->token() : cancel, Deadline::after(loop_, options_.stream_idle_timeout));
    const bool stalled = thinking && thinking->token().cancelled() && !cancel.cancelled();
    if (!events.has_value()) {
      if (stalled) co_return Attempt{Ending::kStalled, {}};
      co_return Attempt{Ending::kFailed, std::move(events).error()};
    }
    if (events->empty()) {
      co_return Attempt{Ending::kFailed,
                        {.error = {.code = protocol::error_codes::kStream,
                                   .message = "the answer ended before it was whole",
                                   .retryable = true},
                         .retry = ports::RetryClass::kStream}};
    }
    for (const ports::ModelEvent& event : *events) {
      const auto* notice = std::get_if<ports::ModelNotice>(&event);
      if (notice == nullptr) continue;
      protocol::Warning warning{.code = notice->code, .message = notice->message};
      const Result<std::int64_t> recorded = co_await host_.record(std::move(warning));
      if (!recorded.ok()) co_return Attempt{Ending::kFailed, never(recorded.error())};
    }
    co_await reader->take(*std::move(events));
    if (!reader->thinking()) {
      thinking.reset();
    } else if (!thinking) {
      thinking.emplace(loop_, cancel, options_.thinking_stall_timeout,
                       runtime::cancelled_error("the model thinks without end"));
    } else if (stalled) {
      co_return Attempt{Ending::kStalled, {}};
    }
  }
  co_return Attempt{Ending::kFinished, {}};
}

}  // namespace lathe::agent
