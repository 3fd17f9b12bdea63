#include "lathe/apps/refused_place.h"

namespace lathe::apps {

base::Error refused_place(const base::Error& error) {
  const bool in_the_way = error.code == base::codes::kNotFound || error.code == base::codes::kExists;
  return in_the_way ? error.or_hint("export LATHE_HOME=FOLDER names another place for all that Lathe keeps") : error;
}

}  // namespace lathe::apps
