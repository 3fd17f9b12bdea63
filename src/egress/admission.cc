#include "lathe/egress/admission.h"

#include <fmt/format.h>

#include <utility>

namespace lathe::egress {

using base::Error;
using base::Result;
using runtime::Async;

namespace {

Admission::Verdict refused(std::string_view rule, Error why) {
  return {.allowed = false, .rule = std::string(rule), .refusal = std::move(why)};
}

Error not_allowed(const Endpoint& target, std::string_view why) {
  return {.code = base::codes::kPermission,
          .message = fmt::format("{} {}", target.text(), why),
          .hint = fmt::format("a person can allow it with --allow-host {}", target.host.name)};
}

}  // namespace

Async<Result<Admission::Verdict>> Admission::admit(Endpoint target, runtime::CancelToken cancel) {
  const std::string key = target.text();
  if (!targets_.contains(key) && targets_.size() >= parts_.max_targets) {
    co_return refused(kTooManyHosts, not_allowed(target, "is one host too many for this session"));
  }
  Remembered* const remembered = &targets_[key];
  CO_TRY(Verdict verdict, co_await judge_host(target, remembered, cancel));
  if (!verdict.allowed) co_return verdict;
  auto addresses = co_await parts_.resolver.resolve(target.host, cancel);
  if (!addresses.ok()) {
    // It was let through to the lookup, which tells the name to others.
    record(target, verdict, "");
    co_return std::move(addresses).error();
  }
  verdict.addresses = *std::move(addresses);
  auto checked = parts_.rules.check_addresses(target.host, verdict.addresses);
  if (!checked.ok()) co_return refused(kBadAddress, std::move(checked).error());
  co_return verdict;
}

Async<Result<Admission::Verdict>> Admission::judge_host(Endpoint target, Remembered* remembered,
                                                        runtime::CancelToken cancel) {
  if (auto rule = parts_.rules.match(target.host)) {
    if (remembered->answer == Gatekeeper::Answer::kNobody) {
      remembered->answer = co_await parts_.gatekeeper.ask_of_named(target, cancel);
      if (cancel.cancelled()) co_return cancel.reason();
    }
    switch (remembered->answer) {
      case Gatekeeper::Answer::kAllowed:
        co_return Verdict{.allowed = true, .rule = *std::move(rule)};
      case Gatekeeper::Answer::kDenied:
        co_return refused(kByGate, not_allowed(target, "was denied"));
      case Gatekeeper::Answer::kNobody:
        co_return refused(kNotAllowed, not_allowed(target, "is asked about by a rule, and nobody is there to answer"));
    }
  }
  // An address is not asked about when no answer could open it.
  if (target.host.address) {
    auto checked = parts_.rules.check_addresses(target.host, {&*target.host.address, 1});
    if (!checked.ok()) co_return refused(kBadAddress, std::move(checked).error());
  }
  const auto turn = co_await asking_.lock();
  if (cancel.cancelled()) co_return cancel.reason();
  if (!remembered->asked) {
    remembered->answer = co_await parts_.gatekeeper.ask(target, cancel);
    if (cancel.cancelled()) co_return cancel.reason();
    // Somebody may be there the next time.
    remembered->asked = remembered->answer != Gatekeeper::Answer::kNobody;
  }
  switch (remembered->answer) {
    case Gatekeeper::Answer::kAllowed:
      co_return Verdict{.allowed = true, .rule = std::string(kByGate)};
    case Gatekeeper::Answer::kDenied:
      co_return refused(kByGate, not_allowed(target, "was denied"));
    case Gatekeeper::Answer::kNobody:
      break;
  }
  co_return refused(kNotAllowed, not_allowed(target, "is not among the allowed hosts, and nobody is there to ask"));
}

void Admission::record(const Endpoint& target, const Verdict& verdict, const std::string& address) {
  protocol::NetworkDecision decision{.host = target.host.name,
                                     .port = target.port,
                                     .address = address,
                                     .allowed = verdict.allowed,
                                     .rule = verdict.rule};
  const auto known = targets_.find(target.text());
  if (known == targets_.end()) {
    if (std::exchange(told_too_many_, true)) return;
  } else {
    if (known->second.last == decision) return;
    known->second.last = decision;
  }
  parts_.gatekeeper.decided(std::move(decision));
}

}  // namespace lathe::egress
