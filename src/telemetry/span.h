#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "lathe/base/clock.h"

namespace lathe::telemetry {

using AttributeValue = std::variant<std::string, std::int64_t, double, std::vector<std::string>>;
using Attributes = std::vector<std::pair<std::string, AttributeValue>>;

/// Something that happened at a moment within a span.
struct SpanMoment {
  std::string name = {};
  base::UnixMillis at = 0;
  Attributes attributes = {};
  friend bool operator==(const SpanMoment&, const SpanMoment&) = default;
};

/// The numbers are those of the protocol (opentelemetry trace.proto "SpanKind").
enum class SpanKind { kInternal = 1, kClient = 3 };

/// A piece of work with its beginning and end, as OpenTelemetry has it.
struct Span {
  /// 32 and 16 hexadecimal digits; no parent: "".
  std::string trace_id = {};
  std::string span_id = {};
  std::string parent_id = {};
  std::string name = {};
  SpanKind kind = SpanKind::kInternal;
  base::UnixMillis start = 0;
  base::UnixMillis end = 0;
  Attributes attributes = {};
  std::vector<SpanMoment> moments = {};
  /// What went wrong, as a code; empty when nothing did.
  std::string error = {};
  friend bool operator==(const Span&, const Span&) = default;
};

/// The body of a request to a collector: OTLP/HTTP in its JSON encoding (opentelemetry-proto, specification "JSON
/// Protobuf Encoding": ids in hexadecimal, 64-bit integers as strings, enums as numbers). Pure.
[[nodiscard]] std::string otlp_json(std::span<const Span> spans, std::string_view version);

}  // namespace lathe::telemetry
