#pragma once

#include <memory>
#include <vector>

#include "lathe/ports/tool.h"
#include "lathe/tools/web/web_client.h"

namespace lathe::tools::web {

/// web_fetch, web_get, web_head, web_post, web_put, web_patch, web_delete. Every call is a network action to one host.
/// `client` outlives them.
[[nodiscard]] std::vector<std::unique_ptr<ports::Tool>> make_web_tools(WebClient& client);

}  // namespace lathe::tools::web
