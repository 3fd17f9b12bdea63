#pragma once

#include "lathe/providers/common/http_model.h"
#include "lathe/providers/openai_chat/request.h"

namespace lathe::providers::openai_chat {

/// Chat Completions (POST {base_url}/chat/completions) as OpenAI and everyone who followed it speak it.
[[nodiscard]] common::Wire wire(const Quirks& quirks);

}  // namespace lathe::providers::openai_chat
