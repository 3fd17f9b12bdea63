#include "lathe/agent/catalog_context.h"

#include <algorithm>
#include <cctype>
#include <filesystem>

#include "lathe/base/utf8.h"

namespace lathe::agent {
namespace {

/// What every entry keeps of its description when there is little room.
constexpr std::size_t kShortDescription = 100;

struct Entry {
  std::string name;
  std::string description;
};

std::string line_of(const Entry& entry, std::size_t description_bytes) {
  const std::string_view kept = base::utf8_prefix(entry.description, description_bytes);
  return "- " + entry.name + ": " + std::string(kept) + (kept.size() < entry.description.size() ? "…" : "") + "\n";
}

/// The entries within the bound: whole, else with short descriptions, else only the first ones.
std::string list_within(const std::vector<Entry>& entries, std::size_t max_bytes) {
  std::string whole;
  for (const Entry& entry : entries) whole += line_of(entry, entry.description.size());
  if (whole.size() <= max_bytes) return whole;
  std::string list;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const std::string line = line_of(entries[i], kShortDescription);
    if (list.size() + line.size() > max_bytes) {
      return list + "[" + std::to_string(entries.size() - i) + " more are left out: there is no room for them]\n";
    }
    list += line;
  }
  return list;
}

bool is_name_character(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-' || c == '.';
}

}  // namespace

std::string catalog_text(const ports::CatalogView& view, CatalogUse use, std::size_t max_bytes) {
  std::vector<Entry> skills;
  std::vector<Entry> agents;
  if (use.skills) {
    for (const ports::SkillInfo& skill : view.skills) skills.push_back({skill.name, skill.description});
  }
  if (use.agents) {
    for (const ports::AgentDefinition& agent : view.agents) agents.push_back({agent.name, agent.description});
  }
  std::string text;
  if (!skills.empty()) {
    text +=
        "Skills: instructions for kinds of work. Before you do such work, read the one that fits with read_skill.\n" +
        list_within(skills, agents.empty() ? max_bytes : max_bytes / 2);
  }
  if (!agents.empty()) {
    if (!text.empty()) text += '\n';
    text +=
        "Agents that spawn_agent knows by name:\n" + list_within(agents, skills.empty() ? max_bytes : max_bytes / 2);
  }
  return text;
}

std::vector<std::string> mentioned_skills(std::string_view text, const ports::CatalogView& view) {
  std::vector<std::string> names;
  for (std::size_t at = text.find('$'); at != std::string_view::npos; at = text.find('$', at + 1)) {
    if (at > 0 && is_name_character(text[at - 1])) continue;
    std::size_t end = at + 1;
    while (end < text.size() && is_name_character(text[end])) ++end;
    std::string_view name = text.substr(at + 1, end - at - 1);
    // The full stop of a sentence is no part of a name.
    while (name.ends_with('.')) name.remove_suffix(1);
    const bool known = std::ranges::find(view.skills, name, &ports::SkillInfo::name) != view.skills.end();
    if (known && std::ranges::find(names, name) == names.end()) names.emplace_back(name);
  }
  return names;
}

std::string mentioned_skill_text(const ports::SkillText& skill, std::size_t max_bytes) {
  std::string text = "The user wants the skill " + skill.info.name + " to be used. It lies in " +
                     std::filesystem::path(skill.info.file).parent_path().string() + ".\n<skill name=\"" +
                     skill.info.name + "\">\n";
  const std::string_view kept = base::utf8_prefix(skill.text, max_bytes);
  text += kept;
  if (!text.ends_with('\n')) text += '\n';
  if (kept.size() < skill.text.size()) text += "[the rest is left out: read " + skill.info.file + "]\n";
  return text + "</skill>";
}

}  // namespace lathe::agent
