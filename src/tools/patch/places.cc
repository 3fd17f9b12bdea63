#include "lathe/tools/patch/places.h"

#include "lathe/tools/common/links.h"

namespace lathe::tools::patch {

base::Result<common::Place> Places::at(const std::string& path) {
  const auto known = known_.find(path);
  if (known != known_.end()) return known->second;
  TRY(const common::Place place, common::place_of(cwd_, path));
  return known_.emplace(path, common::with_links_resolved(place)).first->second;
}

}  // namespace lathe::tools::patch
