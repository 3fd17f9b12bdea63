#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "lathe/base/clock.h"
#include "lathe/base/json.h"
#include "lathe/protocol/frames.h"

// A session as the log that agentruntime's clients read (agentruntime "Event envelope", "Normalized payloads"): lines
// of NDJSON, {"type","data","offset","timestamp"}, whose offset is the byte after them. It is nothing that is stored: a
// pure function of the session's records, so a cursor into it holds over restarts (ARCHITECTURE 4.5).
//
//   agent_message   what the model said               result     a Task's end, with what it used
//   tool_use        a call that the model asks for    error      what failed, before the result that it leads to
//   tool_result     its end                           exit       the session's end; the last line unless it goes on
//   progress        reasoning, plan, sub-agents       system     everything else that was recorded
//
// A session ends with its Task, and goes on when another one starts. One that was made interactive ends only when it is
// archived, which is no record and so no line. Who resumes one says anew which it is.

namespace lathe::gateways::http {

/// Who the engine is told makes sessions and ops here, and how the id of an op begins that makes one interactive, or
/// one that ends with its Task.
inline constexpr std::string_view kAgentruntimeClient = "agentruntime";
inline constexpr std::string_view kInteractiveOp = "interactive";
inline constexpr std::string_view kOnceOp = "once";

/// agentruntime "exit data".
struct AgentruntimeExit {
  int code = 0;
  /// Empty when all went well, like the category.
  std::string detail;
  std::string category;
  bool retryable = false;
  friend bool operator==(const AgentruntimeExit&, const AgentruntimeExit&) = default;
};
[[nodiscard]] base::Json json_of(const AgentruntimeExit& exit);
/// The data of an `error`.
[[nodiscard]] base::Json error_data(std::string_view message, std::string_view category, bool retryable);

/// Where a session stands after the records that were added.
struct AgentruntimeStanding {
  bool interactive = false;
  bool task_runs = false;
  /// How its last Task ended; nothing while one runs.
  std::optional<AgentruntimeExit> last_end;
  base::UnixMillis ended_at = 0;
  std::int64_t tool_calls = 0;

  /// What ended the session, when it has.
  [[nodiscard]] std::optional<AgentruntimeExit> exit(bool archived) const;
};

/// A value; records are added in order, from the first.
class AgentruntimeLog final {
 public:
  /// The lines that a record makes, each with its newline; empty for one that makes none.
  [[nodiscard]] std::string add(const protocol::Event& record);
  /// The line of a passing event. It is not part of the log: its offset is where the log ends. Empty for most.
  [[nodiscard]] std::string show(const protocol::Event& passing) const;
  /// A line of this type that is not part of the log either.
  [[nodiscard]] std::string aside(std::string_view type, const base::Json& data, base::UnixMillis when) const;

  [[nodiscard]] std::int64_t size() const { return size_; }
  [[nodiscard]] const AgentruntimeStanding& standing() const { return standing_; }

 private:
  struct Visitor;
  /// What the running Task used so far.
  struct Use {
    std::string task;
    base::UnixMillis began = 0;
    std::int64_t turns = 0;
    protocol::Usage usage;
    /// Nothing when a price is unknown.
    std::optional<std::int64_t> cost_micro_usd = 0;
    /// Of an answer whose Turn has not ended.
    std::optional<protocol::ToolCalls> answer;
  };

  void put(std::string_view type, const base::Json& data);
  void put_result(std::string_view status, const Use& use, std::int64_t duration_ms);
  void end_task(AgentruntimeExit how);

  std::int64_t size_ = 0;
  AgentruntimeStanding standing_;
  std::string model_;
  Use use_;
  /// Tools of calls that have not ended.
  std::map<std::string, std::string> tools_;
  /// Of the record that is being added.
  base::UnixMillis now_ = 0;
  std::string session_;
  std::string lines_;
};

}  // namespace lathe::gateways::http
