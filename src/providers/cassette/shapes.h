#pragma once

#include <string>
#include <vector>

#include "lathe/base/json.h"
#include "lathe/base/result.h"
#include "lathe/ports/driver.h"
#include "lathe/ports/model.h"
#include "lathe/ports/tool.h"

// How what passes through a cassette stands on the tape.

namespace lathe::providers::cassette {

/// What the model is asked, without what means nothing to it: the cache key, and which provider reasoned earlier (a
/// replay is another one).
[[nodiscard]] base::Json request_to_json(const ports::ModelRequest& request);

[[nodiscard]] base::Json events_to_json(const std::vector<ports::ModelEvent>& events);
[[nodiscard]] base::Result<std::vector<ports::ModelEvent>> events_from_json(const base::Json& json);

[[nodiscard]] base::Json error_to_json(const base::Error& error);
[[nodiscard]] base::Error error_from_json(const base::Json& json);
[[nodiscard]] base::Json failure_to_json(const ports::ModelFailure& failure);
[[nodiscard]] ports::ModelFailure failure_from_json(const base::Json& json);

[[nodiscard]] base::Json messages_to_json(const std::vector<protocol::EventMsg>& messages);
[[nodiscard]] base::Result<std::vector<protocol::EventMsg>> messages_from_json(const base::Json& json);

/// What an event tells of a call before it begins: the command, or the changes of files. Empty for any other call.
[[nodiscard]] base::Json begin_to_json(const ports::Action& action);
/// `action` with what was told of it then.
[[nodiscard]] base::Result<ports::Action> with_begin(ports::Action action, const base::Json& begin);

/// What the gate said about a call.
[[nodiscard]] base::Json gate_answer_to_json(const ports::GateAnswer& answer);
[[nodiscard]] ports::GateAnswer gate_answer_from_json(const base::Json& json);

[[nodiscard]] base::Json run_result_to_json(const ports::RunResult& result);
[[nodiscard]] base::Result<ports::RunResult> run_result_from_json(const base::Json& json);

}  // namespace lathe::providers::cassette
