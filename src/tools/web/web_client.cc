#include "lathe/tools/web/web_client.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <memory>
#include <utility>

#include "lathe/base/strings.h"
#include "lathe/runtime/signal.h"

namespace lathe::tools::web {

using base::Error;
using base::Result;
using runtime::Async;

namespace {

struct Received {
  net::ResponseHead head;
  std::string body;
  bool cut = false;
};
using Arrival = runtime::OneShot<Result<Received>>;

/// Keeps the first `max_bytes` of a body and ends the transfer then.
class KeepingSink final : public net::BodySink {
 public:
  KeepingSink(runtime::Loop& loop, std::shared_ptr<Arrival> arrival, std::size_t max_bytes)
      : loop_(loop), arrival_(std::move(arrival)), max_bytes_(max_bytes) {}

  void on_head(const net::ResponseHead& head) override { received_.head = head; }
  net::Flow on_data(std::string_view bytes) override {
    const std::size_t room = max_bytes_ - received_.body.size();
    received_.body.append(bytes.substr(0, room));
    received_.cut = bytes.size() > room;
    return received_.cut ? net::Flow::kStop : net::Flow::kGoOn;
  }
  void on_end(Result<void> result) override {
    Result<Received> outcome = std::move(received_);
    if (!result.ok() && !outcome->cut) outcome = std::move(result).error();
    loop_.post(
        [arrival = std::move(arrival_), outcome = std::move(outcome)]() mutable { arrival->set(std::move(outcome)); });
  }

 private:
  runtime::Loop& loop_;
  std::shared_ptr<Arrival> arrival_;  // shared with the request that waits, which may give up first
  const std::size_t max_bytes_;
  Received received_;
};

bool is_redirect(int status) {
  constexpr std::array kRedirects = {301, 302, 303, 307, 308};
  return std::ranges::find(kRedirects, status) != kRedirects.end();
}

bool comes_back_later(int status) {
  constexpr std::array kLater = {408, 429, 502, 503, 504};
  return std::ranges::find(kLater, status) != kLater.end();
}

/// Whether asking again does no more than asking once (RFC 9110 9.2.2).
bool is_idempotent(std::string_view method) { return method != "POST" && method != "PATCH"; }

}  // namespace

WebLimits narrowed(WebLimits limits, const std::vector<ports::WebPolicy>& policies) {
  using std::chrono::milliseconds;
  constexpr std::int64_t kMostSeconds = 3'600;
  constexpr std::int64_t kMostMs = kMostSeconds * 1'000;
  for (const ports::WebPolicy& policy : policies) {
    if (policy.disallow_redirects) limits.max_redirects = 0;
    if (policy.request_timeout_seconds) {
      const std::int64_t seconds = std::min(*policy.request_timeout_seconds, kMostSeconds);
      limits.timeout = std::min(limits.timeout, milliseconds(seconds * 1'000));
    }
    if (policy.max_attempts) {
      const std::int64_t attempts = std::max<std::int64_t>(*policy.max_attempts, 1);
      limits.max_attempts = static_cast<int>(std::min<std::int64_t>(limits.max_attempts, attempts));
    }
    if (policy.initial_backoff_ms) limits.first_pause = milliseconds(std::min(*policy.initial_backoff_ms, kMostMs));
    if (policy.max_backoff_ms) limits.longest_pause = milliseconds(std::min(*policy.max_backoff_ms, kMostMs));
  }
  limits.first_pause = std::min(limits.first_pause, limits.longest_pause);
  return limits;
}

bool WebClient::may_follow(const egress::Host& asked, const Url& next) const {
  return next.endpoint.host == asked || parts_.rules.match(next.endpoint.host).has_value();
}

Async<Result<WebAnswer>> WebClient::send(WebRequest request, runtime::CancelToken cancel) {
  const WebLimits& limits = request.limits;
  if (request.body.size() > limits.max_request_bytes) {
    co_return Error{
        .code = base::codes::kLimit,
        .message = fmt::format("the body has {} bytes; {} may be sent", request.body.size(), limits.max_request_bytes)};
  }
  const auto deadline = runtime::Deadline::after(parts_.loop, limits.timeout);
  const egress::Host asked = request.url.endpoint.host;
  const bool follows = request.method == "GET" || request.method == "HEAD";
  for (int hop = 0;; ++hop) {
    CO_TRY(WebAnswer answer, co_await send_patiently(request, cancel, deadline));
    const std::string_view location = answer.head.header("location");
    if (!follows || !is_redirect(answer.head.status) || location.empty()) co_return answer;
    CO_TRY(Url next, resolve(answer.url, location).within(answer.url.endpoint.text() + " redirects to"));
    if (limits.max_redirects == 0 || !may_follow(asked, next) || (answer.url.https && !next.https)) {
      answer.leads_to = next.text();
      co_return answer;
    }
    if (hop == limits.max_redirects) {
      co_return Error{.code = base::codes::kInvalid,
                      .message = fmt::format("{} redirects more than {} times", asked.name, limits.max_redirects)};
    }
    // What was meant for one server, a key perhaps, is not for another.
    if (next.endpoint != request.url.endpoint) {
      std::erase_if(request.headers, [](const net::Header& header) { return base::lower(header.name) != "accept"; });
    }
    request.url = std::move(next);
  }
}

Async<Result<WebAnswer>> WebClient::send_patiently(WebRequest request, runtime::CancelToken cancel,
                                                   runtime::Deadline deadline) {
  auto pause = request.limits.first_pause;
  for (int attempt = 1;; ++attempt) {
    auto answer = co_await send_once(request, cancel, deadline);
    const bool again = answer.ok() ? comes_back_later(answer->head.status) : answer.error().retryable;
    const bool out_of_time = deadline.when() && parts_.loop.mono_now() + pause >= *deadline.when();
    if (!again || !is_idempotent(request.method) || attempt >= request.limits.max_attempts || out_of_time) {
      co_return answer;
    }
    CO_TRY_OK(co_await parts_.loop.sleep(pause, cancel));
    pause = std::min(2 * pause, request.limits.longest_pause);
  }
}

Async<Result<WebAnswer>> WebClient::send_once(WebRequest request, runtime::CancelToken cancel,
                                              runtime::Deadline deadline) {
  const egress::Host host = request.url.endpoint.host;
  CO_TRY(const auto addresses, co_await parts_.resolver.resolve(host, cancel));
  CO_TRY_OK(parts_.rules.check_addresses(host, addresses));
  Error last;
  for (const egress::Address& address : addresses) {
    const auto arrival = std::make_shared<Arrival>(parts_.loop);
    const auto transfer =
        parts_.http.start({.method = request.method,
                           .url = request.url.text(),
                           .headers = request.headers,
                           .body = request.body,
                           .connect_to = address.text()},
                          std::make_unique<KeepingSink>(parts_.loop, arrival, request.limits.max_response_bytes));
    auto waited = co_await arrival->wait(cancel, deadline);
    if (!waited.ok()) {
      if (waited.error().code != base::codes::kTimeout) co_return std::move(waited).error();
      co_return Error{.code = base::codes::kTimeout,
                      .message = fmt::format("{} did not answer within the time", host.name)};
    }
    if (waited->ok()) {
      Received& received = **waited;
      co_return WebAnswer{
          .url = request.url, .head = std::move(received.head), .body = std::move(received.body), .cut = received.cut};
    }
    last = waited->error();
    // The next address helps where this one cannot be reached, and nowhere else.
    if (last.code != "unreachable" && last.code != base::codes::kTimeout) break;
  }
  co_return last;
}

}  // namespace lathe::tools::web
