#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lathe/ports/tool.h"
#include "lathe/runtime/loop.h"

namespace lathe::fakes {

/// A tool that does what its members say. Counts what happens to it.
class FakeTool final : public ports::Tool {
 public:
  enum class Effect { kReads, kWrites };
  FakeTool(runtime::Loop& loop, std::string name, Effect effect);

  /// How a call behaves; all may be changed at any time.
  ports::Action::Kind kind = ports::Action::Kind::kOther;
  std::chrono::milliseconds takes{0};
  std::function<std::string(const protocol::ToolCall&)> output = [](const protocol::ToolCall&) {
    return std::string("ok");
  };
  ports::RunResult result;
  /// Of a call that `result.refused` offered and the gate let out of the sandbox.
  ports::RunResult result_outside;
  std::optional<base::Error> prepare_error;
  std::optional<base::Error> run_error;
  bool throws = false;
  /// Asks the person before it is done, and answers with what they said.
  bool asks = false;

  /// Arguments of the calls that ran, in the order in which they started.
  std::vector<std::string> ran;
  /// Most calls that ran at the same time.
  int most_at_once = 0;

  [[nodiscard]] const ports::ToolSpec& spec() const override { return spec_; }
  [[nodiscard]] bool read_only() const override { return effect_ == Effect::kReads; }
  runtime::Async<base::Result<std::unique_ptr<ports::PreparedCall>>> prepare(
      const protocol::ToolCall& call, const ports::ToolEnvironment& environment) override;

 private:
  class Call;
  runtime::Loop& loop_;
  ports::ToolSpec spec_;
  Effect effect_;
  int running_ = 0;
};

}  // namespace lathe::fakes
