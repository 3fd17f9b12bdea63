#include "lathe/apps/cassette_catalog.h"

#include <utility>

namespace lathe::apps {

using base::Json;
using base::Result;
using runtime::Async;

namespace {

constexpr std::string_view kCatalog = "catalog";
constexpr std::string_view kSkill = "skill";

Json to_json(const ports::SkillInfo& skill) {
  return {{"name", skill.name}, {"description", skill.description}, {"file", skill.file}};
}

ports::SkillInfo skill_from_json(const Json& json) {
  return {.name = base::json_string(json, "name"),
          .description = base::json_string(json, "description"),
          .file = base::json_string(json, "file")};
}

Json to_json(const ports::CatalogView& view) {
  Json skills = Json::array();
  for (const ports::SkillInfo& skill : view.skills) skills.push_back(to_json(skill));
  Json agents = Json::array();
  for (const ports::AgentDefinition& agent : view.agents) {
    agents.push_back({{"name", agent.name}, {"description", agent.description}});
  }
  return {{"skills", std::move(skills)}, {"agents", std::move(agents)}};
}

ports::CatalogView view_from_json(const Json& json) {
  ports::CatalogView view;
  for (const Json& skill : base::json_at(json, "skills")) view.skills.push_back(skill_from_json(skill));
  for (const Json& agent : base::json_at(json, "agents")) {
    view.agents.push_back(
        {.name = base::json_string(agent, "name"), .description = base::json_string(agent, "description")});
  }
  return view;
}

}  // namespace

CassetteCatalog::CassetteCatalog(std::unique_ptr<ports::Catalog> real, CassetteDeck& cassette)
    : real_(std::move(real)), cassette_(cassette) {}

Async<Result<ports::CatalogView>> CassetteCatalog::look(std::string cwd) {
  if (providers::cassette::Tape* tape = cassette_.whole_tape()) {
    CO_TRY(const Json recorded, tape->take_value(kCatalog));
    co_return view_from_json(recorded);
  }
  auto view = co_await real_->look(std::move(cwd));
  providers::cassette::TapeWriter* writer = cassette_.writer();
  if (writer != nullptr && view.ok()) CO_TRY_OK(writer->append_value(kCatalog, to_json(*view)));
  co_return view;
}

Async<Result<ports::SkillText>> CassetteCatalog::read_skill(std::string cwd, std::string name) {
  if (providers::cassette::Tape* tape = cassette_.whole_tape()) {
    CO_TRY(const Json recorded, tape->take_value(kSkill));
    ports::SkillText skill{.info = skill_from_json(recorded), .text = base::json_string(recorded, "text"), .files = {}};
    for (const Json& file : base::json_at(recorded, "files")) {
      if (file.is_string()) skill.files.push_back(file.get<std::string>());
    }
    co_return skill;
  }
  auto skill = co_await real_->read_skill(std::move(cwd), std::move(name));
  providers::cassette::TapeWriter* writer = cassette_.writer();
  if (writer == nullptr || !skill.ok()) co_return skill;
  Json recorded = to_json(skill->info);
  recorded["text"] = skill->text;
  recorded["files"] = skill->files;
  CO_TRY_OK(writer->append_value(kSkill, recorded));
  co_return skill;
}

}  // namespace lathe::apps
