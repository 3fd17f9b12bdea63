#pragma once

#include <string>

#include "lathe/base/result.h"
#include "lathe/runtime/tcp_listener.h"

namespace lathe::apps {

/// The address of this machine that the text names, to take clients at. `unsupported` for one that others reach: a
/// token is no protection on a network, where nothing is encrypted.
[[nodiscard]] base::Result<runtime::TcpAddress> listen_address(const std::string& text);

}  // namespace lathe::apps
