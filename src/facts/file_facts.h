#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "lathe/base/clock.h"
#include "lathe/ports/project_facts.h"
#include "lathe/runtime/pool.h"

namespace lathe::facts {

struct FileFactsOptions {
  /// The person's shell as a path ($SHELL); may be empty.
  std::string shell;
  /// Names of instruction files that are read where a folder has neither AGENTS.override.md nor AGENTS.md.
  std::vector<std::string> docs_fallback = {"CLAUDE.md"};
};

/// ports::ProjectFacts from the file system. Files are read on the pool. Loop thread; what it is given outlives it.
class FileFacts final : public ports::ProjectFacts {
 public:
  FileFacts(runtime::Pool& pool, const base::Clock& clock, FileFactsOptions options);

  void set_docs_fallback(std::vector<std::string> names) { options_.docs_fallback = std::move(names); }
  runtime::Async<base::Result<ports::EnvironmentFacts>> environment(std::string cwd) override;
  runtime::Async<base::Result<ports::ProjectDocs>> docs(std::string cwd, std::size_t max_bytes) override;

 private:
  runtime::Pool& pool_;
  const base::Clock& clock_;
  FileFactsOptions options_;
};

/// The instruction files that count for `cwd`, top folder first. Blocks.
[[nodiscard]] ports::ProjectDocs read_project_docs(const std::string& cwd, std::size_t max_bytes,
                                                   const std::vector<std::string>& fallback);

}  // namespace lathe::facts
