#include "lathe/policy/presets.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "built_in_presets.h"
#include "lathe/base/strings.h"
#include "lathe/policy/rule_file.h"

namespace lathe::policy {
namespace {

struct Preset {
  std::string_view name;
  std::string_view text;
};
constexpr std::array kPresets{Preset{"default", kDefaultPreset}, Preset{"strict", kStrictPreset},
                              Preset{"dev", kDevPreset}, Preset{"acp", kAcpPreset}, Preset{"acpx", kAcpxPreset}};

}  // namespace

std::vector<std::string> preset_names() {
  std::vector<std::string> names;
  for (const Preset& preset : kPresets) names.emplace_back(preset.name);
  return names;
}

base::Result<RuleSet> preset(std::string_view name) {
  const auto* const found = std::ranges::find(kPresets, name, &Preset::name);
  if (found == kPresets.end()) {
    const std::string near = base::did_you_mean(name, preset_names());
    return base::Error{
        .code = base::codes::kNotFound,
        .message = fmt::format("there is no policy preset \"{}\"", name),
        .hint = near.empty() ? "there are " + base::join(preset_names(), ", ") + "; or give a path" : near};
  }
  TRY(RuleSet set, load_rules(found->text, "preset " + std::string(name) + ".json"));
  set.source = "preset " + std::string(name);
  return set;
}

}  // namespace lathe::policy
