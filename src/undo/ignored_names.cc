#include "lathe/undo/ignored_names.h"

#include <algorithm>
#include <ranges>
#include <utility>

#include "lathe/undo/file_state.h"
#include "lathe/undo/git_objects.h"

namespace lathe::undo {

namespace {

constexpr std::size_t kMaxRulesBytes = 1U << 20;

std::string text_of(const std::string& file) { return read_regular_file(file, kMaxRulesBytes).value_or(""); }

}  // namespace

std::string IgnoredNames::read_above(const std::string& root) {
  const auto repository = Repository::find(root);
  if (!repository) return "";
  std::string all = text_of(repository->exclude_file);
  levels_.push_back({.folder = repository->root, .has_rules = true});
  levels_.back().rules = globs::IgnoreRules::parse(repository->root, all, globs::IgnoreReader::kGit);
  for (std::size_t at = repository->root.size(); at < root.size();) {
    const std::string folder = root.substr(0, at);
    const std::string text = text_of(folder + "/.gitignore");
    levels_.push_back({.folder = folder, .has_rules = true});
    levels_.back().rules = globs::IgnoreRules::parse(folder, text, globs::IgnoreReader::kGit);
    all += text;
    at = std::min(root.find('/', at + 1), root.size());
  }
  return all;
}

void IgnoredNames::enter(std::string folder, bool has_rules) {
  levels_.push_back({.folder = std::move(folder), .has_rules = has_rules});
}

void IgnoredNames::leave() { levels_.pop_back(); }

bool IgnoredNames::ignores(const std::string& absolute, globs::EntryKind kind) {
  for (Level& level : levels_ | std::views::reverse) {
    if (!level.has_rules) continue;
    if (!level.rules) {
      const std::string text = text_of(level.folder + "/.gitignore");
      level.rules = globs::IgnoreRules::parse(level.folder, text, globs::IgnoreReader::kGit);
    }
    if (const auto decided = level.rules->ignores(absolute, kind)) return *decided;
  }
  return false;
}

}  // namespace lathe::undo
