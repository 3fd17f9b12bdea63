#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "lathe/base/result.h"
#include "lathe/net/http_client.h"
#include "lathe/ports/event_observer.h"
#include "lathe/runtime/loop.h"
#include "lathe/runtime/pool.h"
#include "lathe/runtime/scope.h"
#include "lathe/runtime/signal.h"
#include "lathe/telemetry/span_builder.h"

namespace lathe::telemetry {

struct ExportOptions {
  /// A collector's base URL, "http://127.0.0.1:4318"; "/v1/traces" is added where it is missing. Empty: none.
  std::string endpoint;
  /// Headers of a request, as "name=value,name=value" with escapes (OTEL_EXPORTER_OTLP_HEADERS). Asked each time.
  std::function<std::string()> headers = {};
  /// A file to which each batch is appended, as a line; empty: none.
  std::string file = {};
  std::string version = {};
  /// Told once when a collector or file fails, until it works again.
  std::function<void(const std::string&)> on_warning = {};
};

/// Sends spans of what happens to a collector, to a file, or both: in batches, in the background. What cannot be sent
/// waits, up to kMostWaiting spans; what comes beyond that is dropped. Loop thread. `co_await stop()` before it goes.
class SpanExporter final : public ports::EventObserver {
 public:
  static constexpr std::size_t kMostWaiting = 2'048;

  SpanExporter(runtime::Loop& loop, runtime::Pool& fs, net::HttpClient& http, ExportOptions options);

  void opened(const ports::SessionState& state) override { builder_.know(state); }
  void see(const protocol::Event& event, std::size_t record_bytes) override;
  /// Sends what waits, for a short time and only where the last time went well.
  runtime::Async<void> stop();

 private:
  runtime::Async<void> export_all();
  /// Sends the oldest that wait; `patience` bounds each request.
  runtime::Async<base::Result<void>> send_batch(base::Millis patience, runtime::CancelToken cancel);
  void settle(const base::Result<void>& sent);

  runtime::Loop& loop_;
  runtime::Pool& fs_;
  net::HttpClient& http_;
  const ExportOptions options_;
  SpanBuilder builder_;
  std::deque<Span> waiting_;
  std::size_t dropped_ = 0;
  /// The last time went wrong, and that was told.
  bool failing_ = false;
  runtime::Signal work_;
  runtime::Scope sending_;
};

/// Whether the collector takes what it is sent: an empty batch.
[[nodiscard]] runtime::Async<base::Result<void>> try_collector(net::HttpClient* http, ExportOptions options,
                                                               runtime::Deadline deadline);

}  // namespace lathe::telemetry
