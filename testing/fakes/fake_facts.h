#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "lathe/ports/project_facts.h"

namespace lathe::fakes {

/// Facts that a test sets.
class FakeFacts final : public ports::ProjectFacts {
 public:
  ports::EnvironmentFacts facts{.cwd = "/repo", .os = "Linux", .date = "2026-11-20", .shell = "bash"};
  std::vector<ports::ProjectDoc> documents;
  std::vector<std::string> problems;
  /// What docs() fails with.
  std::optional<base::Error> docs_error;

  runtime::Async<base::Result<ports::EnvironmentFacts>> environment(std::string) override { co_return facts; }
  runtime::Async<base::Result<ports::ProjectDocs>> docs(std::string, std::size_t) override {
    if (docs_error) co_return *docs_error;
    co_return ports::ProjectDocs{.files = documents, .problems = problems};
  }
};

}  // namespace lathe::fakes
