#include "lathe/providers/common/http_backend.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <deque>
#include <iterator>
#include <utility>

#include "lathe/base/strings.h"
#include "lathe/protocol/error_codes.h"
#include "lathe/providers/common/api_failure.h"
#include "lathe/providers/common/response_sink.h"

namespace lathe::providers::common {

using ports::ModelFailure;
using ports::ModelResult;
using ports::ModelStream;
using runtime::Async;

namespace {

/// Batches of events that wait for the loop before the transfer pauses.
constexpr std::size_t kQueuedParts = 64;
constexpr std::size_t kMaxDocumentBytes = 16U << 20;
constexpr std::chrono::seconds kDocumentTimeout{30};
/// Of a second: as exact as a limit is told.
using Tenths = std::chrono::duration<std::int64_t, std::deci>;

/// A transfer under way.
struct Link {
  std::unique_ptr<net::Transfer> transfer;
  std::shared_ptr<TransferState> state = std::make_shared<TransferState>();
};

}  // namespace

/// Transfers whose last event has come but whose end has not: dropping them would close a connection that the next
/// request can use.
struct HttpBackend::Lingering {
  static constexpr std::size_t kMost = 4;
  std::deque<std::shared_ptr<Link>> links;

  void keep(std::shared_ptr<Link> link) {
    drop_ended();
    links.push_back(std::move(link));
    if (links.size() > kMost) links.pop_front();
  }
  void drop_ended() {
    std::erase_if(links, [](const std::shared_ptr<Link>& link) { return link->state->ended.load(); });
  }
};

namespace {

struct StreamState {
  runtime::Loop* loop = nullptr;
  Endpoint endpoint;
  std::string path;
  std::string model;
  std::shared_ptr<AnswerChannel> channel;
  std::shared_ptr<Link> link;
  std::weak_ptr<HttpBackend::Lingering> lingering;

  [[nodiscard]] FailureContext context() const { return {.endpoint = &endpoint, .path = path, .model = model}; }
  /// With the backend's name, without its secrets, and with what to do where the failure itself does not know.
  [[nodiscard]] ModelFailure shown(ModelFailure failure) const {
    failure.error.message =
        without_secrets(endpoint, fmt::format("backend \"{}\": {}", endpoint.backend, failure.error.message));
    if (failure.error.code == protocol::error_codes::kStream) {
      failure.error = failure.error.or_hint(hint_to_try(endpoint));
    }
    return failure;
  }
};

/// Nothing came for too long, which a longer `setting` would allow; or the wait was cancelled.
ModelFailure too_slow(const base::Error& error, std::string what, const Endpoint& endpoint, std::string_view setting) {
  if (error.code != base::codes::kTimeout) return {.error = error, .retry = ports::RetryClass::kNever};
  return {.error = {.code = base::codes::kTimeout,
                    .message = std::move(what),
                    .hint = fmt::format("does the server still run? `lathe backend test {}` asks it; a longer {} "
                                        "waits for one that is slow",
                                        base::shell_quote(endpoint.backend), setting),
                    .retryable = true},
          .retry = ports::RetryClass::kStream};
}

ModelFailure unanswered(const base::Error& error, const Endpoint& endpoint) {
  std::string what = fmt::format("no answer within {} from {}", base::format_duration(endpoint.answer_timeout),
                                 shown_url(endpoint.base_url));
  return too_slow(error, std::move(what), endpoint, "answer-timeout");
}

ModelFailure stalled(const base::Error& error, std::chrono::milliseconds silence, const Endpoint& endpoint) {
  std::string what = fmt::format("the answer's stream stalled: nothing came for {} from {}",
                                 base::format_duration(silence), shown_url(endpoint.base_url));
  return too_slow(error, std::move(what), endpoint, "stream-idle-timeout");
}

/// See ports::ModelStream. Failures come after the events that were there before them. The deadline is one of silence:
/// it starts anew with every byte that comes, since the arguments of a large call and an answer that is only kept alive
/// give no event for a long time.
class HttpModelStream final : public ModelStream {
 public:
  HttpModelStream(StreamState state, std::deque<AnswerPart> early)
      : state_(std::move(state)), early_(std::move(early)) {}
  ~HttpModelStream() override {
    const auto lingering = state_.lingering.lock();
    if (finished_ && lingering && !state_.link->state->ended.load()) lingering->keep(state_.link);
  }

  Async<ModelResult<std::vector<ports::ModelEvent>>> next(runtime::CancelToken cancel,
                                                          runtime::Deadline deadline) override {
    const auto silence = deadline.when().value_or(base::MonoTime::max()) - state_.loop->mono_now();
    Events events;
    while (events.empty() && !failure_ && !finished_) {
      if (early_.empty()) {
        auto received = co_await receive(cancel, deadline, silence);
        if (!received.ok()) {
          const auto allowed = std::chrono::round<Tenths>(silence);
          co_return std::unexpected(state_.shown(stalled(received.error(), allowed, state_.endpoint)));
        }
        early_ = *std::move(received);
        if (early_.empty()) failure_ = state_.shown(cut_off("the answer was whole"));
      }
      for (AnswerPart& part : std::exchange(early_, {})) take(std::move(part), events);
    }
    if (events.empty() && failure_) co_return std::unexpected(*failure_);
    co_return events;
  }

 private:
  Async<base::Result<std::deque<AnswerPart>>> receive(runtime::CancelToken cancel, runtime::Deadline deadline,
                                                      base::MonoTime::duration silence) {
    while (true) {
      auto received = co_await state_.channel->receive_all(cancel, deadline);
      if (received.ok() || received.error().code != base::codes::kTimeout) co_return received;
      const auto next = runtime::Deadline::at(state_.link->state->last_bytes.load() + silence);
      if (next.passed(*state_.loop)) co_return received;
      deadline = next;
    }
  }
  void take(AnswerPart part, Events& events) {
    std::ranges::move(part.events, std::back_inserter(events));
    if (part.failure) failure_ = state_.shown(*std::move(part.failure));
    // Once a stream was announced by its content type, what came may still be none.
    if (part.refused) failure_ = failure_of(*part.refused, state_.context(), /*now=*/0);
    if (part.transport) {
      failure_ = state_.shown({.error = *std::move(part.transport), .retry = ports::RetryClass::kStream});
    }
    if (!events.empty() && std::holds_alternative<ports::Finished>(events.back())) finished_ = true;
  }

  StreamState state_;
  std::deque<AnswerPart> early_;
  /// As it is told.
  std::optional<ModelFailure> failure_;
  bool finished_ = false;
};

}  // namespace

HttpBackend::HttpBackend(runtime::Loop& loop, net::HttpClient& client, Endpoint endpoint, KeyHeaders key_headers)
    : loop_(loop),
      client_(client),
      endpoint_(std::move(endpoint)),
      key_headers_(std::move(key_headers)),
      lingering_(std::make_shared<Lingering>()) {}

HttpBackend::~HttpBackend() = default;

std::string HttpBackend::new_call_seed() { return base::short_id("call", random_); }

net::HttpRequest HttpBackend::http_request(const std::string& path, std::string body,
                                           std::vector<net::Header> headers) const {
  std::ranges::move(key_headers_(endpoint_.api_key), std::back_inserter(headers));
  if (!body.empty()) headers.push_back({"content-type", "application/json"});
  headers.push_back({"user-agent", "lathe"});
  for (const net::Header& extra : endpoint_.headers) {
    std::erase_if(headers, [&](const net::Header& own) { return base::lower(own.name) == base::lower(extra.name); });
    headers.push_back(extra);
  }
  return {.method = body.empty() ? "GET" : "POST",
          .url = url_of(endpoint_, path),
          .headers = std::move(headers),
          .body = std::move(body),
          .connect_timeout = endpoint_.connect_timeout};
}

Async<ModelResult<void>> HttpBackend::renew_key(ModelFailure failure, std::string refused_key,
                                                runtime::CancelToken cancel) {
  const bool is_of_key = failure.error.code == protocol::error_codes::kAuth;
  if (!is_of_key || !endpoint_.renew_key) co_return std::unexpected(std::move(failure));
  // Another request may have got one meanwhile.
  if (endpoint_.api_key == refused_key) {
    base::Result<std::string> key = co_await endpoint_.renew_key(std::move(cancel));
    if (!key.ok()) {
      failure.error.hint = fmt::format("{} was run again: {}", endpoint_.key_source, key.error().text());
      co_return std::unexpected(std::move(failure));
    }
    endpoint_.api_key = *std::move(key);
  }
  if (endpoint_.api_key == refused_key) co_return std::unexpected(std::move(failure));
  co_return ModelResult<void>();
}

Async<ModelResult<std::unique_ptr<ModelStream>>> HttpBackend::open(std::function<WireRequest()> make,
                                                                   runtime::CancelToken cancel) {
  const std::string key = endpoint_.api_key;
  auto opened = co_await open_once(make(), cancel);
  if (opened) co_return std::move(opened);
  auto renewed = co_await renew_key(std::move(opened).error(), key, cancel);
  if (!renewed) co_return std::unexpected(std::move(renewed).error());
  co_return co_await open_once(make(), cancel);
}

Async<ModelResult<std::unique_ptr<ModelStream>>> HttpBackend::open_once(WireRequest request,
                                                                        runtime::CancelToken cancel) {
  lingering_->drop_ended();
  StreamState state{.loop = &loop_,
                    .endpoint = endpoint_,
                    .path = request.path,
                    .model = request.model,
                    .channel = std::make_shared<AnswerChannel>(loop_, kQueuedParts),
                    .link = std::make_shared<Link>(),
                    .lingering = lingering_};
  state.channel->set_on_room([weak = std::weak_ptr(state.link)] {
    if (const auto link = weak.lock(); link && link->transfer) link->transfer->resume();
  });
  const char* const accept = request.framing == Framing::kSse ? "text/event-stream" : "application/x-ndjson";
  state.link->transfer = client_.start(
      http_request(request.path, std::move(request.body), {{"accept", accept}}),
      std::make_unique<ResponseSink>(state.channel, request.framing, std::move(request.decoder), state.link->state));

  const auto deadline = runtime::Deadline::after(loop_, endpoint_.answer_timeout);
  auto received = co_await state.channel->receive_all(cancel, deadline);
  if (!received.ok()) {
    co_return std::unexpected(state.shown(unanswered(received.error(), endpoint_)));
  }
  if (received->empty()) co_return std::unexpected(state.shown(cut_off("it began")));
  const AnswerPart& first = received->front();
  if (first.transport) co_return std::unexpected(failure_to_connect(*first.transport, state.context()));
  if (first.refused) co_return std::unexpected(failure_of(*first.refused, state.context(), loop_.unix_now()));
  co_return std::make_unique<HttpModelStream>(std::move(state), *std::move(received));
}

Async<ModelResult<base::Json>> HttpBackend::fetch(std::string path, std::string body, runtime::CancelToken cancel) {
  const std::string key = endpoint_.api_key;
  auto fetched = co_await fetch_once(path, body, cancel);
  if (fetched) co_return std::move(fetched);
  auto renewed = co_await renew_key(std::move(fetched).error(), key, cancel);
  if (!renewed) co_return std::unexpected(std::move(renewed).error());
  co_return co_await fetch_once(std::move(path), std::move(body), std::move(cancel));
}

Async<ModelResult<base::Json>> HttpBackend::fetch_once(std::string path, std::string body,
                                                       runtime::CancelToken cancel) {
  // As it is now: what the server says back is cleaned of the key that was sent.
  const Endpoint endpoint = endpoint_;
  const FailureContext context{.endpoint = &endpoint, .path = path, .model = {}};
  net::HttpRequest request = http_request(path, std::move(body), {});
  const auto deadline = runtime::Deadline::after(loop_, kDocumentTimeout);
  auto response = co_await client_.fetch(std::move(request), std::move(cancel), deadline, kMaxDocumentBytes);
  if (!response.ok()) co_return std::unexpected(failure_to_connect(response.error(), context));
  if (response->head.status >= 200 && response->head.status < 300) {
    auto document = base::parse_json(response->body);
    if (document.ok()) co_return *std::move(document);
  }
  const RefusedAnswer refused{.head = std::move(response->head), .body = std::move(response->body)};
  co_return std::unexpected(failure_of(refused, context, loop_.unix_now()));
}

}  // namespace lathe::providers::common
