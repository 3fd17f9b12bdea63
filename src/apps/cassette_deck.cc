#include "lathe/apps/cassette_deck.h"

#include "lathe/providers/cassette/tool.h"
#include "lathe/runtime/files.h"

namespace lathe::apps {

using base::Result;
using providers::cassette::CassetteHost;
using providers::cassette::ReplayMode;
using providers::cassette::SideEvents;
using providers::cassette::Tape;
using providers::cassette::TapeWriter;

Result<std::unique_ptr<CassetteDeck>> CassetteDeck::create(const client::OpenOptions& options, base::UnixMillis now,
                                                           TapeWriter::Secrets secrets) {
  std::unique_ptr<CassetteDeck> deck(new CassetteDeck());
  deck->places_.cwd = options.cwd;
  if (const std::string temporary = runtime::env("TMPDIR"); !temporary.empty()) deck->places_.temp_dir = temporary;
  if (!options.replay_path.empty()) {
    TRY(deck->tape_, Tape::open(options.replay_path));
    deck->all_ = options.replay == client::OpenOptions::Replay::kAll;
  }
  if (!options.record_path.empty()) {
    TRY(deck->writer_, TapeWriter::create(options.record_path,
                                          {.created = now,
                                           .cwd = deck->places_.cwd,
                                           .temp_dir = deck->places_.temp_dir,
                                           .normalisers = providers::cassette::all_normalisers()},
                                          std::move(secrets)));
  }
  return deck;
}

std::shared_ptr<ports::Model> CassetteDeck::replayed_model() {
  if (!replayed_) {
    replayed_ = std::make_shared<providers::cassette::ReplayModel>(*tape_, all_ ? ReplayMode::kAll : ReplayMode::kModel,
                                                                   places_);
  }
  return replayed_;
}

std::shared_ptr<ports::Model> CassetteDeck::wrap(std::shared_ptr<ports::Model> model) {
  if (!writer_) return model;
  return std::make_shared<providers::cassette::RecordingModel>(std::move(model), *writer_);
}

std::vector<std::unique_ptr<ports::Tool>> CassetteDeck::wrap(std::vector<std::unique_ptr<ports::Tool>> tools) {
  for (auto& tool : tools) {
    if (tape_ && all_) {
      tool = std::make_unique<providers::cassette::ReplayTool>(std::move(tool), *tape_);
    } else if (writer_) {
      tool = std::make_unique<providers::cassette::RecordingTool>(std::move(tool), *writer_);
    }
  }
  return tools;
}

std::unique_ptr<CassetteHost> CassetteDeck::wrap(ports::TaskHost& host) {
  if (!writer_ && whole_tape() == nullptr) return nullptr;
  const ports::SessionState& state = host.state();
  const bool of_agent = state.config && !state.config->parent_session.empty();
  SideEvents* const agents = of_agent ? nullptr : side_events(state.session_id).get();
  return std::make_unique<CassetteHost>(host, whole_tape(), writer_.get(), agents);
}

std::shared_ptr<SideEvents> CassetteDeck::side_events(const std::string& session_id) {
  auto& events = side_events_[session_id];
  if (!events) events = std::make_shared<SideEvents>(whole_tape(), writer_.get());
  return events;
}

void CassetteDeck::watch(const std::string& session_id, ports::SessionHost& agents) {
  if (!writer_) return;
  agents.set_witness(
      [events = side_events(session_id)](std::int64_t seq, const protocol::EventMsg& msg) { events->came(seq, msg); });
}

void CassetteDeck::comes(const std::string& session_id, SideEvents::When when, const protocol::EventMsg& msg) {
  if (writer_) side_events(session_id)->comes(when, msg);
}

std::vector<protocol::EventMsg> CassetteDeck::due_after_task(const std::string& session_id) {
  if (whole_tape() == nullptr || !side_events_.contains(session_id)) return {};
  return side_events(session_id)->due_after_task().value_or(std::vector<protocol::EventMsg>{});
}

void CassetteDeck::finish(const std::string& session_id) {
  const auto found = side_events_.find(session_id);
  if (found == side_events_.end()) return;
  // What could not be written before has failed a Task; here is none any more.
  (void)found->second->write_rest();
}

}  // namespace lathe::apps
