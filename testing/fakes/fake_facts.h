#pragma once

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

  runtime::Async<base::Result<ports::EnvironmentFacts>> environment(std::string) override { co_return facts; }
  runtime::Async<base::Result<std::vector<ports::ProjectDoc>>> docs(std::string, std::size_t) override {
    co_return documents;
  }
};

}  // namespace lathe::fakes
