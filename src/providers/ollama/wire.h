#pragma once

#include "lathe/providers/common/http_model.h"
#include "lathe/providers/ollama/request.h"

namespace lathe::providers::ollama {

/// Ollama's own API (POST {base_url}/api/chat), whose requests name the context length and keep the model loaded.
[[nodiscard]] common::Wire wire(const Settings& settings);

}  // namespace lathe::providers::ollama
