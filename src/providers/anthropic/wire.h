#pragma once

#include "lathe/providers/anthropic/request.h"
#include "lathe/providers/common/http_model.h"

namespace lathe::providers::anthropic {

/// Anthropic's Messages API (POST {base_url}/v1/messages; a base_url that ends in /v1 is taken as it is).
[[nodiscard]] common::Wire wire(const Settings& settings);

}  // namespace lathe::providers::anthropic
