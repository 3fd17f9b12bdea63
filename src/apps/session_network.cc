#include "lathe/apps/session_network.h"

#include <utility>

#include "lathe/base/json.h"

namespace lathe::apps {

using base::Result;
using runtime::Async;

namespace {

/// Decisions that wait for a Task; the proxy decides about a bounded number of hosts.
constexpr std::size_t kMaxWaiting = 4096;

ports::Action action_about(const egress::Endpoint& target, std::string call_id) {
  return {.kind = ports::Action::Kind::kNetwork,
          .call_id = std::move(call_id),
          .tool = "network",
          .arguments = base::Json{{"host", target.host.name}, {"port", target.port}}.dump(),
          .hosts = {target.host.name},
          .ask_requested = true,
          .reason = "a command wants to connect to " + target.text()};
}

}  // namespace

SessionNetwork::SessionNetwork(runtime::Loop& loop, egress::ProxyThread::Options options)
    : socket_path_(options.socket_path), proxy_(loop, *this, std::move(options)), asked_(loop), recorder_(loop) {}

Async<Result<void>> SessionNetwork::enter(ports::TaskHost* host) {
  if (!std::exchange(started_, true)) {
    CO_TRY_OK((co_await proxy_.start()).within("the egress proxy"));
  }
  host_ = host;
  task_.emplace();
  if (!std::exchange(recording_, true)) recorder_.spawn(record_all());
  co_return Result<void>();
}

Async<void> SessionNetwork::leave() {
  if (host_ == nullptr) co_return;
  task_->cancel(runtime::cancelled_error("the task has ended"));
  while (asking_ > 0) (void)co_await asked_.wait(runtime::CancelToken(), runtime::Deadline::never());
  co_await recorder_.join();
  host_ = nullptr;
}

Async<void> SessionNetwork::stop() {
  co_await proxy_.stop();
  co_await recorder_.stop();
}

Async<egress::Gatekeeper::Answer> SessionNetwork::ask(egress::Endpoint target, runtime::CancelToken cancel) {
  const bool somebody =
      host_ != nullptr && host_->state().config && host_->state().config->ask != protocol::AskMode::kWait;
  // A command cannot be parked with the Task, so a question that waits for another day would hold it for ever.
  if (!somebody || task_->cancelled()) co_return Answer::kNobody;
  ++asking_;
  const Answer answer = co_await ask_gate(std::move(target), std::move(cancel));
  --asking_;
  asked_.notify();
  co_return answer;
}

Async<egress::Gatekeeper::Answer> SessionNetwork::ask_gate(egress::Endpoint target, runtime::CancelToken cancel) {
  runtime::CancelSource either(cancel);
  const auto ended =
      task_->token().on_cancel([&either] { either.cancel(runtime::cancelled_error("the task has ended")); });
  const auto answer = co_await host_->gate(action_about(target, host_->new_id("net")), either.token());
  if (!answer.ok() || answer->verdict == ports::GateAnswer::Verdict::kParked) co_return Answer::kNobody;
  co_return answer->verdict == ports::GateAnswer::Verdict::kRun ? Answer::kAllowed : Answer::kDenied;
}

void SessionNetwork::decided(protocol::NetworkDecision decision) {
  if (decisions_.size() < kMaxWaiting) decisions_.push_back(std::move(decision));
  if (host_ != nullptr && !std::exchange(recording_, true)) recorder_.spawn(record_all());
}

Async<void> SessionNetwork::record_all() {
  while (host_ != nullptr && !decisions_.empty()) {
    protocol::NetworkDecision next = std::move(decisions_.front());
    decisions_.pop_front();
    // A session that cannot record any more says so itself, at its next event.
    if (!(co_await host_->record(std::move(next))).ok()) break;
  }
  recording_ = false;
}

}  // namespace lathe::apps
