#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "lathe/agent/native_driver.h"
#include "lathe/fakes/fake_catalog.h"
#include "lathe/fakes/fake_facts.h"
#include "lathe/fakes/fake_tool.h"
#include "lathe/fakes/memory_task_host.h"
#include "lathe/fakes/scripted_model.h"
#include "lathe/runtime/loop.h"
#include "lathe/runtime/pool.h"

namespace lathe::agent {

/// A native driver with everything around it, for tests: one scripted model "b/m", a reading and a writing tool, time
/// that jumps.
struct Rig {
  runtime::Loop loop{runtime::TimeMode::kVirtual};
  runtime::Pool pool{loop, "fs", 1};
  fakes::MemoryTaskHost host{loop};
  fakes::FakeFacts facts;
  fakes::FakeCatalog catalog;
  std::shared_ptr<fakes::ScriptedModel> model = std::make_shared<fakes::ScriptedModel>(loop);
  fakes::FakeTool reader{loop, "read_file", fakes::FakeTool::Effect::kReads};
  fakes::FakeTool writer{loop, "write_file", fakes::FakeTool::Effect::kWrites};
  std::vector<ports::ResolvedModel> candidates{
      {.backend = "b",
       .model = "m",
       .connection = model,
       .facts = {.prices =
                     ports::Prices{.input = 1'000'000, .cached_input = 0, .cache_write = 0, .output = 2'000'000}}}};
  AgentOptions options;
  std::vector<ports::Tool*> more_tools;
  std::function<std::optional<protocol::ToolCall>(const protocol::ToolCall&)> translate;
  runtime::CancelSource cancel;
  ports::TaskRequest request;

  /// Runs the Task that is open in `host` until it ends or parks.
  ports::TaskEnd run() {
    NativeDriver one = driver();
    return run(one);
  }
  ports::TaskEnd run(NativeDriver& driver) {
    ports::TaskEnd end = loop.block_on(driver.run(request, host, cancel.token()));
    host.end_task(end);
    return end;
  }
  NativeDriver driver() {
    std::vector<ports::Tool*> tools{&reader, &writer};
    tools.insert(tools.end(), more_tools.begin(), more_tools.end());
    return {{.loop = loop,
             .pool = pool,
             .tools = std::move(tools),
             .candidates = [this] { return candidates; },
             .facts = facts,
             .catalog = catalog,
             .translate = translate},
            options};
  }
  /// A whole Task.
  ports::TaskEnd run_task(std::string prompt) {
    host.start_task(std::move(prompt));
    return run();
  }
  ports::TaskEnd run_task(NativeDriver& driver, std::string prompt) {
    host.start_task(std::move(prompt));
    return run(driver);
  }
  [[nodiscard]] const std::vector<ports::ModelRequest>& requests() const { return model->requests(); }
};

/// "user: hello", "agent: …", "call: c1", "result: ok": for comparing requests at a glance.
inline std::vector<std::string> outline(const std::vector<ports::ModelItem>& items) {
  struct Visitor {
    std::string operator()(const ports::UserInputItem& item) const {
      std::string text = "user:";
      for (const ports::ModelPart& part : item.parts) {
        const auto* piece = std::get_if<ports::ModelText>(&part);
        text += " " + (piece != nullptr ? piece->text.substr(0, piece->text.find('\n')) : std::string("<image>"));
      }
      return text;
    }
    std::string operator()(const ports::AssistantTextItem& item) const { return "agent: " + item.text; }
    std::string operator()(const ports::AssistantReasoningItem& item) const { return "reasoning: " + item.text; }
    std::string operator()(const ports::AssistantCallItem& item) const { return "call: " + item.call.call_id; }
    std::string operator()(const ports::ToolResultItem& item) const { return "result: " + item.output; }
  };
  std::vector<std::string> lines;
  for (const ports::ModelItem& item : items) lines.push_back(std::visit(Visitor{}, item));
  return lines;
}

}  // namespace lathe::agent
