#include "lathe/providers/cassette/side_events.h"

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

SideEvents::SideEvents(Tape* played, TapeWriter* written) : written_(written) {
  if (played == nullptr) return;
  while (auto event = played->take_value_if(kAgentEvent, [](const Json&) { return true; })) {
    played_.push_back(*std::move(event));
  }
}

void SideEvents::came(std::int64_t seq, EventMsg msg) {
  if (written_ != nullptr) unwritten_.push_back({.seq = seq, .place = std::nullopt, .msg = std::move(msg)});
}

void SideEvents::comes(When when, EventMsg msg) {
  if (written_ == nullptr) return;
  // Between Tasks it is told behind the first step of the next one, or when the session ends.
  const std::int64_t place = std::ssize(steps_) + (when == When::kBetweenTasks ? 1 : 0);
  unwritten_.push_back({.seq = 0, .place = place, .msg = std::move(msg)});
}

Result<void> SideEvents::write() {
  while (!unwritten_.empty() && !steps_.empty() && unwritten_.front().seq <= steps_.back()) TRY_OK(write_front());
  return {};
}

Result<void> SideEvents::write_rest() {
  while (!unwritten_.empty()) TRY_OK(write_front());
  return {};
}

Result<void> SideEvents::write_front() {
  const Arrived arrived = std::move(unwritten_.front());
  unwritten_.pop_front();
  // A step that saw the event is behind it.
  const auto behind = std::ranges::lower_bound(steps_, arrived.seq);
  const Json entry = {{kAfterSteps, arrived.place.value_or(std::distance(steps_.begin(), behind))},
                      {"events", messages_to_json({arrived.msg})}};
  return written_->append_value(kAgentEvent, entry).within("cannot record");
}

Result<std::vector<EventMsg>> SideEvents::take(std::int64_t steps) {
  std::vector<EventMsg> events;
  while (!played_.empty() && base::json_int(played_.front(), kAfterSteps) <= steps) {
    TRY(std::vector<EventMsg> recorded, messages_from_json(base::json_at(played_.front(), "events")));
    for (EventMsg& event : recorded) {
      // What a replay did not keep is not there.
      if (auto* end = std::get_if<protocol::JobEnd>(&event)) end->output_blob.clear();
      events.push_back(std::move(event));
    }
    played_.pop_front();
  }
  return events;
}

}  // namespace lathe::providers::cassette
