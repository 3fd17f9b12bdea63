#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "lathe/engine/event_queue.h"
#include "lathe/engine/parts.h"
#include "lathe/protocol/watch.h"
#include "lathe/runtime/scope.h"
#include "lathe/runtime/signal.h"

// Rows of all sessions for those who watch them. While anyone does, the index is looked at soon after something was
// recorded here, and once a second for what other processes record; who changed is among the newest. What differs from
// what was last told is told, so several changes within a moment are one row.

namespace lathe::engine {

/// Loop thread. Ended with stop() before it goes.
class SessionWatch final {
 public:
  enum class Shows {
    kListed,
    /// Archived ones and those of sub-agents too.
    kAll,
  };
  /// The parts outlive it.
  SessionWatch(EngineParts& parts, Shows shows);

  /// Gives `queue` a row for each session, then one per change. Once more: it starts over.
  runtime::Async<base::Result<void>> add(std::shared_ptr<EventQueue> queue);
  void remove(const EventQueue* queue);
  /// Something was recorded.
  void look_soon();
  /// Sessions were removed or hidden, which no list of the newest shows.
  void look_at_all();
  runtime::Async<void> stop();

 private:
  using Row = protocol::SessionChanged;
  runtime::Async<void> work();
  runtime::Async<void> look();
  /// The newest sessions, `limit` of them; 0: all.
  runtime::Async<base::Result<std::vector<Row>>> read(std::int64_t limit);
  /// Tells of those that are not as they were told; whether all of them were so.
  bool tell_changed(const std::vector<Row>& rows);
  /// Tells of those that are no longer among all that there are.
  void tell_gone(const std::vector<Row>& rows);
  void tell(const Row& row);
  [[nodiscard]] protocol::Event event_of(Row row) const;

  EngineParts& parts_;
  const Shows shows_;
  std::vector<std::shared_ptr<EventQueue>> watchers_;  // each its connection's
  /// As they were told; only while work() runs.
  std::map<std::string, Row> known_;
  bool working_ = false;
  bool all_due_ = false;
  bool stopped_ = false;
  runtime::Signal due_;
  runtime::Scope scope_;
};

}  // namespace lathe::engine
