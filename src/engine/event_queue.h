#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "lathe/protocol/frames.h"
#include "lathe/runtime/async.h"
#include "lathe/runtime/loop.h"
#include "lathe/runtime/signal.h"

namespace lathe::engine {

/// What a subscriber is to the questions of a session.
enum class Audience {
  /// It can answer them, as far as its client may: a question waits for it.
  kMayAnswer,
  /// It only looks: no question waits for it.
  kOnlyLooks,
};

struct Delivered {
  std::shared_ptr<const protocol::Event> event;  // both shared by all subscribers
  std::shared_ptr<const std::string> line;
};

struct QueueLimits {
  /// What waits may pass this by one event, whatever its size.
  std::size_t max_bytes = 8U << 20;
  /// Deltas of one item are merged for so long before they are handed on; the first of an item, and anything else, goes
  /// at once.
  std::chrono::milliseconds frame{20};
  /// About so much is handed on at once, since deltas become lines then; others get their turn before the next.
  std::size_t hand_out_bytes = 512U << 10;
};

/// What one subscriber has still to receive: bounded, in order, deltas merged. It never slows the engine: past its
/// bound nothing more is taken but one `lagged` event, and the subscriber subscribes again from the last seq that it
/// got. Loop thread.
class EventQueue final {
 public:
  explicit EventQueue(runtime::Loop& loop, QueueLimits limits = {}) : loop_(loop), limits_(limits), ready_(loop) {}

  /// The line is the record's bytes; none for a passing event.
  void push(Delivered delivered);
  /// The subscriber starts over after `lagged`.
  void rejoin() { lagging_ = false; }
  /// Called whenever some of it was taken, so that who has more puts it in; absent: nobody has.
  void on_taken(std::function<void()> told) { on_taken_ = std::move(told); }
  /// Nothing more comes.
  void close();
  /// Whoever takes from it cannot answer a question, or may not.
  void only_listens() { answers_ = false; }
  [[nodiscard]] bool answers() const { return answers_; }
  [[nodiscard]] std::size_t waiting() const { return pending_.size(); }
  [[nodiscard]] std::size_t waiting_bytes() const { return bytes_; }
  [[nodiscard]] bool lags() const { return lagging_; }
  /// At least one event, with its line; `unavailable` when closed and drained. One waiter.
  runtime::Async<base::Result<std::vector<Delivered>>> next(runtime::CancelToken cancel, runtime::Deadline deadline);

 private:
  struct Waiting {
    Delivered delivered;
    std::size_t bytes = 0;
    /// The event of `delivered` where others were merged into it, so that it is this queue's own.
    std::shared_ptr<protocol::Event> merged = nullptr;
  };
  bool merge_into_last(const protocol::Event& event);
  /// Puts a session's row in the place of an older one that waits.
  bool replace_row(const Delivered& delivered);
  void overflow(const protocol::Event& dropped);
  /// Takes what is handed on together.
  [[nodiscard]] std::vector<Delivered> take();

  runtime::Loop& loop_;
  const QueueLimits limits_;
  runtime::Signal ready_;
  std::function<void()> on_taken_;
  std::deque<Waiting> pending_;
  std::size_t bytes_ = 0;
  std::int64_t last_seq_ = 0;
  /// Something waits that does not wait for the frame: hand on at once.
  bool urgent_ = false;
  /// What waits is the rest of what was due.
  bool rest_due_ = false;
  bool lagging_ = false;
  bool closed_ = false;
  bool answers_ = true;
  base::MonoTime last_delivery_{};
};

}  // namespace lathe::engine
