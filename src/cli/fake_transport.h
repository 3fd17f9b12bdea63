#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "lathe/client/transport.h"
#include "lathe/runtime/signal.h"

namespace lathe::cli {

/// What a FakeTransport saw and how it answers; outlives it, so that a test can look afterwards.
struct FakeEngine {
  explicit FakeEngine(runtime::Loop& on_loop) : loop(on_loop), ready(on_loop) {}

  runtime::Loop& loop;
  runtime::Signal ready;
  std::vector<client::Delivery> queue;
  std::vector<protocol::Op> ops;
  std::vector<protocol::Call> calls;
  /// Called with each op that is not a configure; pushes what follows.
  std::function<void(const protocol::Op&)> on_op;
  std::function<base::Result<protocol::ReplyMsg>(const protocol::Call&)> on_call;
  /// What an input is refused with.
  std::optional<base::Error> refusal;
  std::int64_t seq = 0;
  std::string sandbox = "full";
  bool closed = false;

  void push(protocol::EventMsg msg) {
    protocol::Event event{.session = "s1", .id = "1", .ts = 1, .msg = std::move(msg)};
    if (protocol::is_durable(event.msg)) event.seq = ++seq;
    auto line = std::make_shared<const std::string>(protocol::encode_event(event));
    queue.push_back({.event = std::move(event), .line = std::move(line)});
    ready.notify();
  }
  /// The end that an Interrupt has.
  void push_interrupted() {
    push(protocol::TurnAborted{.reason = protocol::AbortReason::kInterrupted});
    push(protocol::ErrorEvent{.code = "interrupted", .message = "interrupted", .ends_task = true});
  }
};

/// An engine that plays a script.
class FakeTransport final : public client::Transport {
 public:
  explicit FakeTransport(FakeEngine& engine) : engine_(engine) {}

  runtime::Async<base::Result<protocol::Ack>> submit(std::string, protocol::Op op) override {
    engine_.ops.push_back(op);
    if (std::holds_alternative<protocol::ConfigureSession>(op)) {
      engine_.push(protocol::SessionConfigured{.session_id = "s1",
                                               .model = "m",
                                               .backend = "b",
                                               .cwd = "/w",
                                               .sandbox = engine_.sandbox,
                                               .driver = "native"});
    } else if (std::holds_alternative<protocol::UserInput>(op)) {
      if (engine_.refusal) co_return *engine_.refusal;
      engine_.push(protocol::UserMessage{.item = "i0", .content = std::get<protocol::UserInput>(op).items});
    }
    const protocol::Ack ack{.id = "1", .seq = engine_.seq, .session = "s1"};
    if (engine_.on_op) engine_.on_op(op);
    co_return ack;
  }
  runtime::Async<base::Result<protocol::ReplyMsg>> call(protocol::Call call) override {
    engine_.calls.push_back(call);
    if (!engine_.on_call) co_return base::Error{.code = base::codes::kUnsupported, .message = "not in this script"};
    co_return engine_.on_call(call);
  }
  runtime::Async<base::Result<std::vector<client::Delivery>>> events(runtime::CancelToken cancel,
                                                                     runtime::Deadline deadline) override {
    while (engine_.queue.empty()) CO_TRY_OK(co_await engine_.ready.wait(cancel, deadline));
    co_return std::exchange(engine_.queue, {});
  }
  runtime::Async<void> close() override {
    engine_.closed = true;
    co_return;
  }
  [[nodiscard]] bool outlives_client() const override { return false; }

 private:
  FakeEngine& engine_;
};

}  // namespace lathe::cli
