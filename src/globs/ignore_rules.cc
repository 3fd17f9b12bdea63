#include "lathe/globs/ignore_rules.h"

#include <ranges>

#include "lathe/base/strings.h"

namespace lathe::globs {
namespace {

/// Braces mean nothing to git.
std::string without_braces(std::string_view pattern) {
  std::string out;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] == '\\' && i + 1 < pattern.size()) {
      out.append(pattern.substr(i++, 2));
      continue;
    }
    if (pattern[i] == '{' || pattern[i] == '}') out += '\\';
    out += pattern[i];
  }
  return out;
}

}  // namespace

IgnoreRules IgnoreRules::parse(std::string folder, std::string_view text, IgnoreReader reader) {
  const bool git = reader == IgnoreReader::kGit;
  const std::string_view blanks = git ? " " : " \t";
  IgnoreRules rules(std::move(folder));
  for (std::string_view line : base::split_lines(text)) {
    if (line.ends_with('\r')) line.remove_suffix(1);
    while (!line.empty() && blanks.contains(line.back()) && !line.ends_with("\\ ")) line.remove_suffix(1);
    if (line.empty() || line.starts_with('#')) continue;
    const bool ignore = !line.starts_with('!');
    if (!ignore) line.remove_prefix(1);
    const bool folders_only = line.ends_with('/');
    if (folders_only) line.remove_suffix(1);
    const bool bound = line.find('/') != std::string_view::npos;
    if (line.starts_with('/')) line.remove_prefix(1);
    auto pattern = GlobPattern::parse((bound ? "" : "**/") + (git ? without_braces(line) : std::string(line)));
    if (pattern.ok()) rules.rules_.push_back({*std::move(pattern), ignore, folders_only});
  }
  return rules;
}

std::optional<bool> IgnoreRules::ignores(std::string_view path, EntryKind kind) const {
  path.remove_prefix(folder_ == "/" ? 1 : folder_.size() + 1);
  for (const Rule& rule : rules_ | std::views::reverse) {
    if (rule.folders_only && kind != EntryKind::kFolder) continue;
    if (rule.pattern.matches(path)) return rule.ignore;
  }
  return std::nullopt;
}

}  // namespace lathe::globs
