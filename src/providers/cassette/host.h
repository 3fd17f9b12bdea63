#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "lathe/ports/driver.h"
#include "lathe/providers/cassette/side_events.h"
#include "lathe/providers/cassette/tape.h"

namespace lathe::providers::cassette {

/// A session as its driver sees it, on a cassette: what the gate said about each call, a person's words included, the
/// news of jobs that the model was told, and what became of sub-agents are written down, or come from the tape. Nothing
/// is asked ahead: a tape has each call prepared once. All else is the session's own.
class CassetteHost final : public ports::TaskHost {
 public:
  /// A tape that is played answers; one that is written takes down. `beside` has the events about sub-agents and jobs.
  /// Each may be null; all of them outlive the host.
  CassetteHost(ports::TaskHost& real, Tape* played, TapeWriter* written, SideEvents* beside);

  /// What a person says after a Task has parked is said to another process, and is not on the tape: a replay that comes
  /// there fails with `cassette_mismatch`.
  runtime::Async<base::Result<ports::GateAnswer>> gate(ports::Action action, runtime::CancelToken cancel) override;
  base::Result<std::vector<protocol::JobEnd>> job_news() override;

  runtime::Async<base::Result<std::int64_t>> record(protocol::EventMsg msg) override;
  void show(protocol::EventMsg msg) override { real_.show(std::move(msg)); }
  void draft(ports::DraftKind kind, const std::string& item, std::string_view more) override {
    real_.draft(kind, item, more);
  }
  void drop_draft(const std::string& item) override { real_.drop_draft(item); }
  [[nodiscard]] const ports::SessionState& state() const override { return real_.state(); }
  [[nodiscard]] ports::MayShow may_show() const override { return real_.may_show(); }
  [[nodiscard]] std::optional<protocol::Budget> room() const override { return real_.room(); }
  [[nodiscard]] bool take_steered() override;
  [[nodiscard]] ports::BlobStore& blobs() override { return real_.blobs(); }
  [[nodiscard]] std::vector<std::string> secrets() const override { return real_.secrets(); }
  [[nodiscard]] const base::Clock& clock() const override { return real_.clock(); }
  [[nodiscard]] std::string new_id(std::string_view prefix) override { return real_.new_id(prefix); }
  [[nodiscard]] std::string new_text_id(ports::DraftKind kind) override { return real_.new_text_id(kind); }
  runtime::Async<base::Result<std::vector<std::string>>> ask(std::string call_id,
                                                             std::vector<protocol::Question> questions,
                                                             runtime::CancelToken cancel) override;

  /// Records the events about sub-agents and jobs that the tape has here. Whether one of them was told to the model.
  runtime::Async<base::Result<bool>> tell_side_events();

 private:
  /// Where the conversation stands, which is the same in a replay.
  [[nodiscard]] base::Json place() const;

  ports::TaskHost& real_;
  Tape* const played_;
  TapeWriter* const written_;
  SideEvents* const beside_;
  /// The model was told of an agent's end since the last take_steered().
  bool told_ = false;
};

}  // namespace lathe::providers::cassette
