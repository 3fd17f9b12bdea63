#include "lathe/engine/lineage.h"

#include <fmt/format.h>

#include <algorithm>

#include "lathe/base/strings.h"
#include "lathe/engine/live_session.h"

namespace lathe::engine {

using base::Error;
using base::Result;
using ports::AgentDefinition;
using runtime::Async;

namespace {

/// Far above what a configuration allows; a journal that claims more is broken.
constexpr std::size_t kMostGenerations = 100;

}  // namespace

Async<Result<AgentDefinition>> find_agent(EngineParts* parts, std::string cwd, std::string name) {
  if (name.empty()) name = ports::kDefaultAgent;
  CO_TRY(const ports::CatalogView view, co_await parts->catalog.look(cwd));
  const auto found = std::ranges::find(view.agents, name, &AgentDefinition::name);
  if (found != view.agents.end()) co_return *found;
  if (name == ports::kDefaultAgent) {
    co_return AgentDefinition{.name = name, .description = "Has the tools of the one that spawns it."};
  }
  std::vector<std::string> names{std::string(ports::kDefaultAgent)};
  for (const AgentDefinition& agent : view.agents) names.push_back(agent.name);
  std::string hint = base::did_you_mean(name, names);
  if (hint.empty()) hint = "there are " + base::join(names, ", ");
  for (const std::string& problem : view.problems) {
    if (problem.find("/" + name + ".md") != std::string::npos) hint = problem;
  }
  co_return Error{.code = base::codes::kNotFound,
                  .message = fmt::format("there is no agent \"{}\"", name.substr(0, 80)),
                  .hint = std::move(hint)};
}

Async<Result<std::vector<AgentDefinition>>> find_lineage(EngineParts* parts, SessionFamily* family,
                                                         protocol::SessionConfigured config) {
  std::vector<AgentDefinition> lineage;
  while (!config.parent_session.empty()) {
    auto agent = co_await find_agent(parts, config.cwd, config.agent);
    if (!agent.ok()) co_return agent.error().within("session " + config.session_id);
    lineage.push_back(*std::move(agent));
    if (lineage.size() > kMostGenerations) {
      co_return Error{.code = base::codes::kCorrupt,
                      .message = fmt::format("session {} descends from itself", config.session_id)};
    }
    const std::string parent = config.parent_session;
    if (const LiveSession* live = family->find_live(parent)) {
      config = live->state().config.value_or(protocol::SessionConfigured());
      continue;
    }
    CO_TRY(const ports::SessionState state, co_await parts->sessions.peek(parent));
    config = state.config.value_or(protocol::SessionConfigured());
  }
  std::ranges::reverse(lineage);
  co_return lineage;
}

}  // namespace lathe::engine
