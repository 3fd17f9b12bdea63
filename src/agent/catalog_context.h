#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "lathe/ports/catalog.h"

// What the model is told of skills and agents without reading them: names and descriptions, within a bound. Pure.

namespace lathe::agent {

/// Which of the two the model has a tool for.
struct CatalogUse {
  bool skills = false;
  bool agents = false;
};

/// The text of the catalogue; empty when it offers nothing. Over `max_bytes` descriptions are cut, then entries are
/// left out from the end, which it says.
[[nodiscard]] std::string catalog_text(const ports::CatalogView& view, CatalogUse use, std::size_t max_bytes);

/// The skills that a person's text names as "$name", in the order of the text, each once.
[[nodiscard]] std::vector<std::string> mentioned_skills(std::string_view text, const ports::CatalogView& view);

/// A skill that a person named, as context.
[[nodiscard]] std::string mentioned_skill_text(const ports::SkillText& skill, std::size_t max_bytes);

}  // namespace lathe::agent
