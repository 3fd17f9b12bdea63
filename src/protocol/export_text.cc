#include <fmt/format.h>

#include "lathe/base/json.h"
#include "lathe/base/strings.h"
#include "lathe/protocol/describe.h"
#include "lathe/protocol/error_codes.h"
#include "lathe/protocol/export.h"
#include "lathe/protocol/http_routes.h"

namespace lathe::protocol {
namespace {

using Kind = TypeInfo::Kind;

// ---- TypeScript

std::string ts_type(const TypeInfo& type) {
  switch (type.kind) {
    case Kind::kString:
      return "string";
    case Kind::kBoolean:
      return "boolean";
    case Kind::kInteger:
    case Kind::kNumber:
      return "number";
    case Kind::kOpaque:
      return "unknown";
    case Kind::kList:
      return ts_type(*type.element) + "[]";
    case Kind::kEnum:
    case Kind::kStruct:
    case Kind::kUnion:
      return type.name;
  }
  return "unknown";
}

std::string ts_struct(const TypeInfo& type) {
  std::string out = fmt::format("/** {} */\nexport interface {} {{\n", type.doc, type.name);
  if (!type.tag.empty()) out += fmt::format("  type: \"{}\";\n", type.tag);
  for (const FieldInfo& field : type.fields) {
    out += fmt::format("  /** {} */\n  {}{}: {};\n", field.doc, field.name, field.required ? "" : "?",
                       ts_type(*field.type));
  }
  return out + "}\n\n";
}

std::string ts_named(const TypeInfo& type) {
  if (type.kind == Kind::kStruct) return ts_struct(type);
  std::vector<std::string> parts;
  for (const EnumValue& value : type.values) parts.push_back(fmt::format("\"{}\"", value.name));
  for (const TypeInfo* member : type.members) parts.push_back(member->name);
  return fmt::format("export type {} =\n  | {};\n\n", type.name, base::join(parts, "\n  | "));
}

constexpr std::string_view kTsFrames = R"(export type ClientFrame = Submission | CallFrame;
export interface Submission {
  id: string;
  /** absent: the session that this connection configured */
  session?: string;
  op: Op;
}
export interface CallFrame {
  id: string;
  call: Call;
}

export type ServerFrame = Event | Ack | ReplyFrame | ErrorFrame;
/** A durable event has v, seq and crc, a passing one none of them. */
export interface Event {
  v?: 1;
  session: string;
  seq?: number;
  id: string;
  by?: string;
  /** unix milliseconds */
  ts: number;
  msg: EventMsg;
  crc?: string;
}
export interface Ack {
  id: string;
  ack: { seq: number; session: string };
}
export interface ReplyFrame {
  id: string;
  reply: Reply;
}
export interface ErrorFrame {
  id: string;
  error: { code: string; message: string; hint: string; retryable: boolean };
}

)";

/// Members by their tag, so that a client can be typed by what it names.
std::string ts_map(std::string_view name, const TypeInfo& root) {
  std::string out = fmt::format("export interface {} {{\n", name);
  for (const TypeInfo* member : root.members) {
    const std::string type = member->reply == nullptr
                                 ? member->name
                                 : fmt::format("{{ call: {}; reply: {} }}", member->name, member->reply->name);
    out += fmt::format("  {}: {};\n", member->tag, type);
  }
  return out + "}\n\n";
}

std::string ts_path_names(const HttpRoute& route) {
  std::string names;
  for (const std::string_view segment : base::split(route.path, '/')) {
    if (segment.starts_with('{')) names += fmt::format(" {}: string;", segment.substr(1, segment.size() - 2));
  }
  return names.empty() ? "{}" : "{" + names + " }";
}

std::string ts_query(const HttpRoute& route) {
  std::string names;
  for (const HttpParameter& parameter : route.parameters) {
    if (parameter.place == HttpParameter::Place::kQuery) names += fmt::format(" {}?: number;", parameter.name);
  }
  return names.empty() ? "{}" : "{" + names + " }";
}

/// Routes that answer JSON and stand for no call or op.
std::string ts_routes() {
  std::string out = "/** Routes that answer JSON and are neither calls nor ops. */\nexport interface Routes {\n";
  for (const HttpRoute& route : http_routes()) {
    const std::string_view payload = route.answers.front().payload;
    if (payload.empty() || payload == "HttpAck") continue;
    out += fmt::format("  /** {} */\n  \"{} {}\": {{ path: {}; query: {}; body: {}; answer: {} }};\n", route.doc,
                       route.method, route.path, ts_path_names(route), ts_query(route),
                       route.body.empty() ? "undefined" : route.body, payload);
  }
  return out + "}\n\n";
}

// ---- the reference page

constexpr std::string_view kPageHead = R"(# Protocol

<!-- Generated from src/protocol (ACCEPT=1 make test); edit it there. -->

One line is one JSON object, UTF-8, ended by a newline. `lathe schema` prints the same as JSON Schema. Times are unix
milliseconds, names are snake_case. Unknown fields are ignored; an unknown op or call is an error with the nearest name.
An optional field that is left out, or null, has the default shown.

## Frames

| direction | frame | answered by |
|---|---|---|
| client to server | `{"id","session"?,"op":{"type",…}}`: an op for a session; without `session`, for the one that this connection configured | `ack`, or `error`; then events |
| client to server | `{"id","call":{"type",…}}`: a call | `reply`, or `error` |
| server to client | `{"v"?,"session","seq"?,"id","by"?,"ts","msg":{"type",…},"crc"?}`: an event; `id` is that of the submission that started the Task, `by` names the client and op that it records | |
| server to client | `{"id","ack":{"seq","session"}}`: the submission is recorded at `seq` | |
| server to client | `{"id","reply":{"type",…}}` | |
| server to client | `{"id","error":{"code","message","hint","retryable"}}` | |

A **durable** event is a record of the session's journal: it has `v`, the version of its form, `seq`, and `crc`, the CRC-32C of all bytes of the line
before `,"crc"` as eight hexadecimal digits. A **passing** event is progress; a later durable one completes it.

)";

/// A name that links to its heading on the page.
std::string md_type(const TypeInfo& type) {
  if (type.kind == Kind::kList) return "list of " + md_type(*type.element);
  if (type.kind == Kind::kOpaque) return "any JSON";
  if (type.name.empty()) return ts_type(type) == "number" ? "whole number" : ts_type(type);
  return fmt::format("[{}](#{})", type.name, base::lower(type.name));
}

std::string cell(std::string_view text) { return base::replace_all(std::string(text), "|", "\\|"); }

std::string md_fields(const TypeInfo& type) {
  if (type.fields.empty()) return "No fields.\n\n";
  std::string out = "| field | type | | meaning |\n|---|---|---|---|\n";
  for (const FieldInfo& field : type.fields) {
    std::string presence = field.required ? "required" : "optional";
    if (field.fallback) presence = fmt::format("default `{}`", base::dump_json(*field.fallback));
    out += fmt::format("| `{}` | {} | {} | {} |\n", field.name, md_type(*field.type), presence, cell(field.doc));
  }
  return out + "\n";
}

std::string md_members(const TypeInfo& type, std::string_view note_when_passing) {
  std::string out;
  for (const TypeInfo* member : type.members) {
    out += fmt::format("### {}\n\n", member->tag);
    if (!note_when_passing.empty()) out += member->passing ? "**Passing.** " : "**Durable.** ";
    out += fmt::format("{}\n\n{}", member->doc, md_fields(*member));
    if (member->reply != nullptr) {
      out += fmt::format("Reply `{}`: {}\n\n", member->reply->tag, member->reply->doc);
      if (!member->reply->fields.empty()) out += md_fields(*member->reply);
    }
  }
  return out;
}

std::string md_shared(const TypeInfo& type) {
  std::string out = fmt::format("### {}\n\n", type.name);
  if (type.kind == Kind::kStruct) {
    out += fmt::format("{}{}\n\n", type.doc, type.tag.empty() ? "" : fmt::format(" `type` is `{}`.", type.tag));
    return out + md_fields(type);
  }
  std::vector<std::string> parts;
  for (const TypeInfo* member : type.members) parts.push_back(md_type(*member));
  for (const EnumValue& value : type.values) {
    std::string part = fmt::format("`{}`", value.name);
    for (const std::string_view alias : value.aliases) part += fmt::format(" (or `{}` when read)", alias);
    parts.push_back(std::move(part));
  }
  return out + "One of: " + base::join(parts, ", ") + ".\n\n";
}

}  // namespace

std::string typescript() {
  const Description& all = describe();
  std::string out = "// The Lathe protocol, and its HTTP wire. Generated: lathe schema --typescript.\n\n";
  out += kTsFrames;
  for (const TypeInfo* root : {all.op, all.event, all.call, all.reply}) {
    out += ts_named(*root);
    for (const TypeInfo* member : root->members) out += ts_named(*member);
  }
  for (const TypeInfo* shared : all.shared) out += ts_named(*shared);
  out += ts_map("Ops", *all.op) + ts_map("Events", *all.event) + ts_map("Calls", *all.call);
  for (const TypeInfo* payload : all.payloads) out += ts_named(*payload);
  out += ts_routes();
  out.pop_back();
  return out;
}

std::string reference_markdown() {
  const Description& all = describe();
  std::string out(kPageHead);
  out += "## Ops\n\nWhat a client submits to a session.\n\n" + md_members(*all.op, "");
  out += "## Events\n\nWhat comes back from a session.\n\n" + md_members(*all.event, "passing");
  out += "## Calls\n\nEverything that is not a session's work.\n\n" + md_members(*all.call, "");
  out += "## Shared types\n\n";
  for (const TypeInfo* shared : all.shared) out += md_shared(*shared);
  out += "## Error codes\n\n| code | may succeed later as it is | meaning |\n|---|---|---|\n";
  for (const ErrorCode& code : kErrorCodes) {
    out += fmt::format("| `{}` | {} | {} |\n", code.code, code.retryable ? "yes" : "no", cell(code.meaning));
  }
  return out;
}

}  // namespace lathe::protocol
