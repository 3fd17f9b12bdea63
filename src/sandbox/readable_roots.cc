#include "lathe/sandbox/readable_roots.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "lathe/sandbox/path_order.h"
#include "lathe/sandbox/real_path.h"

namespace lathe::sandbox {

using base::Error;
using base::Result;

namespace {

/// Mounted anew in a jail; the machine's would show processes and devices.
constexpr std::array<std::string_view, 3> kOfTheJail = {"/dev", "/proc", "/sys"};

Error not_readable(const std::string& root, const std::string& why) {
  return {.code = base::codes::kInvalid,
          .message = fmt::format("readable-roots: {} {}", root, why),
          .hint = "name only what commands need to read; `lathe config list` shows where the setting comes from"};
}

Result<void> check(const std::string& root, const std::string& home, const std::vector<std::string>& hidden) {
  if (root == "/" || (!home.empty() && is_at_or_below(home, root))) {
    return not_readable(root, "would show commands all of your home folder");
  }
  const auto holds = [&root](std::string_view folder) { return is_at_or_below(root, folder); };
  if (std::ranges::any_of(kOfTheJail, holds)) return not_readable(root, "is no place that commands share with you");
  const auto secret = std::ranges::find_if(hidden, holds);
  if (secret == hidden.end()) return {};
  return not_readable(root, *secret == root ? "is kept from commands"
                                            : fmt::format("lies in {}, which is kept from commands", *secret));
}

}  // namespace

std::vector<std::string> hidden_places(const SessionFacts& facts) {
  std::vector<std::string> places;
  for (const std::vector<std::string>* paths : {&facts.our_folders, &facts.home_secrets}) {
    for (const std::string& path : *paths) {
      if (std::string real = real_path(path); !real.empty()) places.push_back(std::move(real));
    }
  }
  return places;
}

Result<std::vector<std::string>> readable_roots(const SessionFacts& facts) {
  std::vector<std::string> roots;
  if (facts.readable_roots.empty()) return roots;
  const std::string home = real_folder(facts.home);
  const std::vector<std::string> hidden = hidden_places(facts);
  for (const std::string& named : facts.readable_roots) {
    std::string root = real_path(named);
    if (root.empty()) continue;
    TRY_OK(check(root, home, hidden));
    roots.push_back(std::move(root));
  }
  return roots;
}

}  // namespace lathe::sandbox
