#include <fmt/format.h>

#include <array>

#include "lathe/base/strings.h"
#include "lathe/protocol/describe.h"
#include "lathe/protocol/export.h"
#include "lathe/protocol/http_routes.h"
#include "lathe/protocol/schema_definitions.h"

namespace lathe::protocol {
namespace {

using base::Json;

constexpr std::string_view kJson = "application/json";
constexpr std::string_view kSchemaPlace = "#/$defs/";
constexpr std::string_view kDocumentPlace = "#/components/schemas/";

/// Links as they are in this document.
void move_links(Json& json) {
  for (auto& [key, value] : json.items()) {
    if (key == "$ref")
      value = fmt::format("{}{}", kDocumentPlace, value.get<std::string>().substr(kSchemaPlace.size()));
    if (value.is_structured()) move_links(value);
  }
}

Json content(std::string_view media_type, Json schema) {
  Json of_type = Json::object();
  of_type["schema"] = std::move(schema);
  Json all = Json::object();
  all[std::string(media_type)] = std::move(of_type);
  return all;
}

Json component(std::string_view name) {
  Json link = Json::object();
  link["$ref"] = fmt::format("{}{}", kSchemaPlace, name);
  return link;
}

/// "Health", or "AgentruntimeSummary[]".
Json payload_schema(std::string_view payload) {
  if (!payload.ends_with("[]")) return component(payload);
  return Json::object({{"type", "array"}, {"items", component(payload.substr(0, payload.size() - 2))}});
}

/// Of a member of a union, whose `type` stands in the path here.
Json without_type(const TypeInfo& member) {
  Json schema = schema_definition(member);
  schema["properties"].erase("type");
  Json required = Json::array();
  for (const FieldInfo& field : member.fields) {
    if (field.required) required.push_back(field.name);
  }
  schema["required"] = std::move(required);
  return schema;
}

/// One route, or one call or op of it.
struct Operation {
  const HttpRoute& route;
  std::string path;
  std::string name;
  std::string_view doc;
  Scopes scopes;
  /// Of the call or op; null for the others.
  const TypeInfo* fields = nullptr;
};

Json parameters_of(const Operation& operation) {
  Json all = Json::array();
  for (const std::string_view segment : base::split(operation.path, '/')) {
    if (!segment.starts_with('{')) continue;
    all.push_back(Json::object({{"name", segment.substr(1, segment.size() - 2)},
                                {"in", "path"},
                                {"required", true},
                                {"schema", Json::object({{"type", "string"}})}}));
  }
  for (const HttpParameter& parameter : operation.route.parameters) {
    all.push_back(Json::object({{"name", parameter.name},
                                {"in", parameter.place == HttpParameter::Place::kQuery ? "query" : "header"},
                                {"description", parameter.doc},
                                {"schema", Json::object({{"type", parameter.whole_number ? "integer" : "string"}})}}));
  }
  return all;
}

Json body_of(const Operation& operation) {
  if (operation.fields == nullptr) {
    return Json::object({{"required", true}, {"content", content(kJson, payload_schema(operation.route.body))}});
  }
  Json schema = without_type(*operation.fields);
  const bool required = !schema["required"].empty();
  return Json::object({{"required", required}, {"content", content(kJson, std::move(schema))}});
}

Json answer_schema(const Operation& operation, const HttpAnswer& answer) {
  if (!answer.payload.empty()) return payload_schema(answer.payload);
  if (answer.media_type == kJson) return without_type(*operation.fields->reply);
  // Bytes, lines, or a stream: no JSON that could be described as a whole.
  return Json::object();
}

Json responses_of(const Operation& operation) {
  Json all = Json::object();
  for (const HttpAnswer& answer : operation.route.answers) {
    Json response = Json::object({{"description", answer.doc}});
    if (!answer.media_type.empty()) response["content"] = content(answer.media_type, answer_schema(operation, answer));
    all[fmt::format("{}", answer.status)] = std::move(response);
  }
  const bool theirs = operation.route.dialect == HttpDialect::kAgentruntime;
  for (const char* failed : {"4XX", "5XX"}) {
    Json response = Json::object({{"description", "what is wrong"}});
    if (operation.route.method != "HEAD") {
      response["content"] = content(kJson, component(theirs ? "AgentruntimeError" : "HttpError"));
    }
    all[failed] = std::move(response);
  }
  return all;
}

Json security_of(const Operation& operation) {
  if (operation.route.access == HttpAccess::kOpen) return Json::array();
  Json scopes = Json::array();
  for (const auto& known : enum_names(Scope())) {
    if (operation.scopes.name(known.value)) scopes.push_back(known.name);
  }
  Json all = Json::array({Json::object({{"token", std::move(scopes)}})});
  if (operation.route.access == HttpAccess::kTokenOrHello) all.push_back(Json::object());
  return all;
}

Json operation_object(const Operation& operation) {
  Json object = Json::object({{"operationId", operation.name},
                              {"summary", operation.doc},
                              {"security", security_of(operation)},
                              {"parameters", parameters_of(operation)}});
  if (operation.fields != nullptr || !operation.route.body.empty()) object["requestBody"] = body_of(operation);
  object["responses"] = responses_of(operation);
  return object;
}

void add(Json& paths, const Operation& operation) {
  paths[operation.path][base::lower(operation.route.method)] = operation_object(operation);
}

Scopes both(Scopes left, Scopes right) {
  for (const auto& known : enum_names(Scope())) {
    if (right.name(known.value)) left.add(known.value);
  }
  return left;
}

/// One for each call or op that stands for {type}.
void add_members(Json& paths, const HttpRoute& route, const TypeInfo& root, Scopes (*scopes)(std::string_view)) {
  for (const TypeInfo* member : root.members) {
    add(paths, {.route = route,
                .path = base::replace_all(std::string(route.path), "{type}", member->tag),
                .name = fmt::format("{}_{}", route.name, member->tag),
                .doc = member->doc,
                .scopes = both(route.scopes, scopes(member->tag)),
                .fields = member});
  }
}

/// The op that a route stands for, where it is always the same.
const TypeInfo* fixed_op(const HttpRoute& route) {
  if (route.id != HttpRouteId::kNewSession) return nullptr;
  for (const TypeInfo* op : describe().op->members) {
    if (op->tag == ConfigureSession::kType) return op;
  }
  return nullptr;
}

}  // namespace

Json openapi() {
  const Description& all = describe();
  Json paths = Json::object();
  for (const HttpRoute& route : http_routes()) {
    if (route.id == HttpRouteId::kCall) {
      add_members(paths, route, *all.call, scopes_of_call);
    } else if (route.id == HttpRouteId::kOp) {
      add_members(paths, route, *all.op, scopes_of_op);
    } else {
      add(paths, {.route = route,
                  .path = std::string(route.path),
                  .name = std::string(route.name),
                  .doc = route.doc,
                  .scopes = route.scopes,
                  .fields = fixed_op(route)});
    }
  }
  Json schemas = schema_definitions();
  for (const TypeInfo* payload : all.payloads) schemas[payload->name] = schema_definition(*payload);
  Json token = Json::object({{"type", "http"},
                             {"scheme", "bearer"},
                             {"description",
                              "lathe daemon token create --scope …; the scopes that a route needs stand "
                              "at it, and some fields need more: docs/reference/http.md"}});
  Json document = Json::object(
      {{"openapi", "3.1.0"},
       {"info", Json::object({{"title", "Lathe"},
                              {"version", "1"},
                              {"description", "The daemon over HTTP. Unknown fields are ignored, and may come."}})},
       {"paths", std::move(paths)},
       {"components", Json::object({{"securitySchemes", Json::object({{"token", std::move(token)}})},
                                    {"schemas", std::move(schemas)}})}});
  move_links(document);
  return document;
}

}  // namespace lathe::protocol
