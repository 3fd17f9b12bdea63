#include "lathe/tools/common/protected_place.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <set>
#include <string_view>
#include <vector>

#include "lathe/runtime/files.h"
#include "lathe/sandbox/git_steps.h"
#include "lathe/sandbox/git_store.h"
#include "lathe/sandbox/protected_names.h"
#include "lathe/tools/common/secret_guard.h"

namespace lathe::tools::common {

using base::Error;
using base::Result;

namespace {

constexpr std::string_view kGit = ".git";

bool lies_in(std::string_view path, std::string_view folder) {
  return path == folder || (path.starts_with(folder) && path[folder.size()] == '/');
}

/// Whether a folder called venv is a virtual environment.
using IsEnvironment = bool (*)(const std::string& folder);
bool is_environment(const std::string& folder) { return runtime::path_exists(folder + "/pyvenv.cfg"); }
/// Where nothing may be looked at, it need not be one.
bool need_not_be_one(const std::string&) { return false; }

/// Every absolute path at which something protected is, or would be: in `.git`, what a link or a `.git` file leads to.
std::vector<std::string> protected_paths(const std::string& root) {
  const std::vector<std::string> stores = sandbox::git_stores(root);
  std::vector<std::string> names(sandbox::kProtectedNames.begin(), sandbox::kProtectedNames.end());
  std::ranges::move(sandbox::protected_names_in(stores), std::back_inserter(names));
  std::vector<std::string> paths{root + "/" + std::string(kGit)};
  for (const std::string& name : names) {
    std::string path = root + "/" + name;
    // A folder that is only called so is the project's own.
    if (name.ends_with("venv") && !is_environment(path)) continue;
    if (auto real = runtime::real_path(path); real.ok() && *real != path) paths.push_back(*std::move(real));
    paths.push_back(std::move(path));
  }
  // The last part of a bare repository would have git obey whatever configuration is there by then.
  const std::vector<std::string> parts = sandbox::bare_repository_parts(root);
  if (parts.size() + 1 == sandbox::kBareRepositoryParts) {
    for (const char* part : {"HEAD", "refs", "objects"}) {
      if (std::ranges::find(parts, part) == parts.end()) paths.push_back(root + "/" + part);
    }
  }
  // What git still has to do is git's.
  std::set<std::string> steps = sandbox::git_step_paths(kGit);
  for (const std::string& store : stores) steps.merge(sandbox::git_step_paths(store));
  for (const std::string& step : steps) paths.push_back(root + "/" + step);
  return paths;
}

/// What is called like a protected name of the folder that ends before `rest`.
bool is_protected_name(const std::string& folder, std::string_view rest, IsEnvironment is_one) {
  if (rest == kGit) return true;
  const auto steps = sandbox::git_step_paths(kGit);
  if (std::ranges::any_of(steps, [&](const std::string& step) { return lies_in(rest, step); })) return true;
  return std::ranges::any_of(sandbox::kProtectedNames, [&](std::string_view name) {
    if (!lies_in(rest, name)) return false;
    return !name.ends_with("venv") || is_one(folder + "/" + std::string(name));
  });
}

/// For a path outside of the workspace: whichever folder above it is one, the name is protected there.
bool is_protected_anywhere(const std::string& path, IsEnvironment is_one) {
  for (std::size_t slash = path.find('/'); slash != std::string::npos; slash = path.find('/', slash + 1)) {
    if (is_protected_name(path.substr(0, slash), std::string_view(path).substr(slash + 1), is_one)) return true;
  }
  return false;
}

Error is_protected(const std::string& shown) {
  return {.code = base::codes::kPermission,
          .message = fmt::format(
              "{} is protected: programs outside of the sandbox execute or obey it, so tools may not change it", shown),
          .hint = "only a person can; tell them what to change there and why"};
}

}  // namespace

Result<void> refuse_protected(int root, int folder, const std::string& rest, const std::string& shown) {
  const std::string root_name = real_name(root);
  const std::string path = real_name(folder) + "/" + rest;
  const std::vector<std::string> paths = protected_paths(root_name);
  // The repository's folder is git's; only what takes its place leads elsewhere.
  const bool inside = lies_in(path, root_name);
  const bool found = path == paths.front() || (!inside && is_protected_anywhere(path, is_environment)) ||
                     std::ranges::any_of(paths.begin() + 1, paths.end(),
                                         [&path](const std::string& folder) { return lies_in(path, folder); });
  if (!found) return {};
  return is_protected(shown);
}

Result<void> refuse_by_name(const Place& place, const SecretGuard* secrets) {
  if (place.inside()) return {};
  Place by_text = place;
  by_text.real.clear();
  if (secrets != nullptr) TRY_OK(secrets->check_name(by_text));
  if (is_protected_anywhere(place.absolute, need_not_be_one)) return is_protected(place.shown());
  return {};
}

}  // namespace lathe::tools::common
