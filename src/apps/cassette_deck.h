#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "lathe/base/result.h"
#include "lathe/client/transport.h"
#include "lathe/ports/driver.h"
#include "lathe/ports/model.h"
#include "lathe/ports/session_host.h"
#include "lathe/ports/tool.h"
#include "lathe/providers/cassette/host.h"
#include "lathe/providers/cassette/model.h"
#include "lathe/providers/cassette/side_events.h"
#include "lathe/providers/cassette/tape.h"

namespace lathe::apps {

/// The cassette of this run, if there is one: wraps models and tools for recording, or stands in for them when
/// replaying. Outlives what it made.
class CassetteDeck final {
 public:
  /// A replay is read at once, so that a broken tape is told before anything else happens.
  /// `secrets` must not reach a recording; asked whenever something is written.
  static base::Result<std::unique_ptr<CassetteDeck>> create(const client::OpenOptions& options, base::UnixMillis now,
                                                            providers::cassette::TapeWriter::Secrets secrets);

  [[nodiscard]] bool replays() const { return tape_ != nullptr; }
  /// The replayed model, for every name.
  [[nodiscard]] std::shared_ptr<ports::Model> replayed_model();
  /// The model that the tape's requests name.
  [[nodiscard]] std::string replayed_model_name() const { return tape_->model_name(); }
  /// `model` as it is to be used in this run.
  [[nodiscard]] std::shared_ptr<ports::Model> wrap(std::shared_ptr<ports::Model> model);
  [[nodiscard]] std::vector<std::unique_ptr<ports::Tool>> wrap(std::vector<std::unique_ptr<ports::Tool>> tools);
  /// `host` as the driver is to see it in this run; null when that is as it is.
  [[nodiscard]] std::unique_ptr<providers::cassette::CassetteHost> wrap(ports::TaskHost& host);
  /// Takes down what becomes of the sub-agents of that session. Theirs are not: in a replay none of them runs.
  void watch(const std::string& session_id, ports::SessionHost& agents);
  /// Takes down what is just being recorded beside the driver of that session.
  void comes(const std::string& session_id, providers::cassette::SideEvents::When when, const protocol::EventMsg& msg);
  /// What the tape has of that session behind its last Task. What cannot be read is left out: no Task is there to fail.
  [[nodiscard]] std::vector<protocol::EventMsg> due_after_task(const std::string& session_id);
  /// No Task of that session runs any more.
  void finish(const std::string& session_id);
  /// The tape that is being played, and the one that is being written; null when there is none.
  [[nodiscard]] providers::cassette::Tape* tape() { return tape_.get(); }
  /// The tape that every answer comes from, those of the machine too; null when only the model's do.
  [[nodiscard]] providers::cassette::Tape* whole_tape() { return all_ ? tape_.get() : nullptr; }
  [[nodiscard]] providers::cassette::TapeWriter* writer() { return writer_.get(); }

 private:
  CassetteDeck() = default;
  [[nodiscard]] std::shared_ptr<providers::cassette::SideEvents> side_events(const std::string& session_id);
  std::unique_ptr<providers::cassette::Tape> tape_;
  std::unique_ptr<providers::cassette::TapeWriter> writer_;
  providers::cassette::Places places_;
  std::shared_ptr<ports::Model> replayed_;
  bool all_ = false;
  /// By session. Shared with its sub-agents' host, which may be told of ends after the session's driver is gone.
  std::map<std::string, std::shared_ptr<providers::cassette::SideEvents>> side_events_;
};

}  // namespace lathe::apps
