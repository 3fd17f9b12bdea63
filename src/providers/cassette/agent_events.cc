#include "lathe/providers/cassette/agent_events.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "lathe/providers/cassette/shapes.h"

namespace lathe::providers::cassette {

using base::Json;
using base::Result;
using protocol::EventMsg;

namespace {

constexpr std::string_view kAgentEvent = "agent_event";
constexpr const char* kAfterSteps = "after_steps";

}  // namespace

AgentEvents::AgentEvents(Tape* played, TapeWriter* written) : written_(written) {
  if (played == nullptr) return;
  while (auto event = played->take_value_if(kAgentEvent, [](const Json&) { return true; })) {
    played_.push_back(*std::move(event));
  }
}

void AgentEvents::came(std::int64_t seq, EventMsg msg) {
  if (written_ != nullptr) unwritten_.push_back({.seq = seq, .msg = std::move(msg)});
}

Result<void> AgentEvents::write() {
  while (!unwritten_.empty() && !steps_.empty() && unwritten_.front().seq <= steps_.back()) TRY_OK(write_front());
  return {};
}

Result<void> AgentEvents::write_rest() {
  while (!unwritten_.empty()) TRY_OK(write_front());
  return {};
}

Result<void> AgentEvents::write_front() {
  const Arrived arrived = std::move(unwritten_.front());
  unwritten_.pop_front();
  // A step that saw the event is behind it.
  const auto behind = std::ranges::lower_bound(steps_, arrived.seq);
  const Json entry = {{kAfterSteps, std::distance(steps_.begin(), behind)},
                      {"events", messages_to_json({arrived.msg})}};
  return written_->append_value(kAgentEvent, entry).within("cannot record");
}

Result<std::vector<EventMsg>> AgentEvents::due() {
  std::vector<EventMsg> events;
  while (!played_.empty() && base::json_int(played_.front(), kAfterSteps) <= std::ssize(steps_)) {
    TRY(std::vector<EventMsg> recorded, messages_from_json(base::json_at(played_.front(), "events")));
    std::ranges::move(recorded, std::back_inserter(events));
    played_.pop_front();
  }
  return events;
}

}  // namespace lathe::providers::cassette
