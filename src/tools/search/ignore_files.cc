#include "lathe/tools/search/ignore_files.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cstddef>
#include <ranges>

#include "lathe/base/unique_fd.h"
#include "lathe/runtime/files.h"

namespace lathe::tools::search {

using base::UniqueFd;
using globs::IgnoreRules;

namespace {

constexpr auto kFileNames = std::to_array<const char*>({".rgignore", ".ignore", ".gitignore"});
constexpr std::size_t kOfGit = 2;
constexpr std::size_t kMaxRulesBytes = 1U << 20;

bool waits(int folder, const char* name) {
  struct stat status{};
  return fstatat(folder, name, &status, 0) == 0 && (S_ISFIFO(status.st_mode) || S_ISCHR(status.st_mode));
}

std::optional<IgnoreRules> rules_in(int folder, const char* name, const std::string& absolute) {
  const UniqueFd file(openat(folder, name, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC));
  struct stat status{};
  if (!file || fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode)) return std::nullopt;
  const auto text = runtime::read_all(file.get(), kMaxRulesBytes, absolute);
  if (!text.ok()) return std::nullopt;
  return IgnoreRules::parse(absolute, *text, globs::IgnoreReader::kRipgrep);
}

}  // namespace

void IgnoreFiles::enter_above(const std::string& root) {
  for (std::size_t slash = root.find('/'); slash != std::string::npos && slash + 1 < root.size();
       slash = root.find('/', slash + 1)) {
    const std::string folder = slash == 0 ? "/" : root.substr(0, slash);
    const UniqueFd open(::open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (open) enter(open.get(), folder);
  }
}

void IgnoreFiles::enter(int folder, const std::string& absolute) {
  static_assert(kFileNames.size() == kNames);
  Level level;
  for (std::size_t name = 0; name < kNames; ++name) {
    level.rules[name] = rules_in(folder, kFileNames[name], absolute);
    if (!level.rules[name]) has_waiting_ = has_waiting_ || waits(folder, kFileNames[name]);
  }
  struct stat git{};
  level.repository = fstatat(folder, ".git", &git, 0) == 0;
  levels_.push_back(std::move(level));
}

bool IgnoreFiles::ignores(const std::string& path, globs::EntryKind kind) const {
  for (std::size_t name = 0; name < kNames; ++name) {
    for (const Level& level : levels_ | std::views::reverse) {
      const auto decided = level.rules[name] ? level.rules[name]->ignores(path, kind) : std::nullopt;
      if (decided) return *decided;
      if (name == kOfGit && level.repository) break;
    }
  }
  return false;
}

}  // namespace lathe::tools::search
