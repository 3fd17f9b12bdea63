#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "lathe/agent/answer.h"
#include "lathe/agent/budget.h"
#include "lathe/agent/options.h"
#include "lathe/base/ids.h"
#include "lathe/ports/driver.h"
#include "lathe/ports/model.h"
#include "lathe/ports/model_directory.h"
#include "lathe/runtime/async.h"
#include "lathe/runtime/cancel.h"
#include "lathe/runtime/loop.h"

// Gets one answer, whatever it takes: retries of one model, then the next model of the list. A stream that broke off is
// asked for anew from the start; since calls only count once an answer is whole, no tool runs twice.
//
//   candidate 1: attempt ─fail─> wait ─> attempt ─fail─> … ─> given up ─> candidate 2 …
//                        └─ answer                             (why: a warning, and the final error)

namespace lathe::agent {

struct Question {
  /// Without the model's name.
  ports::ModelRequest request;
  /// Tokens of the request, for the budget.
  std::int64_t input_tokens = 0;
  Showing showing = Showing::kShown;
};

struct AskResult {
  enum class Kind {
    kAnswered,
    /// The model thought on and on; what it thought is taken back.
    kStalled,
    /// `error`. After a cancellation or the last failed attempt `answer` has what came until then.
    kFailed,
  };
  Kind kind = Kind::kFailed;
  Answer answer;
  base::Error error;
};

/// Asks the models of one Task. Owned by the Task's run, on the loop.
class Asker final {
 public:
  using Candidates = std::function<std::vector<ports::ResolvedModel>()>;

  Asker(runtime::Loop& loop, ports::TaskHost& host, Candidates candidates, const AgentOptions& options,
        BudgetMeter& budget);

  /// The model that is asked first now; `no_backend` when there is none.
  [[nodiscard]] base::Result<ports::ResolvedModel> current() const;
  runtime::Async<AskResult> ask(Question question, runtime::CancelToken cancel);

 private:
  enum class Ending { kFinished, kStalled, kFailed };
  struct Attempt {
    Ending ending = Ending::kFailed;
    ports::ModelFailure failure;
    /// The model began to answer.
    bool begun = false;
  };
  /// Servers that took no connection for this answer, each with the model that was asked there.
  using Unreachable = std::map<std::string, std::string>;
  /// try_model(), unless its server is known to be unreachable.
  runtime::Async<Attempt> try_candidate(const ports::ResolvedModel* model, const Question* question,
                                        AnswerReader* reader, Unreachable* unreachable, runtime::CancelToken cancel);
  /// All attempts at one model.
  runtime::Async<Attempt> try_model(const ports::ResolvedModel* model, const Question* question, AnswerReader* reader,
                                    runtime::CancelToken cancel);
  runtime::Async<Attempt> attempt(const ports::ResolvedModel* model, const ports::ModelRequest* request,
                                  AnswerReader* reader, runtime::CancelToken cancel);
  runtime::Async<Attempt> read(ports::ModelStream* stream, AnswerReader* reader, runtime::CancelToken cancel);
  /// The error with the names of models that the server has and that look like this one.
  runtime::Async<base::Error> with_near_names(base::Error error, ports::ResolvedModel model);
  /// In the order in which they are asked: the one that answered last, then the others.
  [[nodiscard]] std::vector<ports::ResolvedModel> ordered() const;
  runtime::Async<base::Result<void>> tell_fallback(std::string failed, base::Error error, std::string next);

  runtime::Loop& loop_;
  ports::TaskHost& host_;
  Candidates candidates_;
  const AgentOptions& options_;
  BudgetMeter& budget_;
  base::SeededRandom random_;
  /// The first choice when a fallback last answered, and that fallback.
  std::string first_choice_;
  std::string fallback_;
};

/// "backend/model"
[[nodiscard]] std::string name_of(const ports::ResolvedModel& model);

}  // namespace lathe::agent
