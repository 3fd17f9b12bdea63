#pragma once

#include <memory>

#include "lathe/ports/tool.h"
#include "lathe/providers/cassette/tape.h"

namespace lathe::providers::cassette {

/// Runs `inner` and writes down what it put out and how it ended.
class RecordingTool final : public ports::Tool {
 public:
  /// The tape outlives the tool and its calls.
  RecordingTool(std::unique_ptr<ports::Tool> inner, TapeWriter& tape);
  [[nodiscard]] const ports::ToolSpec& spec() const override { return inner_->spec(); }
  [[nodiscard]] bool read_only() const override { return inner_->read_only(); }
  runtime::Async<base::Result<std::unique_ptr<ports::PreparedCall>>> prepare(
      const protocol::ToolCall& call, const ports::ToolEnvironment& environment) override;

 private:
  std::unique_ptr<ports::Tool> inner_;
  TapeWriter& tape_;
};

/// Stands in for a tool when everything comes from the tape: same name and schema, no effect. Of its action the command
/// and the changes are those of the recording, so that the same is told of them; what the gate said is on the tape too.
class ReplayTool final : public ports::Tool {
 public:
  /// `real` gives name and schema and is never run. The tape outlives the tool and its calls.
  ReplayTool(std::unique_ptr<ports::Tool> real, Tape& tape);
  [[nodiscard]] const ports::ToolSpec& spec() const override { return real_->spec(); }
  [[nodiscard]] bool read_only() const override { return real_->read_only(); }
  runtime::Async<base::Result<std::unique_ptr<ports::PreparedCall>>> prepare(
      const protocol::ToolCall& call, const ports::ToolEnvironment& environment) override;

 private:
  std::unique_ptr<ports::Tool> real_;
  Tape& tape_;
};

}  // namespace lathe::providers::cassette
