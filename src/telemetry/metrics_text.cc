#include "lathe/telemetry/metrics_text.h"

#include <fmt/format.h>

#include <cmath>
#include <cstdint>

#include "lathe/base/utf8.h"

namespace lathe::telemetry {

namespace {

std::string_view name_of(MetricType type) {
  switch (type) {
    case MetricType::kCounter:
      return "counter";
    case MetricType::kGauge:
      return "gauge";
    case MetricType::kHistogram:
      return "histogram";
  }
  return "";
}

std::string label_text(std::string_view value) {
  std::string text;
  for (const char letter : value) {
    if (letter == '\n') {
      text += "\\n";
    } else {
      if (letter == '\\' || letter == '"') text += '\\';
      text += letter;
    }
  }
  return text;
}

std::string number_text(double value) {
  // Whole numbers as such, up to where a double holds each of them.
  constexpr double kExact = 9e15;
  if (std::abs(value) < kExact && value == std::floor(value))
    return fmt::format("{}", static_cast<std::int64_t>(value));
  return fmt::format("{}", value);
}

}  // namespace

void MetricsText::family(std::string_view name, MetricType type, std::string_view help) {
  name_ = name;
  text_ += fmt::format("# HELP {} {}\n# TYPE {} {}\n", name, help, name, name_of(type));
}

void MetricsText::sample(const Labels& labels, double value, std::string_view suffix) {
  text_ += name_;
  text_ += suffix;
  char before = '{';
  for (const auto& [name, text] : labels) {
    text_ += fmt::format("{}{}=\"{}\"", before, name, label_text(text));
    before = ',';
  }
  if (!labels.empty()) text_ += '}';
  text_ += ' ' + number_text(value) + '\n';
}

void MetricsText::single(std::string_view name, MetricType type, std::string_view help, double value) {
  family(name, type, help);
  sample({}, value);
}

}  // namespace lathe::telemetry
