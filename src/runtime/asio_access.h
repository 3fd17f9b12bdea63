#pragma once

#include <boost/asio/io_context.hpp>

#include "lathe/runtime/loop.h"

namespace lathe::runtime {

/// The io_context behind a loop, for the sockets of net/.
[[nodiscard]] boost::asio::io_context& io_context_of(Loop& loop);

}  // namespace lathe::runtime
