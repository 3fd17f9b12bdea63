#include "lathe/tools/plan/plan_tool.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "lathe/base/strings.h"
#include "lathe/protocol/events.h"
#include "lathe/tools/common/arguments.h"
#include "lathe/tools/common/prepared_job.h"
#include "lathe/tools/common/schema.h"
#include "lathe/tools/plan/plan_steps.h"

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
  base::Json step = common::object_schema(
      {{"step", Need::kRequired, common::text_schema("What is to be done, in a few words.")},
       {"status", Need::kRequired, common::choice_schema("How far it is.", status_names())},
       {"id", Need::kOptional, common::text_schema("A short name, for depends_on of other steps.")},
       {"depends_on", Need::kOptional,
        common::list_schema("Ids of steps that must be completed before this one begins.",
                            common::text_schema("The id of a step."))}});
  return {.name = "update_plan",
          .description =
              "Shows the person your plan for a task of several steps. Send the whole plan each time; at most "
              "one step is in_progress. Not for simple tasks.",
          .parameters = common::object_schema(
              {{"explanation", Need::kOptional, common::text_schema("Why the plan changed.")},
               {"plan", Need::kRequired, common::list_schema("All steps, in order.", std::move(step))}})};
}

/// The ids in `depends_on`; a number is taken for its digits, because models mix the two.
Result<std::vector<std::string>> read_dependencies(const common::Arguments& arguments, const std::string& place,
                                                   const base::Json& json) {
  std::vector<std::string> ids;
  if (json.is_null()) return ids;
  if (!json.is_array()) return arguments.wrong(place, "must be a list of ids");
  for (const base::Json& id : json) {
    if (!id.is_string() && !id.is_number_integer()) return arguments.wrong(place, "must be a list of ids");
    ids.push_back(id.is_string() ? id.get<std::string>() : id.dump());
  }
  return ids;
}

Result<protocol::PlanStep> read_step(const common::Arguments& arguments, const base::Json& json, std::size_t index) {
  const std::string place = fmt::format("plan[{}]", index);
  const std::vector<std::string> known{"step", "status", "id", "depends_on"};
  if (!json.is_object()) return arguments.wrong(place, "must be an object with step and status");
  for (const auto& [name, value] : json.items()) {
    if (std::ranges::find(known, name) != known.end()) continue;
    Error error = arguments.wrong(place, fmt::format("has a member \"{}\", which is not known", name));
    error.hint = base::did_you_mean(name, known);
    return error;
  }
  protocol::PlanStep step{.step = base::json_string(json, "step")};
  if (base::trim(step.step).empty()) return arguments.wrong(place + ".step", "must be a text that is not empty");
  const base::Json& id = base::json_at(json, "id");
  step.id = id.is_number_integer() ? id.dump() : base::json_string(json, "id");
  TRY(step.depends_on, read_dependencies(arguments, place + ".depends_on", base::json_at(json, "depends_on")));
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
    if (const auto problem = plan_problem(update.plan)) co_return arguments.wrong("plan", *problem);
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
