#include "lathe/protocol/frames.h"

#include <fmt/format.h>

#include <algorithm>

#include "lathe/base/hash.h"
#include "lathe/protocol/codec.h"
#include "lathe/protocol/error_codes.h"

namespace lathe::protocol {

using base::Error;
using base::Json;
using base::Result;

// For the journal's snapshots as well.
template void codec::write(std::string& out, const EventMsg& value);
template Result<void> codec::read(const Json& json, EventMsg& value, const codec::Path& path);

namespace {

void member(std::string& out, std::string_view name, std::string_view text) {
  out += '"';
  out += name;
  out += "\":";
  base::append_json_string(out, text);
}

constexpr std::string_view kCrcKey = ",\"crc\":\"";

std::string encode_submission(const Submission& submission) {
  std::string out = "{";
  member(out, "id", submission.id);
  if (!submission.session.empty()) {
    out += ',';
    member(out, "session", submission.session);
  }
  out += ",\"op\":";
  codec::write(out, submission.op);
  return out + "}";
}

/// Fails with `invalid` unless the line is an object.
Result<Json> parse_object(std::string_view line) {
  TRY(Json json, base::parse_json(line));
  if (!json.is_object()) return Error{.code = base::codes::kInvalid, .message = "a line must hold one JSON object"};
  return json;
}

Result<Event> event_from(const Json& json) {
  Event event;
  event.session = base::json_string(json, "session");
  const Json& seq = base::json_at(json, "seq");
  if (seq.is_number_integer()) event.seq = seq.get<std::int64_t>();
  event.id = base::json_string(json, "id");
  event.by = base::json_string(json, "by");
  event.ts = base::json_int(json, "ts");
  TRY_OK(
      codec::read_union(base::json_at(json, "msg"), event.msg, codec::Path{nullptr, "msg"}, base::codes::kUnsupported));
  return event;
}

}  // namespace

std::string encode(const ClientFrame& frame) {
  if (const auto* submission = std::get_if<Submission>(&frame)) return encode_submission(*submission);
  const auto& call = std::get<CallFrame>(frame);
  std::string out = "{";
  member(out, "id", call.id);
  out += ",\"call\":";
  codec::write(out, call.call);
  return out + "}";
}

std::string encode_event(const Event& event) {
  std::string out = event.seq ? fmt::format("{{\"v\":{},", kRecordVersion) : "{";
  member(out, "session", event.session);
  if (event.seq) out += fmt::format(",\"seq\":{}", *event.seq);
  out += ',';
  member(out, "id", event.id);
  if (!event.by.empty()) {
    out += ',';
    member(out, "by", event.by);
  }
  out += fmt::format(",\"ts\":{},\"msg\":", event.ts);
  codec::write(out, event.msg);
  if (!event.seq) return out + "}";
  return seal(std::move(out));
}

std::string encode(const ServerFrame& frame) {
  if (const auto* event = std::get_if<Event>(&frame)) return encode_event(*event);
  std::string out = "{";
  if (const auto* ack = std::get_if<Ack>(&frame)) {
    member(out, "id", ack->id);
    out += fmt::format(",\"ack\":{{\"seq\":{},", ack->seq);
    member(out, "session", ack->session);
    return out + "}}";
  }
  if (const auto* reply = std::get_if<ReplyFrame>(&frame)) {
    member(out, "id", reply->id);
    out += ",\"reply\":";
    codec::write(out, reply->reply);
    return out + "}";
  }
  const auto& failed = std::get<ErrorFrame>(frame);
  member(out, "id", failed.id);
  out += ",\"error\":{";
  member(out, "code", failed.error.code);
  out += ',';
  member(out, "message", failed.error.message);
  out += ',';
  member(out, "hint", failed.error.hint);
  return out + fmt::format(",\"retryable\":{}}}}}", failed.error.retryable);
}

Result<ClientFrame> decode_client_frame(std::string_view line) {
  TRY(const Json json, parse_object(line));
  const Json& id = base::json_at(json, "id");
  if (!id.is_string()) {
    return Error{
        .code = base::codes::kInvalid, .message = "\"id\" must be a string", .hint = "{\"id\":\"1\",\"op\":{…}}"};
  }
  if (json.contains("call") && json.contains("op")) {
    return Error{.code = base::codes::kInvalid,
                 .message = "a frame has either \"op\" or \"call\", and this one has both",
                 .hint = "send two frames, each with an id of its own"};
  }
  if (json.contains("call")) {
    CallFrame frame{.id = id.get<std::string>(), .call = {}};
    TRY_OK(codec::read_union(json["call"], frame.call, codec::Path{nullptr, "call"}, error_codes::kUnknownCall));
    return ClientFrame(std::move(frame));
  }
  if (!json.contains("op")) {
    return Error{.code = base::codes::kInvalid, .message = "a frame needs \"op\" or \"call\""};
  }
  Submission submission{.id = id.get<std::string>(), .session = base::json_string(json, "session"), .op = {}};
  TRY(submission.op, op_from_json(json["op"]));
  return ClientFrame(std::move(submission));
}

Result<ServerFrame> decode_server_frame(std::string_view line) {
  TRY(const Json json, parse_object(line));
  const std::string id = base::json_string(json, "id");
  if (json.contains("ack")) {
    const Json& ack = json["ack"];
    return ServerFrame(Ack{.id = id, .seq = base::json_int(ack, "seq"), .session = base::json_string(ack, "session")});
  }
  if (json.contains("reply")) {
    ReplyFrame frame{.id = id, .reply = {}};
    TRY_OK(codec::read_union(json["reply"], frame.reply, codec::Path{nullptr, "reply"}, base::codes::kUnsupported));
    return ServerFrame(std::move(frame));
  }
  if (json.contains("error")) {
    const Json& error = json["error"];
    return ServerFrame(ErrorFrame{.id = id,
                                  .error = {.code = base::json_string(error, "code"),
                                            .message = base::json_string(error, "message"),
                                            .hint = base::json_string(error, "hint"),
                                            .retryable = base::json_at(error, "retryable") == Json(true)}});
  }
  TRY(Event event, event_from(json));
  return ServerFrame(std::move(event));
}

Result<Event> decode_event(std::string_view line) {
  TRY(const Json json, parse_object(line));
  const std::int64_t version = base::json_int(json, "v");
  const bool is_record = json.contains("v") || json.contains("seq");
  if (is_record && version != kRecordVersion) {
    return Error{.code = base::codes::kUnsupported,
                 .message = fmt::format("record of version {}; this Lathe reads version {}", version, kRecordVersion),
                 .hint = "use the Lathe that wrote it, or a newer one"};
  }
  return event_from(json);
}

std::string leading_id(std::string_view beginning) {
  const auto skip = [&beginning](std::string_view word) {
    beginning.remove_prefix(std::min(beginning.find_first_not_of(" \t\r"), beginning.size()));
    if (!beginning.starts_with(word)) return false;
    beginning.remove_prefix(word.size());
    return true;
  };
  if (!skip("{") || !skip("\"id\"") || !skip(":") || !skip("\"")) return "";
  std::size_t end = 0;
  while (end < beginning.size() && beginning[end] != '"') end += beginning[end] == '\\' ? 2 : 1;
  if (end >= beginning.size()) return "";
  return frame_id(fmt::format("{{\"id\":\"{}\"}}", beginning.substr(0, end)));
}

std::string frame_id(std::string_view line) {
  const auto json = base::parse_json(line);
  return json.ok() ? base::json_string(*json, "id") : "";
}

std::string seal(std::string open_text) {
  const std::string crc = base::hex8(base::crc32c(open_text));
  open_text += kCrcKey;
  open_text += crc;
  open_text += "\"}";
  return open_text;
}

SealState check_seal(std::string_view line) {
  constexpr std::size_t kTail = kCrcKey.size() + 8 + 2;
  if (line.size() < kTail || !line.ends_with("\"}")) return SealState::kMissing;
  const std::string_view tail = line.substr(line.size() - kTail);
  if (!tail.starts_with(kCrcKey)) return SealState::kMissing;
  const std::string_view body = line.substr(0, line.size() - kTail);
  return tail.substr(kCrcKey.size(), 8) == base::hex8(base::crc32c(body)) ? SealState::kGood : SealState::kBroken;
}

Json op_to_json(const Op& op) {
  std::string text;
  codec::write(text, op);
  return Json::parse(text);
}

Result<Op> op_from_json(const Json& json) {
  Op op;
  TRY_OK(codec::read_union(json, op, codec::Path{nullptr, "op"}, error_codes::kUnknownOp));
  return op;
}

Json msg_to_json(const EventMsg& msg) {
  std::string text;
  codec::write(text, msg);
  return Json::parse(text);
}

std::string reply_members(const ReplyMsg& reply) {
  std::string text;
  std::visit([&](const auto& typed) { codec::write(text, typed); }, static_cast<const AnyReply&>(reply));
  return text;
}

Result<Budget> budget_from_json(const Json& json) {
  Budget budget;
  TRY_OK(codec::read(json, budget, codec::Path{nullptr, "budget"}));
  return budget;
}

}  // namespace lathe::protocol
