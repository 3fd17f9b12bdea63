#pragma once

#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "lathe/engine/event_queue.h"
#include "lathe/ports/event_observer.h"
#include "lathe/ports/session_store.h"
#include "lathe/protocol/frames.h"

namespace lathe::engine {

/// One item whose deltas have been shown and whose completion has not.
struct InFlight {
  std::shared_ptr<const protocol::Event> last;  // shared with whoever has still to get it
  std::string text;
  /// More was shown than `text` keeps.
  bool cut_short = false;
};

/// The outgoing side of one session: keeps durable and passing events in the order in which they were given, although a
/// durable one leaves only once it is appended, and knows what is in flight for those who join later. Loop thread.
class EventFeed final {
 public:
  using Observers = std::span<ports::EventObserver* const>;
  /// The observers see what subscribers would, whether there are any or not.
  explicit EventFeed(ports::SessionStream& stream, Observers observers = {}) : stream_(stream), observers_(observers) {}

  /// Appends the event and shows it after everything that was shown before this call.
  runtime::Async<base::Result<std::int64_t>> record(protocol::Event event);
  void show(protocol::Event event);
  /// Called after each record.
  void on_record(std::function<void()> told) { on_record_ = std::move(told); }

  /// Gives `queue` every record after `since`, then one delta from offset 0 for each item in flight, then all that
  /// comes: no gap, no duplicate. Of an item in flight that is longer than what is kept of it, the kept beginning comes
  /// and then its completion. `since` -1: only what comes; beyond the last record: `invalid`.
  runtime::Async<base::Result<void>> subscribe(std::shared_ptr<EventQueue> queue, std::int64_t since,
                                               Audience audience = Audience::kMayAnswer);
  void unsubscribe(const EventQueue* queue);
  [[nodiscard]] bool is_subscribed(const EventQueue* queue) { return find(queue) != nullptr; }
  [[nodiscard]] bool has_subscribers() const {
    return !subscribers_.empty() || (above_ != nullptr && above_->has_subscribers());
  }
  /// Whether anyone sees the questions that are recorded here and can answer them.
  [[nodiscard]] bool has_answerers() const {
    const auto answers = [this](const Subscriber& one) {
      return one.audience == Audience::kMayAnswer && one.queue->answers() && may_drive(one.queue.get());
    };
    return std::ranges::any_of(subscribers_, answers) || (above_ != nullptr && above_->has_answerers());
  }
  /// A subscriber becomes the only one that may drive the session and those below it, until it unsubscribes or releases
  /// it. `claimed` when another one is that.
  base::Result<void> claim(const EventQueue* queue, std::string holder);
  void release(const EventQueue* queue);
  /// Who has claimed it, as the holder named itself; "" when nobody has.
  [[nodiscard]] std::string claimed_by() const;
  /// Whether ops that come with this subscription are taken: `claimed` where another one has claimed the session, or
  /// one above it.
  [[nodiscard]] base::Result<void> check_may_drive(const EventQueue* queue) const;
  [[nodiscard]] bool has_own_subscribers() const { return !subscribers_.empty(); }
  /// From now on whoever looks at `above` (the parent's feed; null: none) gets the questions of this session, too.
  void pass_questions_to(EventFeed* above) { above_ = above; }

 private:
  struct Claim {
    const EventQueue* queue = nullptr;
    std::string holder;
  };
  [[nodiscard]] const Claim* find_claim() const;
  [[nodiscard]] bool may_drive(const EventQueue* queue) const;
  void drop(const EventQueue* queue);

  struct Slot {
    bool ready = false;
    bool dropped = false;
    Delivered delivered;
  };
  struct Subscriber {
    std::shared_ptr<EventQueue> queue;
    Audience audience = Audience::kMayAnswer;
    /// Still reading the past: what comes meanwhile waits here.
    bool joining = false;
    /// Records up to here come from the stream, also those that are appended and not yet shown.
    std::int64_t has_until = 0;
    std::vector<Delivered> held;
    /// Items whose deltas would leave a gap after what this subscriber has: it gets their completion.
    std::set<std::string> muted;
  };

  void flush();
  void pass(const Delivered& delivered);
  void track(const std::shared_ptr<const protocol::Event>& shown);
  void give(Subscriber& subscriber, const Delivered& delivered);
  Subscriber* find(const EventQueue* queue);

  ports::SessionStream& stream_;
  const Observers observers_;
  EventFeed* above_ = nullptr;
  std::optional<Claim> claim_;
  std::function<void()> on_record_;
  std::deque<std::shared_ptr<Slot>> outbox_;
  std::vector<Subscriber> subscribers_;
  std::map<std::string, InFlight> in_flight_;
};

}  // namespace lathe::engine
