#include "lathe/client/lasting_transport.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>

#include "lathe/protocol/error_codes.h"

namespace lathe::client {

using base::Error;
using base::Result;
using runtime::Async;
using runtime::CancelToken;
using runtime::Deadline;

namespace {

/// How long the next engine may take to be there: the time that the one before it gives its Tasks, and its own start.
constexpr base::Millis kPatience{90'000};
constexpr base::Millis kInterval{50};

bool is_end(const Error& error) { return error.code == base::codes::kUnavailable; }

bool is_refused(const Error& error) { return error.code == protocol::error_codes::kHandingOver; }

}  // namespace

LastingTransport::LastingTransport(runtime::Loop& loop, std::unique_ptr<Transport> first, Connect connect)
    : loop_(loop), inner_(std::move(first)), connect_(std::move(connect)), coming_back_(loop) {}

void LastingTransport::expect_events_of(const protocol::Call& call) {
  const auto* subscribe = std::get_if<protocol::SessionSubscribe>(&call);
  if (subscribe == nullptr) return;
  Followed& how = followed_[subscribe->session];
  how.last_seq = std::max<std::int64_t>(subscribe->since, -1);
  how.only_looks = subscribe->only_looks;
}

void LastingTransport::follow(const protocol::Call& call, const protocol::ReplyMsg& reply) {
  if (const auto* answered = std::get_if<protocol::ApprovalAnswerReply>(&reply)) followed_[answered->session];
  if (const auto* undo = std::get_if<protocol::Undo>(&call)) followed_[undo->session];
  if (const auto* claim = std::get_if<protocol::SessionClaim>(&call))
    followed_[claim->session].claimed = !claim->release;
  if (const auto* left = std::get_if<protocol::SessionUnsubscribe>(&call)) followed_.erase(left->session);
  if (const auto* watch = std::get_if<protocol::Watch>(&call)) watch_ = *watch;
}

Async<Result<protocol::Ack>> LastingTransport::submit(std::string session, protocol::Op op) {
  if (auto* configures = std::get_if<protocol::ConfigureSession>(&op)) {
    co_return co_await configure(std::move(session), std::move(*configures), /*folder=*/nullptr);
  }
  std::optional<Deadline> patience;
  while (true) {
    const Inner inner = inner_;
    auto ack = co_await inner->submit(session, op);
    if (ack.ok()) co_return ack;
    CO_TRY_OK(co_await before_asking_again(inner, std::move(ack).error(), &patience));
  }
}

Async<Result<protocol::Ack>> LastingTransport::configure(std::string session, protocol::ConfigureSession op,
                                                         OpenFolder folder) {
  std::optional<Deadline> patience;
  while (true) {
    const Inner inner = inner_;
    auto ack = co_await inner->configure(session, op, folder);
    if (ack.ok()) {
      // Of a new session everything comes, of another what is new.
      followed_.try_emplace(ack->session, Followed{.last_seq = session.empty() ? 0 : ack->seq - 1});
      co_return ack;
    }
    CO_TRY_OK(co_await before_asking_again(inner, std::move(ack).error(), &patience));
  }
}

Async<Result<protocol::ReplyMsg>> LastingTransport::call(protocol::Call call) {
  std::optional<Deadline> patience;
  while (true) {
    const Inner inner = inner_;
    expect_events_of(call);
    auto reply = co_await inner->call(call);
    if (reply.ok()) {
      follow(call, *reply);
      co_return reply;
    }
    CO_TRY_OK(co_await before_asking_again(inner, std::move(reply).error(), &patience));
  }
}

Async<Result<std::vector<Delivery>>> LastingTransport::events(CancelToken cancel, Deadline deadline) {
  while (true) {
    if (!untaken_.empty()) co_return std::exchange(untaken_, {});
    const Inner inner = inner_;
    auto events = co_await inner->events(cancel, deadline);
    if (events.ok()) {
      note(&*events);
      if (!events->empty()) co_return events;
      continue;
    }
    if (cancel.cancelled() || !is_end(events.error()) || !inner->handed_over()) co_return events;
    CO_TRY_OK(co_await come_back(inner));
  }
}

void LastingTransport::note(std::vector<Delivery>* events) {
  for (const Delivery& delivery : *events) {
    const auto at = followed_.find(delivery.event.session);
    if (at == followed_.end() || !delivery.event.seq) continue;
    at->second.last_seq = std::max(at->second.last_seq, *delivery.event.seq);
    const auto* parked = std::get_if<protocol::TaskParked>(&delivery.event.msg);
    at->second.waits = parked != nullptr && parked->handed_over;
  }
  std::erase_if(*events, [](const Delivery& delivery) {
    const auto* closed = std::get_if<protocol::ShutdownComplete>(&delivery.event.msg);
    return closed != nullptr && closed->handed_over;
  });
}

Async<Result<void>> LastingTransport::before_asking_again(Inner asked, Error why, std::optional<Deadline>* patience) {
  if (is_refused(why)) {
    // While it hands over it still serves; it is gone a moment later.
    if (!*patience) *patience = Deadline::after(loop_, kPatience);
    if ((*patience)->passed(loop_)) co_return why;
    co_return co_await loop_.sleep(kInterval, CancelToken());
  }
  if (!is_end(why) || !asked->handed_over()) co_return why;
  co_return co_await come_back(std::move(asked));
}

Async<Result<void>> LastingTransport::come_back(Inner gone) {
  const runtime::AsyncMutex::Holder held = co_await coming_back_.lock();
  if (inner_ != gone) co_return Result<void>();
  const Deadline deadline = Deadline::after(loop_, kPatience);
  // Events that came before the end and nobody took say how far each session is known.
  while (true) {
    auto left = co_await gone->events(CancelToken(), deadline);
    if (!left.ok()) break;
    note(&*left);
    std::ranges::move(*left, std::back_inserter(untaken_));
  }
  Error why{.code = base::codes::kUnavailable,
            .message = "no daemon took the place of the one that has ended",
            .hint = "lathe daemon status; what it was doing is in the session (lathe session list)"};
  while (true) {
    auto connected = co_await connect_();
    if (connected.ok() && *connected) {
      Inner next = *std::move(connected);
      if (const auto followed = co_await follow_again(next.get()); !followed.ok()) {
        co_await next->close();
        co_return followed.error();
      }
      co_await gone->close();
      inner_ = std::move(next);
      co_return Result<void>();
    }
    if (!connected.ok() && !is_end(connected.error())) co_return std::move(connected).error();
    if (deadline.passed(loop_)) co_return why;
    CO_TRY_OK(co_await loop_.sleep(kInterval, CancelToken()));
  }
}

Async<Result<void>> LastingTransport::follow_again(Transport* transport) {
  const std::map<std::string, Followed> followed = followed_;
  for (const auto& [session, how] : followed) {
    const auto told = co_await call_as(
        transport, protocol::SessionSubscribe{.session = session, .since = how.last_seq, .only_looks = how.only_looks});
    if (!told.ok()) co_return told.error().within("session " + session);
    if (how.claimed) CO_TRY_OK(co_await call_as(transport, protocol::SessionClaim{.session = session}));
    // Whoever took over goes on with it; where nothing was left to them, it goes on for whoever comes.
    if (!how.waits || told->last_seq > how.last_seq || told->state != protocol::SessionState::kParked) continue;
    auto gone_on = co_await transport->submit(session, protocol::UserInput{.if_busy = protocol::IfBusy::kSteer});
    if (!gone_on.ok() && gone_on.error().code != base::codes::kInvalid) co_return std::move(gone_on).error();
  }
  if (watch_) CO_TRY_OK(co_await call_as(transport, *watch_));
  co_return Result<void>();
}

Async<void> LastingTransport::close() {
  const Inner inner = inner_;
  co_await inner->close();
}

}  // namespace lathe::client
