#include "lathe/telemetry/span_exporter.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "lathe/base/strings.h"
#include "lathe/runtime/files.h"

namespace lathe::telemetry {

using base::Error;
using base::Result;
using runtime::Async;
using runtime::CancelToken;
using runtime::Deadline;

namespace {

constexpr std::size_t kMostInBatch = 512;
/// Spans that come close together go together.
constexpr base::Millis kGather{1'000};
constexpr base::Millis kPatience{10'000};
constexpr base::Millis kLastPatience{1'000};
constexpr base::Millis kRetryAfter{30'000};
constexpr std::size_t kMostAnswerBytes = 64U << 10;

std::string traces_url(std::string url) {
  while (url.ends_with('/')) url.pop_back();
  return url.ends_with("/v1/traces") ? url : url + "/v1/traces";
}

std::vector<net::Header> headers_of(const ExportOptions& options) {
  std::vector<net::Header> headers{{"content-type", "application/json"}};
  const std::string text = options.headers ? options.headers() : "";
  for (const std::string_view pair : base::split(text, ',')) {
    const std::size_t equals = pair.find('=');
    if (equals == std::string_view::npos) continue;
    headers.push_back(
        {std::string(base::trim(pair.substr(0, equals))), base::percent_decode(base::trim(pair.substr(equals + 1)))});
  }
  return headers;
}

Async<Result<void>> post(net::HttpClient* http, const ExportOptions* options, std::string body, CancelToken cancel,
                         Deadline deadline) {
  net::HttpRequest request{
      .method = "POST", .url = traces_url(options->endpoint), .headers = headers_of(*options), .body = std::move(body)};
  CO_TRY(const net::HttpResponse answer,
         co_await http->fetch(std::move(request), std::move(cancel), deadline, kMostAnswerBytes));
  const int status = answer.head.status;
  if (status >= 200 && status < 300) co_return Result<void>();
  // OTLP specification, "Retryable Response Codes".
  const bool later = status == 429 || status == 502 || status == 503 || status == 504;
  co_return Error{.code = base::codes::kUnavailable,
                  .message = fmt::format("{} answered with {}", traces_url(options->endpoint), status),
                  .hint = "settings otlp.endpoint and otlp.headers-variable",
                  .retryable = later};
}

/// Or the exporter itself has ended the request.
bool may_pass(const Error& error) {
  return error.retryable || error.code == base::codes::kTimeout || error.code == base::codes::kCancelled;
}

Result<void> append_line(const std::string& path, const std::string& line) {
  TRY(const base::UniqueFd file, runtime::open_file(path, O_WRONLY | O_CREAT | O_APPEND, 0600));
  return runtime::write_all(file.get(), line + "\n", path);
}

}  // namespace

SpanExporter::SpanExporter(runtime::Loop& loop, runtime::Pool& fs, net::HttpClient& http, ExportOptions options)
    : loop_(loop), fs_(fs), http_(http), options_(std::move(options)), work_(loop), sending_(loop) {}

void SpanExporter::see(const protocol::Event& event, std::size_t /*record_bytes*/) {
  for (Span& span : builder_.take(event)) {
    if (waiting_.size() >= kMostWaiting) {
      ++dropped_;
      continue;
    }
    waiting_.push_back(std::move(span));
    if (sending_.running() == 0) sending_.spawn(export_all());
    work_.notify();
  }
}

Async<void> SpanExporter::export_all() {
  const CancelToken cancel = sending_.token();
  while (true) {
    while (waiting_.empty()) {
      if (!(co_await work_.wait(cancel, Deadline::never())).ok()) co_return;
    }
    if (!(co_await loop_.sleep(failing_ ? kRetryAfter : kGather, cancel)).ok()) co_return;
    const Result<void> sent = co_await send_batch(kPatience, cancel);
    if (!sent.ok() && sent.error().code == base::codes::kCancelled) co_return;
    settle(sent);
  }
}

Async<Result<void>> SpanExporter::send_batch(base::Millis patience, CancelToken cancel) {
  const std::size_t count = std::min(waiting_.size(), kMostInBatch);
  std::vector<Span> batch(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(count));
  const std::string body = otlp_json(batch, options_.version);
  Result<void> sent;
  if (!options_.endpoint.empty()) {
    sent = co_await post(&http_, &options_, body, std::move(cancel), Deadline::after(loop_, patience));
  }
  // A batch that the collector will never take is not kept for it.
  if (!sent.ok() && may_pass(sent.error())) co_return sent;
  waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(count));
  if (!options_.file.empty()) {
    Result<void> written = co_await fs_.run([this, &body] { return append_line(options_.file, body); });
    if (!written.ok()) co_return written;
  }
  co_return sent;
}

void SpanExporter::settle(const Result<void>& sent) {
  if (sent.ok()) {
    if (dropped_ > 0 && options_.on_warning) options_.on_warning(fmt::format("{} spans were dropped", dropped_));
    dropped_ = 0;
    failing_ = false;
    return;
  }
  if (!std::exchange(failing_, true) && options_.on_warning) {
    options_.on_warning("spans cannot be exported: " + sent.error().text());
  }
}

Async<void> SpanExporter::stop() {
  co_await sending_.stop();
  while (!waiting_.empty() && !failing_) settle(co_await send_batch(kLastPatience, CancelToken()));
}

Async<Result<void>> try_collector(net::HttpClient* http, ExportOptions options, Deadline deadline) {
  co_return co_await post(http, &options, otlp_json({}, options.version), CancelToken(), deadline);
}

}  // namespace lathe::telemetry
