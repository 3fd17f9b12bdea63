#include "lathe/sandbox/toolchains.h"

#include <algorithm>
#include <array>

#include "lathe/base/strings.h"
#include "lathe/sandbox/path_order.h"
#include "lathe/sandbox/real_path.h"
#include "lathe/sandbox/system_folders.h"

namespace lathe::sandbox {
namespace {

/// A folder in home that is in PATH, and what its programs need besides.
struct Manager {
  std::string_view programs;
  std::array<std::string_view, 3> also;
};
constexpr std::array<Manager, 8> kManagers = {{{".cargo/bin", {".rustup", "", ""}},
                                               {".local/bin", {".local/lib", ".local/pipx/venvs", ".local/share/uv"}},
                                               {".pyenv/shims", {".pyenv", "", ""}},
                                               {".rbenv/shims", {".rbenv", "", ""}},
                                               {".asdf/shims", {".asdf", "", ""}},
                                               {".local/share/mise/shims", {".local/share/mise", "", ""}},
                                               {".volta/bin", {".volta/tools", ".volta/bin", ""}},
                                               {".sdkman/candidates", {".sdkman/candidates", "", ""}}}};
constexpr std::array<std::string_view, 5> kBeside = {"lib", "lib64", "libexec", "include", "share"};

class Found final {
 public:
  explicit Found(const std::string& home) : home_(home) {}

  void add(const std::string& path) {
    const std::string folder = real_folder(path);
    if (folder.empty() || folder == "/" || folder == home_) return;
    const auto holds = [&](std::string_view system) { return is_at_or_below(folder, system); };
    if (std::ranges::any_of(kSystemFolders, holds)) return;
    // A folder that home lies in would show all of it.
    if (!home_.empty() && is_at_or_below(home_, folder)) return;
    if (std::ranges::find(folders_, folder) == folders_.end()) folders_.push_back(folder);
  }
  std::vector<std::string> take() {
    std::ranges::sort(folders_);
    return std::move(folders_);
  }

 private:
  const std::string home_;
  std::vector<std::string> folders_;
};

bool add_managed(std::string_view entry, const std::string& home, Found& found) {
  for (const Manager& manager : kManagers) {
    if (entry != home + "/" + std::string(manager.programs)) continue;
    for (const std::string_view also : manager.also) {
      if (!also.empty()) found.add(home + "/" + std::string(also));
    }
    return true;
  }
  return false;
}

}  // namespace

std::vector<std::string> toolchain_folders(std::string_view path_variable, const std::string& home) {
  Found found(home);
  for (const std::string_view entry : base::split(path_variable, ':')) {
    if (!entry.starts_with('/')) continue;
    found.add(std::string(entry));
    if (add_managed(entry, home, found)) continue;
    const std::string prefix = std::string(entry.substr(0, entry.rfind('/')));
    // ~/bin has nothing beside it but the person's home.
    if (!entry.ends_with("/bin") || prefix.empty() || prefix == home) continue;
    for (const std::string_view name : kBeside) found.add(prefix + "/" + std::string(name));
  }
  return found.take();
}

}  // namespace lathe::sandbox
