#include <fmt/format.h>

#include <vector>

#include "lathe/base/json.h"
#include "lathe/base/strings.h"
#include "lathe/cli/commands/command.h"
#include "lathe/cli/render/table.h"

namespace lathe::cli {

using base::Result;

namespace {

/// A long list would push the last column off the screen; `config get` prints all of it.
constexpr std::size_t kShownWidth = 50;

/// All settings; warnings about the file go to stderr.
Result<std::vector<config::Setting>> load_settings(Context& context) {
  TRY(const config::Paths paths, config::find_paths(context.frontend.environment));
  TRY(config::Loaded loaded, config::load(paths, context.frontend.environment));
  for (const std::string& warning : loaded.warnings) context.note("warning: " + warning);
  return std::move(loaded.settings);
}

}  // namespace

CommandResult execute(Context* context, ConfigGetOptions options) {
  CO_TRY(const auto settings, load_settings(*context));
  std::vector<std::string> keys;
  for (const config::Setting& setting : settings) {
    if (setting.key == options.key) {
      context->out.line(setting.value);
      // On stderr: these are words, and what a script reads is what is set.
      if (setting.value.empty() && !setting.when_empty.empty()) {
        context->note(fmt::format("{} is not set, which means: {}", setting.key, setting.when_empty));
      }
      co_return kDone;
    }
    keys.push_back(setting.key);
  }
  const std::string near = base::did_you_mean(options.key, keys);
  co_return base::Error{.code = base::codes::kNotFound,
                        .message = fmt::format("there is no setting \"{}\"", options.key),
                        .hint = near.empty() ? "lathe config list shows them all" : near};
}

CommandResult execute(Context* context, ConfigSetOptions options) {
  CO_TRY(const config::Paths paths, config::find_paths(context->frontend.environment));
  CO_TRY_OK(config::set(paths, options.key, options.value));
  co_return kDone;
}

CommandResult execute(Context* context, ConfigListOptions options) {
  CO_TRY(const auto settings, load_settings(*context));
  if (options.json) {
    base::Json list = base::Json::array();
    for (const config::Setting& setting : settings) {
      list.push_back({{"key", setting.key},
                      {"value", setting.value},
                      {"source", setting.source},
                      {"when_empty", setting.when_empty}});
    }
    base::Json document;
    document["settings"] = std::move(list);
    context->out.line(base::dump_json_pretty(document));
    co_return kDone;
  }
  std::vector<std::vector<std::string>> rows;
  for (const config::Setting& setting : settings) {
    const std::string& holds = setting.value.empty() ? setting.when_empty : setting.value;
    rows.push_back({setting.key, elide(holds, kShownWidth), setting.source});
  }
  context->out.add(table_text({"KEY", "VALUE", "FROM"}, rows, context->out_style));
  co_return kDone;
}

CommandResult execute(Context* context, ConfigPathOptions) {
  CO_TRY(const config::Paths paths, config::find_paths(context->frontend.environment));
  context->out.line(paths.config_file);
  co_return kDone;
}

}  // namespace lathe::cli
