#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "lathe/engine/event_queue.h"
#include "lathe/engine/parts.h"
#include "lathe/protocol/watch.h"
#include "lathe/runtime/scope.h"
#include "lathe/runtime/signal.h"

// Rows of all sessions for those who watch them. While anyone does, the index is looked at soon after something was
// recorded here, and once a second for what other processes record; who changed is among the newest. What differs from
// what was last told is told, so several changes within a moment are one row. All sessions are looked at when there are
// not as many as the newest explain, since one that was removed is in no list, and now and then for what even that does
// not show (another process has archived one).
//
// Who comes gets the rows that there are a few at a time, as it takes them: there may be ten thousand.

namespace lathe::engine {

/// Loop thread. Ended with stop() before it goes.
class SessionWatch final {
 public:
  enum class Shows {
    kListed,
    /// Archived ones and those of sub-agents too.
    kAll,
  };
  /// Of a session that the index told of: what else is known of it.
  using SetRight = std::function<void(protocol::SessionInfo&)>;
  /// The parts outlive it.
  SessionWatch(EngineParts& parts, Shows shows, SetRight set_right);

  /// Gives `queue` a row for each session, and one per change of those that it knows. Once more: it starts over.
  runtime::Async<base::Result<void>> add(std::shared_ptr<EventQueue> queue);
  void remove(const EventQueue* queue);
  /// Something was recorded.
  void look_soon();
  /// Sessions were removed or hidden, which no list of the newest shows.
  void look_at_all();
  /// Watchers are told, as subscribers of a session are, and whether another engine goes on.
  runtime::Async<void> stop(bool handed_over);

 private:
  using Row = protocol::SessionChanged;
  struct Watcher {
    std::shared_ptr<EventQueue> queue;  // its connection's
    /// Sessions that it has not been told of, the newest first.
    std::vector<std::string> left;
    std::set<std::string> unknown;
  };
  runtime::Async<void> work();
  runtime::Async<void> look();
  runtime::Async<void> look_at_everything();
  /// Whether there are as many sessions as were told of, of those that are not listed too.
  runtime::Async<bool> count_fits();
  Watcher* find(const EventQueue* queue);
  void tell_next(Watcher& watcher);
  /// Something of the queue was taken.
  void tell_rest(const EventQueue* queue);
  /// The newest sessions, `limit` of them; 0: all.
  runtime::Async<base::Result<std::vector<Row>>> read(std::int64_t limit);
  /// Tells of those that are not as they were told; whether all of them were so.
  bool tell_changed(const std::vector<Row>& rows);
  /// Tells of those that are no longer among all that there are.
  void tell_gone(const std::vector<Row>& rows);
  /// Those who wait for their first row of that session get it in their turn.
  void tell(const Row& row);
  [[nodiscard]] protocol::Event event_of(Row row) const;

  EngineParts& parts_;
  const Shows shows_;
  const SetRight set_right_;
  std::vector<Watcher> watchers_;
  /// As they were told; only while work() runs.
  std::map<std::string, Row> known_;
  bool working_ = false;
  bool all_due_ = false;
  /// How many sessions there should be.
  std::int64_t expected_ = 0;
  base::MonoTime all_looked_at_{};
  bool stopped_ = false;
  runtime::Signal due_;
  runtime::Scope scope_;
};

}  // namespace lathe::engine
