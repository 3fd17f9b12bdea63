#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "lathe/agent/asker.h"
#include "lathe/agent/budget.h"
#include "lathe/agent/compaction.h"
#include "lathe/agent/dispatch.h"
#include "lathe/agent/images.h"
#include "lathe/agent/native_driver.h"
#include "lathe/agent/options.h"

// One run of a Task: from its start, or from where it parked, to its end.
//
//   begin: results for calls left over, context that the model has not seen
//      │
//      v
//   turn: compact when due ─> ask ─> record the answer ─> run its calls ─> turn_complete
//      ^                                                                        │
//      └──── it called tools, or a message was steered in, or the schema ───────┤
//            is not followed                                                    └─> done
//
// Every step gives a Result; the code of its error says how the Task ends (end_of).

namespace lathe::agent {

class TaskRun final {
 public:
  /// `told_problems`: what of the project's documents and the catalogue was warned of already.
  TaskRun(const AgentParts& parts, const AgentOptions& options, ports::TaskRequest request, ports::TaskHost& host,
          std::set<std::string>& told_problems);

  /// The text of the last answer. `cancel` is also cancelled when the time is spent.
  runtime::Async<base::Result<std::string>> run(runtime::CancelToken cancel);
  [[nodiscard]] const std::string& diff() const { return dispatcher_.diff(); }

 private:
  using Done = std::optional<std::string>;

  // Before the first Turn.
  runtime::Async<base::Result<void>> begin();
  runtime::Async<base::Result<void>> finish_open_calls();
  runtime::Async<base::Result<void>> refresh_context();
  /// Tells the model of jobs that ended since it was last asked.
  runtime::Async<base::Result<void>> tell_job_news();
  runtime::Async<base::Result<std::string>> catalog_words();
  /// Reads the skills that new words of the person name.
  runtime::Async<base::Result<void>> add_mentioned_skills();
  runtime::Async<base::Result<void>> add_context(protocol::ContextKind kind, std::string text);

  // A Turn.
  runtime::Async<base::Result<Done>> turn();
  runtime::Async<base::Result<Answer>> ask();
  runtime::Async<base::Result<Question>> build_question(ports::Thinking thinking);
  /// Takes the texts out of the answer.
  runtime::Async<base::Result<void>> record_parts(Answer* answer);
  runtime::Async<base::Result<void>> run_calls(Answer answer, protocol::ToolCalls told);
  runtime::Async<base::Result<void>> complete_turn(protocol::ToolCalls told);
  runtime::Async<base::Result<void>> warn(std::string code, std::string message);

  // After the last Turn.
  /// Of a Task that asked for one.
  runtime::Async<base::Result<bool>> follows_schema(std::string text);

  // Compaction.
  /// At compact_at_percent of the window. When it fails and the request fits all the same, the Task goes on.
  runtime::Async<base::Result<void>> compact_if_due();
  /// Compacts and gives the model its facts again. `nothing` is the error when there is nothing to compact.
  runtime::Async<base::Result<void>> compact(std::int64_t keep_tokens, std::optional<base::Error> nothing);
  [[nodiscard]] std::int64_t keep_tokens() const;

  runtime::Async<base::Result<void>> record(protocol::EventMsg msg);
  void show_news();
  [[nodiscard]] std::int64_t window() const;
  [[nodiscard]] std::int64_t fixed_tokens() const;
  [[nodiscard]] std::int64_t output_tokens() const;

  const AgentParts& parts_;
  const AgentOptions& options_;
  const ports::TaskRequest request_;
  ports::TaskHost& host_;
  std::vector<ports::ToolSpec> tools_;
  BudgetMeter budget_;
  Asker asker_;
  Dispatcher dispatcher_;
  Images images_;
  Compactor compactor_;
  runtime::CancelToken cancel_;

  std::set<std::string>& told_problems_;
  /// Words of the person up to this record were looked through for skills.
  std::int64_t looked_at_seq_ = 0;
  /// The last record that the newest request knew of.
  std::int64_t asked_at_seq_ = 0;
  /// A message came in while the model answered, so it stands before that answer.
  bool steered_behind_answer_ = false;
  bool schema_repaired_ = false;
  bool usage_warned_ = false;
  /// The context is not compacted before it has so many tokens: it was compacted lately, or that failed.
  std::int64_t next_compaction_at_ = 0;
};

}  // namespace lathe::agent
