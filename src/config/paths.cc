#include <unistd.h>

#include "lathe/config/config.h"

namespace lathe::config {
namespace {

/// The folder named by `variable` when it is absolute, else `fallback`.
std::string folder(const Environment& environment, const std::string& variable, const std::string& fallback) {
  const std::string value = environment.get(variable);
  return (value.starts_with('/') ? value : fallback) + "/lathe";
}

}  // namespace

std::string Environment::get(const std::string& name) const {
  const auto found = variables.find(name);
  return found == variables.end() ? "" : found->second;
}

Environment Environment::of_process() {
  std::vector<std::string> texts;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) texts.emplace_back(*entry);
  return of(texts);
}

Environment Environment::of(const std::vector<std::string>& texts) {
  Environment environment;
  for (const std::string_view text : texts) {
    const std::size_t equals = text.find('=');
    if (equals == std::string_view::npos) continue;
    environment.variables.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  return environment;
}

base::Result<Paths> find_paths(const Environment& environment) {
  if (const std::string home = environment.get("LATHE_HOME"); !home.empty()) {
    if (!home.starts_with('/')) {
      return base::Error{.code = base::codes::kInvalid,
                         .message = "LATHE_HOME=\"" + home + "\" is not absolute",
                         .hint = "give the whole path, from / on"};
    }
    return Paths{.config_file = home + "/config.yaml",
                 .state_dir = home + "/state",
                 .cache_dir = home + "/cache",
                 .runtime_dir = home + "/run",
                 .policies_dir = home + "/policies",
                 .models_file = home + "/models.yaml"};
  }
  const std::string home = environment.get("HOME");
  if (!home.starts_with('/')) {
    return base::Error{.code = base::codes::kInvalid,
                       .message = "HOME is not set, so there is no place for Lathe's files",
                       .hint = "set HOME, or set LATHE_HOME to a folder of its own"};
  }
  const std::string config = folder(environment, "XDG_CONFIG_HOME", home + "/.config");
  const std::string state = folder(environment, "XDG_STATE_HOME", home + "/.local/state");
  const bool has_runtime = environment.get("XDG_RUNTIME_DIR").starts_with('/');
  return Paths{.config_file = config + "/config.yaml",
               .state_dir = state,
               .cache_dir = folder(environment, "XDG_CACHE_HOME", home + "/.cache"),
               .runtime_dir = has_runtime ? folder(environment, "XDG_RUNTIME_DIR", "") : state + "/run",
               .policies_dir = config + "/policies",
               .models_file = config + "/models.yaml"};
}

std::string from_home(const Environment& environment, const std::string& path) {
  const std::string home = environment.get("HOME");
  return path.starts_with("~/") && home.starts_with('/') ? home + path.substr(1) : path;
}

}  // namespace lathe::config
