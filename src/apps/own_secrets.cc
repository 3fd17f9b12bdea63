#include "lathe/apps/own_secrets.h"

#include <filesystem>
#include <string>
#include <vector>

#include "lathe/sandbox/system_folders.h"

namespace lathe::apps {

namespace {

std::vector<std::string> secret_places(const config::Paths& paths) {
  std::vector<std::string> places(sandbox::kSystemSecrets.begin(), sandbox::kSystemSecrets.end());
  places.insert(places.end(), {paths.state_dir, paths.runtime_dir, paths.cache_dir, paths.policies_dir,
                               paths.config_file, paths.models_file});
  return places;
}

/// Of these, what is written for models.
std::vector<std::string> open_places(const config::Paths& paths, const std::string& home) {
  const std::string folder = config_folder(paths);
  std::vector<std::string> places{folder + "/skills", folder + "/agents"};
  if (!home.empty()) places.push_back(home + "/.claude/skills");
  return places;
}

}  // namespace

std::string config_folder(const config::Paths& paths) {
  return std::filesystem::path(paths.config_file).parent_path().string();
}

std::vector<std::string> own_folders(const config::Paths& paths) {
  return {config_folder(paths), paths.state_dir, paths.cache_dir, paths.runtime_dir};
}

std::unique_ptr<tools::common::SecretGuard> make_secret_guard(const globs::SecretFiles& secrets,
                                                              const config::Environment& environment,
                                                              const config::Paths& paths) {
  const std::string home = environment.get("HOME");
  return std::make_unique<tools::common::SecretGuard>(secrets, home, secret_places(paths), open_places(paths, home));
}

}  // namespace lathe::apps
