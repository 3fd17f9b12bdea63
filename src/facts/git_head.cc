#include "lathe/facts/git_head.h"

#include <filesystem>
#include <string_view>

#include "lathe/base/result.h"
#include "lathe/base/strings.h"
#include "lathe/base/utf8.h"
#include "lathe/runtime/files.h"

namespace lathe::facts {
namespace {

constexpr std::size_t kMaxPointerBytes = 8U << 10;
constexpr std::string_view kBranch = "ref: refs/heads/";
constexpr std::string_view kGitdir = "gitdir: ";

/// The first line of a small file; empty when it cannot be read.
std::string first_line(const std::string& path) {
  const base::Result<std::string> text = runtime::read_file(path, kMaxPointerBytes);
  if (!text.ok()) return {};
  return base::to_utf8(base::trim(text->substr(0, text->find('\n'))));
}

}  // namespace

std::string repository_root(const std::string& folder) {
  std::filesystem::path at = folder;
  while (true) {
    if (runtime::path_exists((at / ".git").string())) return at.string();
    if (!at.has_relative_path()) return {};
    at = at.parent_path();
  }
}

std::string git_branch(const std::string& repository_root) {
  std::filesystem::path git = std::filesystem::path(repository_root) / ".git";
  const std::string pointer = first_line(git.string());
  if (pointer.starts_with(kGitdir)) {
    git = std::filesystem::path(repository_root) / pointer.substr(kGitdir.size());
  }
  const std::string head = first_line((git / "HEAD").string());
  if (head.starts_with(kBranch)) return head.substr(kBranch.size());
  return head.substr(0, 12);
}

}  // namespace lathe::facts
