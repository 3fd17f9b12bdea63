#include "lathe/tools/plan/plan_tool.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "lathe/base/strings.h"
#include "lathe/protocol/events.h"
#include "lathe/tools/common/arguments.h"
#include "lathe/tools/common/prepared_job.h"
#include "lathe/tools/common/schema.h"

namespace lathe::tools::plan {

using base::Error;
using base::Result;
using common::Need;
using protocol::PlanStatus;
using runtime::Async;

namespace {

constexpr std::size_t kMaxSteps = 100;

std::vector<std::string> status_names() {
  std::vector<std::string> names;
  for (const auto& entry : protocol::enum_names(PlanStatus{})) names.emplace_back(entry.name);
  return names;
}

ports::ToolSpec make_spec() {
  base::Json step =
      common::object_schema({{"step", Need::kRequired, common::text_schema("What is to be done, in a few words.")},
                             {"status", Need::kRequired, common::choice_schema("How far it is.", status_names())}});
  return {.name = "update_plan",
          .description =
              "Shows the person your plan for a task of several steps. Send the whole plan each time; at most "
              "one step is in_progress. Not for simple tasks.",
          .parameters = common::object_schema(
              {{"explanation", Need::kOptional, common::text_schema("Why the plan changed.")},
               {"plan", Need::kRequired, common::list_schema("All steps, in order.", std::move(step))}})};
}

Result<protocol::PlanStep> read_step(const common::Arguments& arguments, const base::Json& json, std::size_t index) {
  const std::string place = fmt::format("plan[{}]", index);
  if (!json.is_object()) return arguments.wrong(place, "must be an object with step and status");
  for (const auto& [name, value] : json.items()) {
    if (name == "step" || name == "status") continue;
    Error error = arguments.wrong(place, fmt::format("has a member \"{}\", which is not known", name));
    error.hint = base::did_you_mean(name, {"step", "status"});
    return error;
  }
  protocol::PlanStep step{.step = base::json_string(json, "step")};
  if (base::trim(step.step).empty()) return arguments.wrong(place + ".step", "must be a text that is not empty");
  const std::string status = base::json_string(json, "status");
  for (const auto& entry : protocol::enum_names(PlanStatus{})) {
    if (entry.name != status) continue;
    step.status = entry.value;
    return step;
  }
  return arguments.wrong(place + ".status", "must be one of " + base::join(status_names(), ", "));
}

struct PlanJob {
  protocol::PlanUpdate update;

  Async<Result<ports::RunResult>> run(ports::OutputSink& out, runtime::CancelToken) {
    ports::RunResult result = common::said(out, "The plan is shown.\n");
    result.events.emplace_back(std::move(update));
    co_return result;
  }
};

class PlanTool final : public ports::Tool {
 public:
  [[nodiscard]] const ports::ToolSpec& spec() const override { return spec_; }
  [[nodiscard]] bool read_only() const override { return false; }

  Async<Result<std::unique_ptr<ports::PreparedCall>>> prepare(const protocol::ToolCall& call,
                                                              const ports::ToolEnvironment&) override {
    CO_TRY(const auto arguments, common::Arguments::parse(spec_, call));
    CO_TRY(const auto explanation, arguments.optional_text("explanation"));
    CO_TRY(const base::Json steps, arguments.list("plan"));
    if (steps.empty()) co_return arguments.wrong("plan", "is empty");
    if (steps.size() > kMaxSteps) co_return arguments.wrong("plan", fmt::format("has over {} steps", kMaxSteps));
    protocol::PlanUpdate update{.explanation = explanation.value_or(""), .plan = {}};
    for (std::size_t i = 0; i < steps.size(); ++i) {
      CO_TRY(auto step, read_step(arguments, steps[i], i));
      update.plan.push_back(std::move(step));
    }
    const auto active = std::ranges::count(update.plan, PlanStatus::kInProgress, &protocol::PlanStep::status);
    if (active > 1) {
      co_return arguments.wrong("plan", fmt::format("has {} steps in_progress; at most one may be", active));
    }
    co_return common::prepared_job(common::action_of(call, ports::Action::Kind::kOther), "update the plan",
                                   PlanJob{std::move(update)});
  }

 private:
  const ports::ToolSpec spec_ = make_spec();
};

}  // namespace

std::vector<std::unique_ptr<ports::Tool>> make_plan_tools() {
  std::vector<std::unique_ptr<ports::Tool>> tools;
  tools.push_back(std::make_unique<PlanTool>());
  return tools;
}

}  // namespace lathe::tools::plan
