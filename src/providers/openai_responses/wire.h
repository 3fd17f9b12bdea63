#pragma once

#include "lathe/providers/common/http_model.h"
#include "lathe/providers/openai_responses/request.h"

namespace lathe::providers::openai_responses {

/// OpenAI's Responses API (POST {base_url}/responses), stateless: nothing is stored on the server.
[[nodiscard]] common::Wire wire(const Quirks& quirks);

}  // namespace lathe::providers::openai_responses
