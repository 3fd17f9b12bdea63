#include "lathe/apps/daemon_environment.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "lathe/config/settings.h"
#include "lathe/tools/shell/environment.h"

namespace lathe::apps {

namespace {

/// For the commands that print keys, for requests to models, and for sanitizers.
constexpr std::array<std::string_view, 17> kKept = {
    "DBUS_SESSION_BUS_ADDRESS",
    "GNUPGHOME",
    "PASSWORD_STORE_DIR",
    "SSH_AUTH_SOCK",
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "no_proxy",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "ASAN_OPTIONS",
    "LSAN_OPTIONS",
    "UBSAN_OPTIONS",
    "TSAN_OPTIONS",
    "LATHE_FAULT",
};

std::vector<std::string> as_list(const config::Environment& environment) {
  std::vector<std::string> list;
  for (const auto& [name, value] : environment.variables) list.push_back(name + "=" + value);
  return list;
}

}  // namespace

std::vector<std::string> daemon_environment(const config::Environment& environment) {
  std::vector<std::string> keep(kKept.begin(), kKept.end());
  keep.emplace_back("LATHE_HOME");
  for (const config::SettingSpec& spec : config::setting_specs()) keep.push_back(config::variable_of(spec));
  return tools::shell::command_environment(as_list(environment), {.keep = std::move(keep), .set = {}});
}

std::vector<std::string> lent_environment(const config::Environment& environment, const config::Config& config) {
  return tools::shell::command_environment(as_list(environment),
                                           {.keep = config::backend_variables(config), .set = {}});
}

base::Result<std::vector<std::string>> environment_with(const config::Environment& daemons,
                                                        const config::Config& config, std::vector<std::string> named) {
  const std::vector<std::string> taken =
      tools::shell::command_environment(named, {.keep = config::backend_variables(config), .set = {}});
  for (const std::string& variable : named) {
    if (std::ranges::find(taken, variable) != taken.end()) continue;
    return base::Error{.code = base::codes::kInvalid,
                       .message = fmt::format("env: commands do not see {}, and it is no backend's key",
                                              std::string_view(variable).substr(0, variable.find('='))),
                       .hint = "leave it out; commands see places, locales and settings of toolchains"};
  }
  return tools::shell::command_environment(as_list(daemons), {.keep = {}, .set = std::move(named)});
}

}  // namespace lathe::apps
