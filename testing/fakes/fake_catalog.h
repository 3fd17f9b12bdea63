#pragma once

#include <map>
#include <string>
#include <utility>

#include "lathe/ports/catalog.h"

namespace lathe::fakes {

/// A catalogue that a test fills.
class FakeCatalog final : public ports::Catalog {
 public:
  ports::CatalogView view;
  /// By name; `view` lists them by itself.
  std::map<std::string, ports::SkillText> skills;

  /// Adds one to both.
  void add_skill(std::string name, std::string description, std::string text) {
    const ports::SkillInfo info{
        .name = name, .description = std::move(description), .file = "/skills/" + name + "/SKILL.md"};
    view.skills.push_back(info);
    skills[name] = {.info = info, .text = std::move(text), .files = {}};
  }

  runtime::Async<base::Result<ports::CatalogView>> look(std::string) override { co_return view; }
  runtime::Async<base::Result<ports::SkillText>> read_skill(std::string, std::string name) override {
    const auto found = skills.find(name);
    if (found != skills.end()) co_return found->second;
    co_return base::Error{.code = base::codes::kNotFound, .message = "there is no skill \"" + name + "\""};
  }
};

}  // namespace lathe::fakes
