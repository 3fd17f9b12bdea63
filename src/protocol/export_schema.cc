#include <fmt/format.h>

#include "lathe/protocol/describe.h"
#include "lathe/protocol/export.h"
#include "lathe/protocol/frames.h"
#include "lathe/protocol/schema_definitions.h"

namespace lathe::protocol {
namespace {

using base::Json;
using Kind = TypeInfo::Kind;

/// An object with one member; braces alone could as well mean a list.
Json one(const char* name, Json value) {
  Json object = Json::object();
  object[name] = std::move(value);
  return object;
}

/// Not named ref: that would find std::ref for a std::string.
Json link_to(std::string_view name) { return one("$ref", fmt::format("#/$defs/{}", name)); }

/// The schema of a value where it is used: named types by reference.
Json schema_of(const TypeInfo& type) {
  switch (type.kind) {
    case Kind::kString:
      return one("type", "string");
    case Kind::kBoolean:
      return one("type", "boolean");
    case Kind::kInteger:
      return one("type", "integer");
    case Kind::kNumber:
      return one("type", "number");
    case Kind::kOpaque:
      return Json::object();
    case Kind::kList:
      return Json::object({{"type", "array"}, {"items", schema_of(*type.element)}});
    case Kind::kEnum:
    case Kind::kStruct:
    case Kind::kUnion:
      return link_to(type.name);
  }
  return Json::object();
}

Json object_schema(const TypeInfo& type) {
  Json properties = Json::object();
  Json required = Json::array();
  if (!type.tag.empty()) {
    properties["type"] = one("const", type.tag);
    required.push_back("type");
  }
  for (const FieldInfo& field : type.fields) {
    Json schema = schema_of(*field.type);
    schema["description"] = field.doc;
    if (field.fallback) schema["default"] = *field.fallback;
    properties[std::string(field.name)] = std::move(schema);
    if (field.required) required.push_back(field.name);
  }
  return Json::object(
      {{"description", type.doc}, {"type", "object"}, {"properties", properties}, {"required", required}});
}

Json enum_schema(const TypeInfo& type) {
  Json names = Json::array();
  for (const EnumValue& value : type.values) names.push_back(value.name);
  std::string aliases;
  for (const EnumValue& value : type.values) {
    for (const std::string_view alias : value.aliases) {
      names.push_back(alias);
      aliases += fmt::format("{}{} is read as {}", aliases.empty() ? "" : "; ", alias, value.name);
    }
  }
  Json schema = Json::object({{"type", "string"}, {"enum", names}});
  if (!aliases.empty()) schema["description"] = aliases;
  return schema;
}

Json union_schema(const TypeInfo& type) {
  Json members = Json::array();
  for (const TypeInfo* member : type.members) members.push_back(link_to(member->name));
  return one("oneOf", members);
}

}  // namespace

Json schema_definition(const TypeInfo& type) {
  if (type.kind == Kind::kEnum) return enum_schema(type);
  if (type.kind == Kind::kUnion) return union_schema(type);
  return object_schema(type);
}

namespace {

Json text(std::string_view doc) { return Json::object({{"type", "string"}, {"description", doc}}); }
Json whole(std::string_view doc) { return Json::object({{"type", "integer"}, {"description", doc}}); }

Json frame(std::string_view doc, Json properties, Json required) {
  return Json::object({{"description", doc},
                       {"type", "object"},
                       {"properties", std::move(properties)},
                       {"required", std::move(required)}});
}

const char* const kId = "chosen by the client; what answers it carries it too";

/// The frames of frames.h, whose members are no field lists.
void add_frames(Json& defs) {
  defs["ClientFrame"] = Json::object({{"description", "A line from client to server."},
                                      {"oneOf", Json::array({link_to("Submission"), link_to("CallFrame")})}});
  defs["ServerFrame"] = Json::object(
      {{"description", "A line from server to client."},
       {"oneOf", Json::array({link_to("Event"), link_to("Ack"), link_to("ReplyFrame"), link_to("ErrorFrame")})}});
  defs["Submission"] = frame("An op for a session.",
                             {{"id", text(kId)},
                              {"session", text("the session; absent: the one that this connection configured")},
                              {"op", link_to("Op")}},
                             Json::array({"id", "op"}));
  defs["CallFrame"] = frame("A call.", {{"id", text(kId)}, {"call", link_to("Call")}}, Json::array({"id", "call"}));
  Json event = frame("What happened in a session. A durable event is one record of the journal and has seq and crc.",
                     {{"v", Json::object({{"const", kRecordVersion},
                                          {"description", "version of the record's form; absent on a passing event"}})},
                      {"session", text("the session")},
                      {"seq", whole("position in the session's stream; absent on a passing event")},
                      {"id", text("id of the submission that started the Task")},
                      {"by", text("<client>/<op id> of the submission that this event records")},
                      {"ts", whole("unix milliseconds")},
                      {"msg", link_to("EventMsg")},
                      {"crc", Json::object({{"type", "string"},
                                            {"pattern", "^[0-9a-f]{8}$"},
                                            {"description", "CRC-32C of all bytes of the line before ,\"crc\""}})}},
                     Json::array({"session", "id", "ts", "msg"}));
  event["dependentRequired"] =
      Json::object({{"v", Json::array({"seq"})}, {"seq", Json::array({"v", "crc"})}, {"crc", Json::array({"seq"})}});
  defs["Event"] = std::move(event);
  Json ack =
      frame("The submission is recorded.",
            {{"seq", whole("the record that acknowledges it")}, {"session", text("the session that it reached")}},
            Json::array({"seq", "session"}));
  defs["Ack"] = frame("Acknowledges a submission.", {{"id", text("of the submission")}, {"ack", ack}},
                      Json::array({"id", "ack"}));
  defs["ReplyFrame"] = frame("Answers a call.", {{"id", text("of the call")}, {"reply", link_to("Reply")}},
                             Json::array({"id", "reply"}));
  Json error = frame(
      "Why not.",
      {{"code", text("stable name")},
       {"message", text("what failed, for a person")},
       {"hint", text("what to do; may be empty")},
       {"retryable", Json::object({{"type", "boolean"}, {"description", "the same may succeed later as it is"}})}},
      Json::array({"code", "message", "hint", "retryable"}));
  defs["ErrorFrame"] = frame("Refuses a submission or a call.", {{"id", text("of what is refused")}, {"error", error}},
                             Json::array({"id", "error"}));
}

}  // namespace

Json schema_definitions() {
  const Description& all = describe();
  Json defs = Json::object();
  add_frames(defs);
  for (const TypeInfo* root : {all.op, all.event, all.call, all.reply}) {
    defs[root->name] = schema_definition(*root);
    for (const TypeInfo* member : root->members) defs[member->name] = schema_definition(*member);
  }
  for (const TypeInfo* shared : all.shared) defs[shared->name] = schema_definition(*shared);
  return defs;
}

Json json_schema() {
  return Json::object({{"$schema", "https://json-schema.org/draft/2020-12/schema"},
                       {"title", "Lathe protocol"},
                       {"description", "One line of a connection: a frame of either direction."},
                       {"anyOf", Json::array({link_to("ClientFrame"), link_to("ServerFrame")})},
                       {"$defs", schema_definitions()}});
}

}  // namespace lathe::protocol
