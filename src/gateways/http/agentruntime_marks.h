#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "lathe/gateways/http/agentruntime_log.h"

// Places in the logs of sessions at which reading may begin. A log is a function of all records before
// (agentruntime_log.h), so a reader in its middle needs where that function stood. What was read once leaves such marks
// behind: who asks again and again with a cursor costs the records that are new, not all of them each time.

namespace lathe::gateways::http {

/// Memory is bounded: of a session the marks get sparser as they get many, and of sessions the one that was looked at
/// longest ago is forgotten. What is forgotten costs a whole reading. Loop thread.
class AgentruntimeMarks final {
 public:
  struct Mark {
    AgentruntimeLog log;
    /// The last record in it.
    std::int64_t seq = 0;
  };

  /// The last one that is not behind that byte; where the log begins when there is none.
  [[nodiscard]] Mark before(const std::string& session, std::int64_t byte);
  /// Records after it are as they are for ever: a stream is only appended to.
  void keep(const std::string& session, const AgentruntimeLog& log, std::int64_t seq);

 private:
  struct Session {
    /// In their order.
    std::vector<Mark> marks;
    std::int64_t spacing = 0;
    std::uint64_t used = 0;
  };
  void forget_one();

  std::map<std::string, Session> sessions_;
  std::uint64_t uses_ = 0;
};

}  // namespace lathe::gateways::http
