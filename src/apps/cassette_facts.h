#pragma once

#include "lathe/apps/cassette_deck.h"
#include "lathe/ports/project_facts.h"

namespace lathe::apps {

/// Facts of the machine on a cassette: recorded on the way, or played back so that a request on another machine is the
/// recorded one. The folders and the project's documents are those of this run, unless every answer comes from the
/// tape. Outlived by both arguments.
class CassetteFacts final : public ports::ProjectFacts {
 public:
  CassetteFacts(std::unique_ptr<ports::ProjectFacts> real, CassetteDeck& cassette);

  runtime::Async<base::Result<ports::EnvironmentFacts>> environment(std::string cwd) override;
  runtime::Async<base::Result<ports::ProjectDocs>> docs(std::string cwd, std::size_t max_bytes) override;

 private:
  std::unique_ptr<ports::ProjectFacts> real_;
  CassetteDeck& cassette_;
};

}  // namespace lathe::apps
