#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace lathe::client {

/// Which streams are read to see whether they are whole: the newest up to a bound of bytes, or all.
enum class ReadStreams { kNewest, kAll };

struct DamagedSession {
  std::string session_id;
  /// The place, and what is wrong there: its stream, or that bytes which it names are gone.
  std::string damage;
  /// The last Turn before the damage; "" when none is whole.
  std::string last_turn;
  bool archived = false;
};

/// What reading the streams of a data root found.
struct SessionHealth {
  std::int64_t whole = 0;
  /// Past the bound.
  std::int64_t unread = 0;
  std::vector<DamagedSession> damaged;
};

}  // namespace lathe::client
