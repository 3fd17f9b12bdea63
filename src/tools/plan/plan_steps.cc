#include "lathe/tools/plan/plan_steps.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "lathe/base/strings.h"

namespace lathe::tools::plan {

using protocol::PlanStatus;
using Step = protocol::PlanStep;

namespace {

using ById = std::map<std::string, const Step*>;

std::optional<std::string> index_by_id(const std::vector<Step>& steps, ById& by_id) {
  for (const Step& step : steps) {
    if (step.id.empty() || by_id.emplace(step.id, &step).second) continue;
    return fmt::format("has the id \"{}\" twice", step.id);
  }
  return std::nullopt;
}

std::optional<std::string> link_problem(const Step& step, const ById& by_id) {
  for (const std::string& id : step.depends_on) {
    if (!step.id.empty() && id == step.id) return fmt::format("has the step \"{}\" depend on itself", id);
    if (by_id.contains(id)) continue;
    std::vector<std::string> known;
    for (const auto& [name, other] : by_id) known.push_back(name);
    const std::string near = base::did_you_mean(id, known);
    return fmt::format("has \"{}\" depend on \"{}\", which is no step{}", step.step, id,
                       near.empty() ? "" : " (" + near + ")");
  }
  return std::nullopt;
}

/// The ids along a circle of dependencies.
class CircleSearch {
 public:
  explicit CircleSearch(const ById& by_id) : by_id_(by_id) {}

  [[nodiscard]] std::optional<std::string> find() {
    for (const auto& [id, step] : by_id_) {
      if (visit(id)) return base::join(path_, " -> ");
    }
    return std::nullopt;
  }

 private:
  bool visit(const std::string& id) {
    if (done_[id]) return false;
    const bool met_before = std::ranges::find(path_, id) != path_.end();
    path_.push_back(id);
    if (met_before) {
      path_.erase(path_.begin(), std::ranges::find(path_, id));
      return true;
    }
    for (const std::string& next : by_id_.at(id)->depends_on) {
      if (visit(next)) return true;
    }
    path_.pop_back();
    done_[id] = true;
    return false;
  }

  const ById& by_id_;
  std::vector<std::string> path_;
  std::map<std::string, bool> done_;
};

}  // namespace

std::optional<std::string> plan_problem(const std::vector<protocol::PlanStep>& steps) {
  ById by_id;
  if (auto twice = index_by_id(steps, by_id)) return twice;
  for (const Step& step : steps) {
    if (auto problem = link_problem(step, by_id)) return problem;
  }
  if (const auto circle = CircleSearch(by_id).find()) {
    return fmt::format("has steps that wait for each other: {}", *circle);
  }
  for (const Step& step : steps) {
    if (step.status == PlanStatus::kPending) continue;
    for (const std::string& id : step.depends_on) {
      if (by_id.at(id)->status == PlanStatus::kCompleted) continue;
      return fmt::format("has \"{}\" {}, but \"{}\", which it depends on, is not completed", step.step,
                         protocol::name_of(step.status), id);
    }
  }
  const auto active = std::ranges::count(steps, PlanStatus::kInProgress, &Step::status);
  if (active > 1) return fmt::format("has {} steps in_progress; at most one may be", active);
  return std::nullopt;
}

}  // namespace lathe::tools::plan
