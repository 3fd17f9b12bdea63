#include "lathe/apps/settings_print.h"

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <vector>

#include "lathe/base/json.h"
#include "lathe/crypto/sha256.h"
#include "lathe/runtime/files.h"

namespace lathe::apps {

namespace {

using base::Json;

constexpr std::size_t kMostSettingsBytes = 1U << 20;
constexpr std::size_t kLetters = 16;

Json backend_facts(const config::Backend& backend) {
  return Json{backend.name,
              backend.type,
              backend.url,
              backend.api_key_env,
              backend.api_key_command,
              backend.headers,
              backend.default_model,
              backend.context_tokens,
              backend.keep_loaded};
}

/// Path and content; one that cannot be read counts as one that is not there.
Json file_facts(const std::string& path) {
  return Json{path, crypto::sha256(runtime::read_file(path, kMostSettingsBytes).value_or(""))};
}

std::vector<std::string> files_in(const std::string& folder) {
  std::vector<std::string> files;
  std::error_code unreadable;
  for (const auto& entry : std::filesystem::directory_iterator(folder, unreadable)) files.push_back(entry.path());
  std::ranges::sort(files);
  return files;
}

}  // namespace

std::string settings_print(const config::Paths& paths, const config::Loaded& loaded) {
  Json facts = Json::array();
  for (const config::Setting& setting : loaded.settings) {
    if (!setting.key.starts_with("daemon.")) facts.push_back(Json{setting.key, setting.value});
  }
  for (const config::Backend& backend : loaded.config.backends) {
    if (backend.origin == "config") facts.push_back(backend_facts(backend));
  }
  facts.push_back(file_facts(paths.models_file));
  if (loaded.config.policy.starts_with('/')) facts.push_back(file_facts(loaded.config.policy));
  for (const std::string& file : files_in(paths.policies_dir)) facts.push_back(file_facts(file));
  return crypto::sha256(base::dump_json(facts)).substr(0, kLetters);
}

}  // namespace lathe::apps
