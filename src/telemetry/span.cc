#include "lathe/telemetry/span.h"

#include <utility>

#include "lathe/base/json.h"

namespace lathe::telemetry {

using base::Json;

namespace {

constexpr int kStatusError = 2;

Json value_json(const AttributeValue& value) {
  struct Encode {
    Json operator()(const std::string& text) const { return {{"stringValue", text}}; }
    Json operator()(std::int64_t number) const { return {{"intValue", std::to_string(number)}}; }
    Json operator()(double number) const { return {{"doubleValue", number}}; }
    Json operator()(const std::vector<std::string>& list) const {
      Json values = Json::array();
      for (const std::string& text : list) values.push_back(Json{{"stringValue", text}});
      return {{"arrayValue", {{"values", std::move(values)}}}};
    }
  };
  return std::visit(Encode{}, value);
}

Json attributes_json(const Attributes& attributes) {
  Json list = Json::array();
  for (const auto& [key, value] : attributes) list.push_back(Json{{"key", key}, {"value", value_json(value)}});
  return list;
}

std::string nanoseconds(base::UnixMillis time) { return std::to_string(time) + "000000"; }

Json span_json(const Span& span) {
  Json json{{"traceId", span.trace_id}, {"spanId", span.span_id}};
  if (!span.parent_id.empty()) json["parentSpanId"] = span.parent_id;
  json["name"] = span.name;
  json["kind"] = static_cast<int>(span.kind);
  json["startTimeUnixNano"] = nanoseconds(span.start);
  json["endTimeUnixNano"] = nanoseconds(span.end);
  json["attributes"] = attributes_json(span.attributes);
  Json moments = Json::array();
  for (const SpanMoment& moment : span.moments) {
    moments.push_back(Json{{"name", moment.name},
                           {"timeUnixNano", nanoseconds(moment.at)},
                           {"attributes", attributes_json(moment.attributes)}});
  }
  if (!moments.empty()) json["events"] = std::move(moments);
  if (!span.error.empty()) json["status"] = Json{{"code", kStatusError}, {"message", span.error}};
  return json;
}

}  // namespace

std::string otlp_json(std::span<const Span> spans, std::string_view version) {
  Json list = Json::array();
  for (const Span& span : spans) list.push_back(span_json(span));
  const Attributes resource{{"service.name", "lathe"}, {"service.version", std::string(version)}};
  Json scope_spans{{"scope", {{"name", "lathe"}, {"version", version}}}, {"spans", std::move(list)}};
  Json resource_spans{{"resource", {{"attributes", attributes_json(resource)}}},
                      {"scopeSpans", Json::array({std::move(scope_spans)})}};
  Json body;
  body["resourceSpans"] = Json::array({std::move(resource_spans)});
  return base::dump_json(body);
}

}  // namespace lathe::telemetry
