#include "lathe/apps/session_tools.h"

#include <utility>

#include "lathe/tools/agent/agent_tools.h"
#include "lathe/tools/ask/ask_tool.h"
#include "lathe/tools/fs/fs_tools.h"
#include "lathe/tools/patch/patch_tool.h"
#include "lathe/tools/plan/plan_tool.h"
#include "lathe/tools/search/search_tools.h"
#include "lathe/tools/shell/environment.h"
#include "lathe/tools/shell/shell_tool.h"
#include "lathe/tools/skills/skill_tool.h"
#include "lathe/tools/web/web_tools.h"

namespace lathe::apps {

namespace {

using Tools = std::vector<std::unique_ptr<ports::Tool>>;

void add(Tools& all, Tools more) {
  for (auto& tool : more) all.push_back(std::move(tool));
}

}  // namespace

Tools make_session_tools(const SessionToolParts& parts) {
  Tools patch = tools::patch::make_patch_tools({.pool = &parts.pool,
                                                .secrets = &parts.secrets,
                                                .file_mode_mask = parts.file_mode_mask,
                                                .extent = parts.config.patch_extent == "what-fits"
                                                              ? tools::patch::Extent::kWhatFits
                                                              : tools::patch::Extent::kAllOrNothing});
  tools::shell::ShellOptions shell;
  shell.runner = &parts.runner;
  shell.jobs = &parts.jobs;
  shell.environment = tools::shell::command_environment(parts.environment, {});
  shell.shell = tools::shell::default_shell();
  shell.default_timeout = parts.config.shell.default_timeout;
  shell.most_timeout = parts.config.shell.max_timeout;
  shell.apply_patch = patch.front().get();

  Tools all = tools::shell::make_shell_tools(std::move(shell));
  add(all, tools::fs::make_fs_tools(
               {.pool = &parts.pool, .secrets = &parts.secrets, .file_mode_mask = parts.file_mode_mask}));
  add(all, std::move(patch));
  add(all, tools::search::make_search_tools({.pool = &parts.pool,
                                             .runner = &parts.runner,
                                             .secrets = &parts.secrets,
                                             .ripgrep = tools::search::found_ripgrep()}));
  add(all, tools::web::make_web_tools(parts.web));
  add(all, tools::plan::make_plan_tools());
  add(all, tools::ask::make_ask_tools());
  add(all, tools::skills::make_skill_tools(parts.catalog));
  if (parts.agents != nullptr) add(all, tools::agent::make_agent_tools(*parts.agents));
  return all;
}

}  // namespace lathe::apps
