#include "lathe/apps/cassette_deck.h"

#include "lathe/providers/cassette/host.h"
#include "lathe/providers/cassette/tool.h"
#include "lathe/runtime/files.h"

namespace lathe::apps {

using base::Result;
using providers::cassette::ReplayMode;
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

std::unique_ptr<ports::TaskHost> CassetteDeck::wrap(ports::TaskHost& host) {
  if (!writer_ && whole_tape() == nullptr) return nullptr;
  return std::make_unique<providers::cassette::CassetteHost>(host, whole_tape(), writer_.get());
}

}  // namespace lathe::apps
