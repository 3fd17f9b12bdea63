#include "lathe/apps/session_network.h"

#include <utility>

#include "lathe/base/json.h"
#include "lathe/runtime/files.h"

namespace lathe::apps {

using base::Result;
using runtime::Async;

namespace {

ports::Action action_about(const egress::Endpoint& target, bool ask, std::string call_id) {
  return {.kind = ports::Action::Kind::kNetwork,
          .call_id = std::move(call_id),
          .tool = "network",
          .arguments = base::Json{{"host", target.host.name}, {"port", target.port}}.dump(),
          .hosts = {target.host.name},
          .holds_a_command = true,
          .ask_requested = ask,
          .reason = "a command wants to connect to " + target.text()};
}

}  // namespace

SessionNetwork::SessionNetwork(runtime::Loop& loop, egress::ProxyThread::Options options, ports::RecordEvent record,
                               VerdictOn verdict_on)
    : socket_path_(options.socket_path),
      record_(std::move(record)),
      verdict_on_(std::move(verdict_on)),
      proxy_(loop, *this, std::move(options)),
      asked_(loop) {}

Async<Result<void>> SessionNetwork::start() {
  if (!started_) {
    CO_TRY_OK(runtime::make_folders(socket_path_.substr(0, socket_path_.rfind('/'))));
    started_ = true;
    started_well_ = (co_await proxy_.start()).within("the egress proxy");
  }
  co_return started_well_;
}

Async<Result<void>> SessionNetwork::enter(ports::TaskHost* host) {
  CO_TRY_OK(co_await start());
  host_ = host;
  task_.emplace();
  co_return Result<void>();
}

Async<void> SessionNetwork::leave() {
  if (host_ == nullptr) co_return;
  task_->cancel(runtime::cancelled_error("the task has ended"));
  while (asking_ > 0) (void)co_await asked_.wait(runtime::CancelToken(), runtime::Deadline::never());
  host_ = nullptr;
}

Async<void> SessionNetwork::stop() {
  if (started_) co_await proxy_.stop();
}

Async<egress::Gatekeeper::Answer> SessionNetwork::ask(egress::Endpoint target, runtime::CancelToken cancel) {
  return ask_somebody(std::move(target), Of::kUnnamedHost, std::move(cancel));
}

Async<egress::Gatekeeper::Answer> SessionNetwork::ask_of_named(egress::Endpoint target, runtime::CancelToken cancel) {
  return ask_somebody(std::move(target), Of::kNamedHost, std::move(cancel));
}

Async<egress::Gatekeeper::Answer> SessionNetwork::ask_somebody(egress::Endpoint target, Of of,
                                                               runtime::CancelToken cancel) {
  if (host_ == nullptr || task_->cancelled()) co_return by_rules(target, of);
  if (!host_->state().config) co_return Answer::kNobody;
  ++asking_;
  const Answer answer = co_await ask_gate(std::move(target), of, std::move(cancel));
  --asking_;
  asked_.notify();
  co_return answer;
}

Async<egress::Gatekeeper::Answer> SessionNetwork::ask_gate(egress::Endpoint target, Of of,
                                                           runtime::CancelToken cancel) {
  runtime::CancelSource either(cancel);
  const auto ended =
      task_->token().on_cancel([&either] { either.cancel(runtime::cancelled_error("the task has ended")); });
  const auto answer =
      co_await host_->gate(action_about(target, /*ask=*/of == Of::kUnnamedHost, host_->new_id("net")), either.token());
  if (!answer.ok() || answer->verdict == ports::GateAnswer::Verdict::kParked) co_return Answer::kNobody;
  co_return answer->verdict == ports::GateAnswer::Verdict::kRun ? Answer::kAllowed : Answer::kDenied;
}

egress::Gatekeeper::Answer SessionNetwork::by_rules(const egress::Endpoint& target, Of of) const {
  if (!verdict_on_) return of == Of::kNamedHost ? Answer::kAllowed : Answer::kNobody;
  switch (verdict_on_(action_about(target, /*ask=*/of == Of::kUnnamedHost, /*call_id=*/""))) {
    case policy::Verdict::kAllow:
      return Answer::kAllowed;
    case policy::Verdict::kAsk:
      return Answer::kNobody;
    case policy::Verdict::kDeny:
      return Answer::kDenied;
  }
  return Answer::kNobody;
}

void SessionNetwork::decided(protocol::NetworkDecision decision) {
  if (record_) record_(std::move(decision));
}

}  // namespace lathe::apps
