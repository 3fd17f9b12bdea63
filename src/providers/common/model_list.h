#pragma once

#include <string>
#include <vector>

#include "lathe/ports/model.h"
#include "lathe/providers/common/http_backend.h"

namespace lathe::providers::common {

/// Asks for {"data": [{"id": …}]} at `path`, as OpenAI, everyone who followed it, and Anthropic list their models; the
/// context length under any of the names in use.
runtime::Async<ports::ModelResult<std::vector<ports::ModelListing>>> fetch_model_list(HttpBackend* backend,
                                                                                      std::string path,
                                                                                      runtime::CancelToken cancel);

}  // namespace lathe::providers::common
