#include "lathe/sandbox/git_store.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <string_view>

#include "lathe/base/strings.h"
#include "lathe/base/unique_fd.h"
#include "lathe/sandbox/path_order.h"
#include "lathe/sandbox/real_path.h"

namespace lathe::sandbox {
namespace {

constexpr std::string_view kPointer = "gitdir:";

std::string from(const std::string& folder, const std::string& path) {
  return path.starts_with('/') ? path : folder + "/" + path;
}

/// Git looks for a repository with a `.git` first; that may go, or be none that git knows.
bool is_bare_repository(const std::string& root) { return bare_repository_parts(root).size() == kBareRepositoryParts; }

}  // namespace

std::string git_line(const std::string& path) {
  const base::UniqueFd file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  std::array<char, 4096> bytes{};
  const ssize_t got = file ? read(file.get(), bytes.data(), bytes.size()) : 0;
  if (got <= 0) return {};
  return std::string(base::trim(std::string_view(bytes.data(), static_cast<std::size_t>(got))));
}

std::string git_folder(const std::string& root) {
  const std::string git = real_path(root + "/.git");
  if (git.empty()) return {};
  struct stat status{};
  if (stat(git.c_str(), &status) == 0 && S_ISDIR(status.st_mode)) return git;
  const std::string line = git_line(git);
  if (!line.starts_with(kPointer)) return {};
  // Relative to where the name is, wherever a link takes it.
  const std::string named = from(root, std::string(base::trim(std::string_view(line).substr(kPointer.size()))));
  if (std::string real = real_path(named); !real.empty()) return real;
  std::string plain = std::filesystem::path(named).lexically_normal().string();
  if (plain.ends_with('/')) plain.pop_back();
  return plain;
}

std::string git_common_folder(const std::string& folder) {
  const std::string line = git_line(folder + "/commondir");
  return line.empty() ? std::string() : real_folder(from(folder, line));
}

std::vector<std::string> bare_repository_parts(const std::string& root) {
  std::vector<std::string> parts;
  struct stat head{};
  if (lstat((root + "/HEAD").c_str(), &head) == 0) parts.emplace_back("HEAD");
  for (const char* name : {"refs", "objects"}) {
    if (!real_folder(root + "/" + name).empty()) parts.emplace_back(name);
  }
  return parts;
}

std::string in_git_store(const std::string& store, std::string_view name) {
  return (store.empty() ? "" : store + "/") + std::string(name);
}

std::vector<std::string> git_stores(const std::string& root) {
  std::vector<std::string> stores;
  if (is_bare_repository(root)) stores.emplace_back();
  const std::string own = git_folder(root);
  if (own.empty()) return stores;
  for (const std::string& folder : {own, git_common_folder(own)}) {
    if (folder.empty() || !is_below(folder, root) || folder == root + "/.git") continue;
    std::string store = folder.substr(root.size() + 1);
    if (std::ranges::find(stores, store) == stores.end()) stores.push_back(std::move(store));
  }
  return stores;
}

}  // namespace lathe::sandbox
