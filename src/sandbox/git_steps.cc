#include "lathe/sandbox/git_steps.h"

#include <algorithm>

#include "lathe/base/strings.h"

namespace lathe::sandbox {
namespace {

constexpr std::string_view kGit = ".git/";

/// Git has these within; any other is a program's name.
constexpr auto kOwnStrategies =
    std::to_array<std::string_view>({"", "ort", "recursive", "resolve", "octopus", "ours", "subtree"});

bool is_own_strategy(std::string_view name) { return std::ranges::find(kOwnStrategies, name) != kOwnStrategies.end(); }

/// `exec make test`, `x make test`.
bool runs_something(std::string_view step) {
  const std::string_view word = step.substr(0, step.find_first_of(" \t\r"));
  return word == "exec" || word == "x";
}

/// In git's configuration syntax: names in any case, several of them on a line, a value continued on the next.
bool names_a_strategy(std::string_view line) {
  constexpr std::string_view kName = "strategy";
  const std::string small = base::lower(line);
  for (std::size_t at = small.find(kName); at != std::string::npos; at = small.find(kName, at + 1)) {
    const std::string_view rest = base::trim(std::string_view(small).substr(at + kName.size()));
    if (rest.starts_with("-option")) continue;
    if (!rest.starts_with('=') || !is_own_strategy(base::trim(rest.substr(1)))) return true;
  }
  return false;
}

/// `--unsafe-paths`, however it is shortened; no other option that git keeps there begins so.
bool allows_any_path(std::string_view options) { return options.find("--u") != std::string_view::npos; }

}  // namespace

std::set<std::string> git_step_paths(std::string_view git) {
  std::set<std::string> paths;
  const std::string before = git.empty() ? "" : std::string(git) + "/";
  for (const std::string_view folder : kGitStepFolders) {
    const std::string path = before + std::string(folder.substr(kGit.size()));
    paths.insert(path);
    for (const std::string_view file : kGitStepFiles) paths.insert(path + "/" + std::string(file));
  }
  return paths;
}

std::set<std::string> orders_in(std::string_view name, std::string_view text) {
  std::set<std::string> orders;
  for (const std::string_view whole : base::split_lines(text)) {
    const std::string_view line = base::trim(whole);
    const bool ordered = name == "strategy"    ? !is_own_strategy(line)
                         : name == "opts"      ? names_a_strategy(line)
                         : name == "apply-opt" ? allows_any_path(line)
                                               : runs_something(line);
    if (ordered) orders.emplace(line);
  }
  return orders;
}

}  // namespace lathe::sandbox
