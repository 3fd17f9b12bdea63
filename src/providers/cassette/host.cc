#include "lathe/providers/cassette/host.h"

#include <ranges>
#include <utility>
#include <variant>

#include "lathe/providers/cassette/shapes.h"

namespace lathe::providers::cassette {

using base::Json;
using base::Result;
using ports::GateAnswer;
using protocol::JobEnd;
using runtime::Async;

namespace {

constexpr std::string_view kGate = "gate";
constexpr std::string_view kJobNews = "job_news";

Result<std::vector<JobEnd>> ends_from_json(const Json& json) {
  TRY(const std::vector<protocol::EventMsg> messages, messages_from_json(json));
  std::vector<JobEnd> ends;
  for (const protocol::EventMsg& msg : messages) {
    if (const auto* end = std::get_if<JobEnd>(&msg)) ends.push_back(*end);
  }
  return ends;
}

}  // namespace

CassetteHost::CassetteHost(ports::TaskHost& real, Tape* played, TapeWriter* written, SideEvents* beside)
    : real_(real), played_(played), written_(written), beside_(beside) {}

Async<Result<GateAnswer>> CassetteHost::gate(ports::Action action, runtime::CancelToken cancel) {
  bool parked = false;
  while (played_ != nullptr) {
    const auto recorded = played_->take_value_if(
        kGate, [&](const Json& value) { return base::json_string(value, "call_id") == action.call_id; });
    if (!recorded && parked) co_return played_->ends_parked(action.call_id);
    if (!recorded) break;
    const GateAnswer answer = gate_answer_from_json(*recorded);
    // It may have been answered in the same process, which came to this call again.
    parked = answer.verdict == GateAnswer::Verdict::kParked;
    if (!parked) co_return answer;
  }
  const std::string call_id = action.call_id;
  CO_TRY(GateAnswer answer, co_await real_.gate(std::move(action), std::move(cancel)));
  if (written_ != nullptr) {
    Json entry = gate_answer_to_json(answer);
    entry["call_id"] = call_id;
    CO_TRY_OK(written_->append_value(kGate, entry).within("cannot record"));
  }
  co_return answer;
}

Json CassetteHost::place() const {
  const std::vector<ports::PlacedEntry>& entries = real_.state().conversation.entries;
  Json out = {{"entries", entries.size()}};
  for (const ports::PlacedEntry& placed : entries | std::views::reverse) {
    const auto* call = std::get_if<ports::CallEntry>(&placed.entry);
    if (call == nullptr) continue;
    out["call_id"] = call->call.call_id;
    break;
  }
  return out;
}

Result<std::vector<JobEnd>> CassetteHost::job_news() {
  if (played_ != nullptr) {
    const Json here = place();
    const auto recorded =
        played_->take_value_if(kJobNews, [&](const Json& value) { return base::json_at(value, "after") == here; });
    return recorded ? ends_from_json(base::json_at(*recorded, "ends")) : std::vector<JobEnd>();
  }
  TRY(std::vector<JobEnd> news, real_.job_news());
  if (written_ != nullptr && !news.empty()) {
    const std::vector<protocol::EventMsg> messages(news.begin(), news.end());
    const Json entry = {{"after", place()}, {"ends", messages_to_json(messages)}};
    TRY_OK(written_->append_value(kJobNews, entry).within("cannot record"));
  }
  return news;
}

Async<Result<std::int64_t>> CassetteHost::record(protocol::EventMsg msg) {
  CO_TRY_OK(co_await tell_side_events());
  CO_TRY(const std::int64_t seq, co_await real_.record(std::move(msg)));
  if (beside_ != nullptr) {
    beside_->step(seq);
    CO_TRY_OK(beside_->write());
  }
  CO_TRY_OK(co_await tell_side_events());
  co_return seq;
}

bool CassetteHost::take_steered() {
  const bool steered = real_.take_steered();
  if (beside_ != nullptr) beside_->step(real_.state().last_seq);
  return std::exchange(told_, false) || steered;
}

Async<Result<bool>> CassetteHost::tell_side_events() {
  if (beside_ == nullptr) co_return false;
  CO_TRY(const std::vector<protocol::EventMsg> events, beside_->due());
  bool told = false;
  for (const protocol::EventMsg& event : events) {
    CO_TRY(const std::int64_t seq, co_await real_.record(event));
    beside_->came(seq, event);
    told = told || std::holds_alternative<protocol::ContextAdded>(event);
  }
  told_ = told_ || told;
  co_return told;
}

Async<Result<std::vector<std::string>>> CassetteHost::ask(std::string call_id,
                                                          std::vector<protocol::Question> questions,
                                                          runtime::CancelToken cancel) {
  return real_.ask(std::move(call_id), std::move(questions), std::move(cancel));
}

}  // namespace lathe::providers::cassette
