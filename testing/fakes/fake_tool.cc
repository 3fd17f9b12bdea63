#include "lathe/fakes/fake_tool.h"

#include <algorithm>
#include <utility>

#include "lathe/base/check.h"
#include "lathe/base/strings.h"

namespace lathe::fakes {

using base::Result;
using runtime::Async;

class FakeTool::Call final : public ports::PreparedCall {
 public:
  Call(FakeTool& tool, protocol::ToolCall call, ports::Questioner* questioner)
      : tool_(tool), call_(std::move(call)), questioner_(questioner) {
    action_.kind = tool.kind;
    action_.call_id = call_.call_id;
    action_.tool = call_.tool;
    action_.arguments = call_.arguments;
    if (tool.kind == ports::Action::Kind::kCommand) action_.command = {"sh", "-c", call_.arguments};
    if (tool.kind == ports::Action::Kind::kFileChange) {
      action_.changes = {{.path = call_.arguments, .move_path = {}, .diff = {}}};
    }
  }
  const ports::Action& action() const override { return action_; }
  std::string title() const override { return call_.tool + " " + call_.arguments; }

  Async<Result<ports::RunResult>> run(ports::OutputSink& out, runtime::CancelToken cancel) override {
    tool_.ran.push_back(call_.arguments);
    tool_.most_at_once = std::max(tool_.most_at_once, ++tool_.running_);
    const Result<void> slept = co_await tool_.loop_.sleep(tool_.takes, cancel);
    --tool_.running_;
    CHECK_REQUEST(!tool_.throws);
    if (tool_.run_error) co_return *tool_.run_error;
    if (tool_.asks) {
      std::vector<protocol::Question> questions{{.question = call_.arguments, .options = {}}};
      CO_TRY(const std::vector<std::string> answers,
             co_await questioner_->ask(call_.call_id, std::move(questions), cancel));
      out.write(protocol::OutputStream::kStdout, base::join(answers, ","));
      co_return tool_.result;
    }
    out.write(protocol::OutputStream::kStdout, tool_.output(call_));
    if (!slept.ok()) co_return slept.error();
    co_return action_.outside_sandbox ? tool_.result_outside : tool_.result;
  }
  std::unique_ptr<ports::PreparedCall> outside_sandbox(const std::string& refused) const override {
    auto outside = std::make_unique<Call>(tool_, call_, questioner_);
    outside->action_.outside_sandbox = true;
    outside->action_.refused = refused;
    return outside;
  }

 private:
  FakeTool& tool_;
  protocol::ToolCall call_;
  ports::Questioner* questioner_;
  ports::Action action_;
};

FakeTool::FakeTool(runtime::Loop& loop, std::string name, Effect effect)
    : loop_(loop),
      spec_{.name = std::move(name), .description = "a tool of a test", .parameters = base::Json::object()},
      effect_(effect) {}

Async<Result<std::unique_ptr<ports::PreparedCall>>> FakeTool::prepare(const protocol::ToolCall& call,
                                                                      const ports::ToolEnvironment& environment) {
  if (prepare_error) co_return *prepare_error;
  co_return std::unique_ptr<ports::PreparedCall>(std::make_unique<Call>(*this, call, environment.questioner));
}

}  // namespace lathe::fakes
