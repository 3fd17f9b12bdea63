#pragma once

#include <memory>

#include "lathe/apps/cassette_deck.h"
#include "lathe/ports/catalog.h"

namespace lathe::apps {

/// Skills and agents on a cassette: recorded on the way, and played back when every answer comes from the tape. Of
/// agents only what the model is told is recorded: then none is started. Outlived by both arguments.
class CassetteCatalog final : public ports::Catalog {
 public:
  CassetteCatalog(std::unique_ptr<ports::Catalog> real, CassetteDeck& cassette);

  runtime::Async<base::Result<ports::CatalogView>> look(std::string cwd) override;
  runtime::Async<base::Result<ports::SkillText>> read_skill(std::string cwd, std::string name) override;

 private:
  std::unique_ptr<ports::Catalog> real_;
  CassetteDeck& cassette_;
};

}  // namespace lathe::apps
