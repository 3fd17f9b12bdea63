#include "lathe/apps/settings_stamp.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <vector>

namespace lathe::apps {

namespace {

std::string stamp_of(const std::string& path) {
  struct stat found{};
  if (::stat(path.c_str(), &found) != 0) return fmt::format("{} -\n", path);
  return fmt::format("{} {} {} {} {}.{} {}.{}\n", path, found.st_dev, found.st_ino, found.st_size, found.st_mtim.tv_sec,
                     found.st_mtim.tv_nsec, found.st_ctim.tv_sec, found.st_ctim.tv_nsec);
}

}  // namespace

std::string settings_stamp(const config::Paths& paths, const std::string& policy) {
  std::vector<std::string> files{paths.config_file, paths.models_file};
  if (policy.starts_with('/')) files.push_back(policy);
  std::error_code unreadable;
  std::vector<std::string> rules;
  for (const auto& entry : std::filesystem::directory_iterator(paths.policies_dir, unreadable)) {
    rules.push_back(entry.path());
  }
  std::ranges::sort(rules);
  files.insert(files.end(), rules.begin(), rules.end());
  std::string stamp;
  for (const std::string& file : files) stamp += stamp_of(file);
  return stamp;
}

}  // namespace lathe::apps
