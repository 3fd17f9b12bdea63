#include "lathe/protocol/change_targets.h"

#include <algorithm>
#include <cstddef>
#include <utility>

namespace lathe::protocol {

std::vector<std::string> written_paths(const std::vector<FileChange>& changes) {
  std::vector<std::string> paths;
  for (const FileChange& change : changes) {
    paths.push_back(change.path);
    if (!change.move_path.empty()) paths.push_back(change.move_path);
  }
  return paths;
}

std::vector<Detour> detours(const ApplyPatchApprovalRequest& question) {
  const std::vector<std::string> written = written_paths(question.changes);
  const std::string folder = question.cwd.ends_with('/') ? question.cwd : question.cwd + "/";
  std::vector<Detour> found;
  for (std::size_t i = 0; i < written.size() && i < question.paths.size(); ++i) {
    const std::string plain = written[i].starts_with('/') ? written[i] : folder + written[i];
    Detour detour{.path = written[i], .target = question.paths[i]};
    if (detour.target != plain && std::ranges::find(found, detour) == found.end()) found.push_back(std::move(detour));
  }
  return found;
}

}  // namespace lathe::protocol
