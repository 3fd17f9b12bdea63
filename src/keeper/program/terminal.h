#pragma once

namespace lathe::keeper {

/// A pseudo terminal. The near end gives what programs write and takes what is typed; the far end is theirs.
struct Terminal {
  int near_end = -1;
  int far_end = -1;
};

/// Both ends -1 when there is none to be had, with errno. Zero columns or rows: 80 by 24.
[[nodiscard]] Terminal open_terminal(unsigned short columns, unsigned short rows);

}  // namespace lathe::keeper
