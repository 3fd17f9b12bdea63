#pragma once

#include <cstddef>

#include "lathe/protocol/calls.h"
#include "lathe/protocol/events.h"

namespace lathe::protocol {

/// A message with more text than this takes over a millisecond to turn into a line, to look through for secrets, or to
/// read from its line: that is work for a pool.
inline constexpr std::size_t kLongTextBytes = 64U << 10;

/// Whether the texts inside the message have more than `bytes` together. Looks no further than it must, so that asking
/// costs little whatever it holds.
[[nodiscard]] bool has_long_text(const EventMsg& msg, std::size_t bytes = kLongTextBytes);
[[nodiscard]] bool has_long_text(const ReplyMsg& reply, std::size_t bytes = kLongTextBytes);

}  // namespace lathe::protocol
