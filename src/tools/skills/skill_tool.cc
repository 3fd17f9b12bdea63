#include "lathe/tools/skills/skill_tool.h"

#include <fmt/format.h>

#include <filesystem>

#include "lathe/tools/common/arguments.h"
#include "lathe/tools/common/prepared_job.h"
#include "lathe/tools/common/schema.h"

namespace lathe::tools::skills {

using base::Result;
using common::Need;
using runtime::Async;

namespace {

ports::ToolSpec make_spec() {
  return {.name = "read_skill",
          .description =
              "Reads a skill: instructions for one kind of work, written by people who know it. Which ones there are "
              "stands in the conversation. Read the one that fits before you do such work, and follow it.",
          .parameters = common::object_schema({{"name", Need::kRequired, common::text_schema("The skill's name.")}})};
}

struct ReadJob {
  ports::Catalog* catalog;
  std::string cwd;
  std::string name;

  Async<Result<ports::RunResult>> run(ports::OutputSink& out, runtime::CancelToken) {
    CO_TRY(const ports::SkillText skill, co_await catalog->read_skill(cwd, name));
    const std::string folder = std::filesystem::path(skill.info.file).parent_path().string();
    std::string text = fmt::format("Skill {}, from {}\n\n{}", skill.info.name, folder, skill.text);
    if (!text.ends_with('\n')) text += '\n';
    if (!skill.files.empty()) text += "\nFiles of this skill, to be read when it says so:\n";
    for (const std::string& file : skill.files) text += fmt::format("{}/{}\n", folder, file);
    co_return common::said(out, text);
  }
};

class ReadSkill final : public ports::Tool {
 public:
  explicit ReadSkill(ports::Catalog& catalog) : catalog_(catalog) {}

  [[nodiscard]] const ports::ToolSpec& spec() const override { return spec_; }
  [[nodiscard]] bool read_only() const override { return true; }

  Async<Result<std::unique_ptr<ports::PreparedCall>>> prepare(const protocol::ToolCall& call,
                                                              const ports::ToolEnvironment& environment) override {
    CO_TRY(const auto arguments, common::Arguments::parse(spec_, call));
    CO_TRY(std::string name, arguments.text("name"));
    // "$name" is how people write it.
    if (name.starts_with('$')) name.erase(0, 1);
    if (name.empty()) co_return arguments.wrong("name", "is empty");
    std::string title = fmt::format("read the skill {}", name);
    co_return common::prepared_job(common::action_of(call, ports::Action::Kind::kRead), std::move(title),
                                   ReadJob{&catalog_, environment.cwd, std::move(name)});
  }

 private:
  ports::Catalog& catalog_;
  const ports::ToolSpec spec_ = make_spec();
};

}  // namespace

std::vector<std::unique_ptr<ports::Tool>> make_skill_tools(ports::Catalog& catalog) {
  std::vector<std::unique_ptr<ports::Tool>> tools;
  tools.push_back(std::make_unique<ReadSkill>(catalog));
  return tools;
}

}  // namespace lathe::tools::skills
