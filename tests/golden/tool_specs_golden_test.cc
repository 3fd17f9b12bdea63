#include <gtest/gtest.h>

#include "golden_file.h"
#include "lathe/base/json.h"
#include "lathe/runtime/loop.h"
#include "lathe/runtime/pool.h"
#include "lathe/tools/ask/ask_tool.h"
#include "lathe/tools/fs/fs_tools.h"
#include "lathe/tools/patch/patch_tool.h"
#include "lathe/tools/plan/plan_tool.h"
#include "lathe/tools/search/search_tools.h"
#include "lathe/tools/shell/shell_tool.h"

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

TEST(ToolSpecs, AreWhatTheyWere) {
  runtime::Loop loop;
  runtime::Pool pool(loop, "fs", 1);
  base::Json all = base::Json::array();
  const auto add = [&all](const Tools& tools) {
    for (const auto& tool : tools) {
      const ports::ToolSpec& spec = tool->spec();
      expect_sorted(spec.parameters, spec.name);
      all.push_back({{"name", spec.name},
                     {"description", spec.description},
                     {"parameters", spec.parameters},
                     {"read_only", tool->read_only()}});
    }
  };
  tools::shell::ShellOptions shell;
  shell.shell = "/bin/bash";
  add(tools::shell::make_shell_tools(std::move(shell)));
  add(tools::fs::make_fs_tools({.pool = &pool}));
  add(tools::patch::make_patch_tools({.pool = &pool}));
  add(tools::search::make_search_tools({.pool = &pool}));
  add(tools::plan::make_plan_tools());
  add(tools::ask::make_ask_tools());
  expect_file("tests/golden/tools.json", base::dump_json_pretty(all) + "\n");
}

}  // namespace
}  // namespace lathe::golden
