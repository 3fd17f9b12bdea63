#pragma once

#include <vector>

#include "lathe/base/json.h"
#include "lathe/ports/model.h"

namespace lathe::providers::common {

/// {"data": [{"id": …}]} as OpenAI, everyone who followed it, and Anthropic list their models; the context length under
/// any of the names in use.
[[nodiscard]] std::vector<ports::ModelListing> read_model_list(const base::Json& document);

}  // namespace lathe::providers::common
