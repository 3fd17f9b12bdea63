#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lathe/ports/session_state.h"
#include "lathe/protocol/frames.h"
#include "lathe/telemetry/span.h"

// Events as spans, by the semantic conventions for generative AI (opentelemetry.io "Semantic conventions for generative
// client AI spans", "… agent spans"; they are in development, this is how 1.37 and later have them):
//
//   invoke_agent AGENT        a Task; its trace is named by the Task's id
//     chat MODEL              a Turn's model request: from the end of what came before it to the end of the answer
//     execute_tool TOOL       a call, with the question about it and its answer as moments
//       invoke_agent AGENT    the Task of a sub-agent that the call spawned, in the same trace
//
// The ids of spans follow from those of Task, Turn and call, so that nothing has to be kept beyond the Task that runs.
// No span holds words of people or models, arguments, output, paths or titles.

namespace lathe::telemetry {

/// A value; one for all sessions of a process.
class SpanBuilder final {
 public:
  /// A session that an earlier process may have worked in.
  void know(const ports::SessionState& state);
  /// The spans that this event ends; their order is that of their ends.
  [[nodiscard]] std::vector<Span> take(const protocol::Event& event);

 private:
  struct Taking;
  /// The call that a sub-agent works for.
  struct Spawner {
    std::string session = {};
    std::string task = {};
    std::string call_id = {};
  };
  struct Session {
    std::string provider = {};
    std::string agent = {};
    std::string parent_session = {};
    std::optional<Spawner> spawner = {};
  };
  struct Call {
    std::string tool = {};
    base::UnixMillis start = 0;
    std::vector<SpanMoment> moments = {};
  };
  /// One that has not ended.
  struct Task {
    std::string id = {};
    std::string trace = {};
    /// The span that it is below; "" of a person's.
    std::string parent_span = {};
    base::UnixMillis start = 0;
    /// When the model could be asked next.
    base::UnixMillis turn_start = 0;
    std::int64_t turns = 0;
    std::string model = {};
    /// The answer of a Turn that goes on with its calls, and when it was there.
    std::optional<protocol::ToolCalls> answer = {};
    base::UnixMillis answered = 0;
    std::map<std::string, Call> calls = {};
    std::vector<SpanMoment> moments = {};
  };

  /// What is known of a session, to be added to.
  Session& about(const std::string& session);
  void configured(const std::string& session, const protocol::SessionConfigured& config);

  std::map<std::string, Session> sessions_;
  std::map<std::string, Task> tasks_;
};

}  // namespace lathe::telemetry
