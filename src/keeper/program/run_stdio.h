#pragma once

#include <cstdint>

#include "lathe/keeper/program/supervisor.h"
#include "lathe/keeper/program/wire.h"

namespace lathe::keeper {

void close_fd(int& fd);

/// Makes what a `run` message asks for to type into and to write to, and keeps the end that is typed into in `input`;
/// false: it cannot, with errno.
[[nodiscard]] bool make_stdio(Message& message, RunSetup& setup, int& input);

/// Closes what only the command and its supervisor are to hold.
void close_far_ends(RunSetup& setup);

/// Moves what a supervisor that died left in the pipes into the spool, and tells the totals.
void take_leftovers(const RunSetup& setup, const std::uint64_t (&seen)[protocol::kStreams],
                    std::uint64_t (&totals)[protocol::kStreams]);

}  // namespace lathe::keeper
