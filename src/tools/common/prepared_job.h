#pragma once

#include <memory>
#include <string>
#include <utility>

#include "lathe/ports/tool.h"

namespace lathe::tools::common {

/// A PreparedCall from an action, a title and a job: a value with
/// `Async<Result<RunResult>> run(OutputSink&, CancelToken)`.
template <class Job>
class PreparedJob final : public ports::PreparedCall {
 public:
  PreparedJob(ports::Action action, std::string title, Job job)
      : action_(std::move(action)), title_(std::move(title)), job_(std::move(job)) {}

  [[nodiscard]] const ports::Action& action() const override { return action_; }
  [[nodiscard]] std::string title() const override { return title_; }
  runtime::Async<base::Result<ports::RunResult>> run(ports::OutputSink& out, runtime::CancelToken cancel) override {
    return job_.run(out, std::move(cancel));
  }

 private:
  const ports::Action action_;
  const std::string title_;
  Job job_;
};

template <class Job>
[[nodiscard]] std::unique_ptr<ports::PreparedCall> prepared_job(ports::Action action, std::string title, Job job) {
  return std::make_unique<PreparedJob<Job>>(std::move(action), std::move(title), std::move(job));
}

/// An Action with what every call has.
[[nodiscard]] inline ports::Action action_of(const protocol::ToolCall& call, ports::Action::Kind kind) {
  return {.kind = kind, .call_id = call.call_id, .tool = call.tool, .arguments = call.arguments};
}

/// What a tool says to the model when all it has is a text.
[[nodiscard]] inline ports::RunResult said(ports::OutputSink& out, std::string_view text) {
  out.write(protocol::OutputStream::kStdout, text);
  return {};
}

}  // namespace lathe::tools::common
