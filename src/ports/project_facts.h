#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "lathe/base/result.h"
#include "lathe/runtime/async.h"

namespace lathe::ports {

/// What the model should know of the place it works in. Empty members are unknown.
struct EnvironmentFacts {
  std::string cwd;
  /// "Linux 6.1 (x86_64)".
  std::string os;
  /// The local day, "2026-11-20".
  std::string date;
  /// The person's shell, "bash".
  std::string shell;
  /// Top folder of the repository that holds cwd.
  std::string repository_root;
  /// The branch, or the short commit when there is none.
  std::string git_branch;
  friend bool operator==(const EnvironmentFacts&, const EnvironmentFacts&) = default;
};

/// One file of instructions that the project gives to agents (AGENTS.md).
struct ProjectDoc {
  /// Absolute.
  std::string path;
  /// UTF-8.
  std::string text;
  /// The rest of the file did not fit the bound.
  bool truncated = false;
  friend bool operator==(const ProjectDoc&, const ProjectDoc&) = default;
};

struct ProjectDocs {
  std::vector<ProjectDoc> files;
  /// For people: files that could not be read, or not whole, each with its path.
  std::vector<std::string> problems;
  friend bool operator==(const ProjectDocs&, const ProjectDocs&) = default;
};

/// Reads them. Loop thread.
class ProjectFacts {
 public:
  virtual ~ProjectFacts() = default;
  virtual runtime::Async<base::Result<EnvironmentFacts>> environment(std::string cwd) = 0;
  /// From the repository's root down to cwd, one file per folder (AGENTS.override.md, else AGENTS.md, else the first
  /// fallback that is there), `max_bytes` together. Outside of a repository only cwd's. A file that cannot be read
  /// costs nothing but itself.
  virtual runtime::Async<base::Result<ProjectDocs>> docs(std::string cwd, std::size_t max_bytes) = 0;
};

}  // namespace lathe::ports
