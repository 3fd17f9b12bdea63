#include "lathe/engine/bound_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <map>
#include <optional>

#include "lathe/base/unique_fd.h"
#include "lathe/crypto/sha256.h"
#include "lathe/runtime/files.h"

namespace lathe::engine {

namespace {

/// The hash of a regular file; nothing for anything else. One that cannot be read to its end has no content that could
/// be approved, which is a value of its own.
std::optional<std::string> content_of(const std::string& path) {
  const base::UniqueFd fd(open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  struct stat status{};
  if (!fd || fstat(fd.get(), &status) != 0 || !S_ISREG(status.st_mode)) return std::nullopt;
  crypto::Sha256 hash;
  std::array<char, 64U << 10> bytes;
  while (true) {
    const ssize_t got = read(fd.get(), bytes.data(), bytes.size());
    if (got == 0) return hash.finish();
    if (got < 0) return std::string("unreadable");
    hash.update({bytes.data(), static_cast<std::size_t>(got)});
  }
}

}  // namespace

std::vector<protocol::BoundFile> bound_files(const std::vector<std::string>& paths, const std::string& workspace) {
  const std::string root = runtime::real_path(workspace).value_or(workspace);
  std::map<std::string, std::string> found;
  for (const std::string& path : paths) {
    const auto real = runtime::real_path(path);
    if (!real.ok() || !real->starts_with(root + "/")) continue;
    if (auto content = content_of(*real)) found.emplace(path, *std::move(content));
  }
  std::vector<protocol::BoundFile> bound;
  for (auto& [path, sha256] : found) bound.push_back({.path = path, .sha256 = std::move(sha256)});
  return bound;
}

}  // namespace lathe::engine
