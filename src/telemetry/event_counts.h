#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "lathe/ports/event_observer.h"
#include "lathe/telemetry/metrics_text.h"

namespace lathe::telemetry {

/// Counts by up to two labels. Their values come from models and files, so only so many are kept apart; what comes
/// beyond that counts as "other".
class LabelledCount final {
 public:
  static constexpr std::size_t kMostSeries = 200;
  using Key = std::pair<std::string, std::string>;

  void add(std::string_view first, std::string_view second, double number);
  [[nodiscard]] const std::map<Key, double>& series() const { return series_; }

 private:
  std::map<Key, double> series_;
};

/// Counts what happens in the sessions of this process since it started. Loop thread.
class EventCounts final : public ports::EventObserver {
 public:
  void see(const protocol::Event& event, std::size_t record_bytes) override;
  void write(MetricsText& text) const;

 private:
  struct Seeing;
  /// Of a session whose Task has not ended.
  struct OpenTask {
    /// Of calls that have not ended: their tools.
    std::map<std::string, std::string> tools;
    /// The model that answered last.
    std::string model = "unknown";
    /// The open Turn's tokens were counted with its tool_calls.
    bool answer_counted = false;
  };

  std::int64_t records_ = 0;
  std::int64_t journal_bytes_ = 0;
  std::int64_t passing_ = 0;
  std::int64_t tasks_ = 0;
  std::int64_t agents_ = 0;
  LabelledCount task_ends_;
  LabelledCount turns_;
  LabelledCount tool_calls_;
  LabelledCount tokens_;
  LabelledCount usd_;
  LabelledCount unpriced_;
  LabelledCount asked_;
  LabelledCount answered_;
  LabelledCount retries_;
  std::map<std::string, OpenTask> open_;
};

}  // namespace lathe::telemetry
