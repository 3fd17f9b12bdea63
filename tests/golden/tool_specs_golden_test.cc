#include <gtest/gtest.h>

#include <algorithm>

#include "golden_file.h"
#include "lathe/base/json.h"
#include "lathe/egress/resolver.h"
#include "lathe/fakes/fake_catalog.h"
#include "lathe/fakes/memory_blob_store.h"
#include "lathe/net/http_client.h"
#include "lathe/policy/tool_names.h"
#include "lathe/ports/session_host.h"
#include "lathe/runtime/loop.h"
#include "lathe/runtime/pool.h"
#include "lathe/tools/agent/agent_tools.h"
#include "lathe/tools/ask/ask_tool.h"
#include "lathe/tools/common/aliases.h"
#include "lathe/tools/fs/fs_tools.h"
#include "lathe/tools/patch/patch_tool.h"
#include "lathe/tools/plan/plan_tool.h"
#include "lathe/tools/search/search_tools.h"
#include "lathe/tools/shell/keeper_jobs.h"
#include "lathe/tools/shell/keeper_set.h"
#include "lathe/tools/shell/shell_tool.h"
#include "lathe/tools/skills/skill_tool.h"
#include "lathe/tools/web/web_client.h"
#include "lathe/tools/web/web_tools.h"

// What models read of our tools. It is part of every prompt's prefix: a change costs every session its cached prefix.

namespace lathe::golden {
namespace {

using Tools = std::vector<std::unique_ptr<ports::Tool>>;

void expect_sorted(const base::Json& schema, const std::string& where) {
  std::string before;
  for (const auto& [name, property] : base::json_at(schema, "properties").items()) {
    EXPECT_LT(before, name) << where << ": members are not sorted";
    EXPECT_FALSE(base::json_string(property, "description").empty()) << where << "." << name << " is not described";
    before = name;
  }
  if (schema.contains("items")) expect_sorted(schema["items"], where + "[]");
}

/// What rule files may say of a tool is what its calls have.
void expect_rules_know(const ports::ToolSpec& spec) {
  const auto tools = policy::named_tools(spec.name);
  ASSERT_TRUE(tools.ok()) << tools.error().text();
  EXPECT_NE(policy::find_tool_names(spec.name), nullptr) << spec.name << " is missing in policy/tool_names.cc";
  for (const auto& [name, property] : base::json_at(spec.parameters, "properties").items()) {
    const auto known = policy::check_argument({spec.name}, name);
    EXPECT_TRUE(known.ok()) << known.error().text();
  }
}

/// A rule about a tool by any name that models use for it matches its calls.
void expect_rules_know_aliases(const std::vector<std::string>& tools) {
  for (const std::string& name : tools::common::alias_names()) {
    const auto meant = tools::common::translate_alias({.call_id = "c", .tool = name, .arguments = "{}"}, tools);
    ASSERT_TRUE(meant) << name;
    const auto named = policy::named_tools(name);
    ASSERT_TRUE(named.ok()) << named.error().text();
    const policy::ToolNames* names = policy::find_tool_names(meant->tool);
    EXPECT_TRUE(std::ranges::any_of(*named, [&](const std::string& one) {
      return one == meant->tool || (names != nullptr && names->includes(one));
    })) << name;
  }
}

/// A session without sub-agents; the tools are only looked at.
class NoAgents final : public ports::SessionHost {
 public:
  runtime::Async<base::Result<std::string>> spawn(ports::SpawnRequest request) override {
    co_return no_agent(request.agent);
  }
  runtime::Async<base::Result<ports::AgentResult>> wait(std::string session, runtime::CancelToken) override {
    co_return no_agent(session);
  }
  [[nodiscard]] std::vector<ports::RunningAgent> running() const override { return {}; }
  runtime::Async<base::Result<ports::AgentResult>> cancel(std::string session) override { co_return no_agent(session); }

 private:
  static base::Error no_agent(const std::string& name) {
    return {.code = base::codes::kNotFound, .message = "there is no agent \"" + name + "\""};
  }
};

TEST(ToolSpecs, AreWhatTheyWere) {
  runtime::Loop loop;
  runtime::Pool pool(loop, "fs", 1);
  fakes::MemoryBlobStore blobs;
  fakes::FakeCatalog catalog;
  NoAgents agents;
  tools::shell::KeeperSet keepers(loop, {});
  tools::shell::KeeperJobs jobs(loop, keepers, blobs, {});
  net::HttpClient http(loop);
  egress::SystemResolver resolver(loop);
  tools::web::WebClient web({.loop = loop, .http = http, .resolver = resolver, .rules = {}, .limits = {}});

  base::Json all = base::Json::array();
  const auto add = [&all](const Tools& tools) {
    for (const auto& tool : tools) {
      const ports::ToolSpec& spec = tool->spec();
      expect_sorted(spec.parameters, spec.name);
      expect_rules_know(spec);
      all.push_back({{"name", spec.name},
                     {"description", spec.description},
                     {"parameters", spec.parameters},
                     {"read_only", tool->read_only()}});
    }
  };
  tools::shell::ShellOptions shell;
  shell.jobs = &jobs;
  shell.shell = "/bin/bash";
  add(tools::shell::make_shell_tools(std::move(shell)));
  add(tools::fs::make_fs_tools({.pool = &pool}));
  add(tools::patch::make_patch_tools({.pool = &pool}));
  add(tools::search::make_search_tools({.pool = &pool}));
  add(tools::web::make_web_tools(web));
  add(tools::plan::make_plan_tools());
  add(tools::ask::make_ask_tools());
  add(tools::skills::make_skill_tools(catalog));
  add(tools::agent::make_agent_tools(agents));
  std::vector<std::string> names;
  for (const base::Json& tool : all) names.push_back(base::json_string(tool, "name"));
  expect_rules_know_aliases(names);
  expect_file("tests/golden/tools.json", base::dump_json_pretty(all) + "\n");
}

}  // namespace
}  // namespace lathe::golden
