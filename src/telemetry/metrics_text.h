#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lathe::telemetry {

using Labels = std::vector<std::pair<std::string_view, std::string_view>>;

enum class MetricType { kCounter, kGauge, kHistogram };

/// Writes the text format of Prometheus, version 0.0.4: a family, then its samples. A value.
class MetricsText final {
 public:
  static constexpr std::string_view kContentType = "text/plain; version=0.0.4; charset=utf-8";

  /// `name` in base units, "…_total" of a counter.
  void family(std::string_view name, MetricType type, std::string_view help);
  /// Of the family that was begun last; `suffix` is "_bucket", "_sum" or "_count" in a histogram.
  void sample(const Labels& labels, double value, std::string_view suffix = "");
  /// A family with one sample.
  void single(std::string_view name, MetricType type, std::string_view help, double value);

  [[nodiscard]] std::string take() { return std::move(text_); }

 private:
  std::string name_;
  std::string text_;
};

}  // namespace lathe::telemetry
