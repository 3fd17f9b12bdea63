#include "lathe/telemetry/metrics_text.h"

#include <gtest/gtest.h>

namespace lathe::telemetry {
namespace {

TEST(MetricsText, IsWhatPrometheusReads) {
  MetricsText text;
  text.family("lathe_calls_total", MetricType::kCounter, "Calls.");
  text.sample({{"tool", "a\"b\\c\nd"}, {"outcome", "failed"}}, 3);
  text.single("lathe_seconds", MetricType::kGauge, "Time.", 0.25);
  EXPECT_EQ(text.take(),
            "# HELP lathe_calls_total Calls.\n"
            "# TYPE lathe_calls_total counter\n"
            "lathe_calls_total{tool=\"a\\\"b\\\\c\\nd\",outcome=\"failed\"} 3\n"
            "# HELP lathe_seconds Time.\n"
            "# TYPE lathe_seconds gauge\n"
            "lathe_seconds 0.25\n");
}

}  // namespace
}  // namespace lathe::telemetry
