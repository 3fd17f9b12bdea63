#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "lathe/base/clock.h"
#include "lathe/base/json.h"
#include "lathe/base/result.h"
#include "lathe/protocol/calls.h"
#include "lathe/protocol/events.h"
#include "lathe/protocol/ops.h"

// The lines of a connection and of a journal (ARCHITECTURE 4.1). One line is one JSON object.
//
//   client: {"id":"1","session":"…"?,"op":{"type":…}}       {"id":"2","call":{"type":…}}
//   server: {"v":1,"session":"…","seq":12,"id":"1","by":"…"?,"ts":…,"msg":{"type":…},"crc":"…"}   (a durable event)
//           {"session":"…","id":"1","ts":…,"msg":{"type":…}}                                      (a passing one)
//           {"id":"1","ack":{"seq":12,"session":"…"}}   {"id":"2","reply":{"type":…}}   {"id":"2","error":{"code":…}}
//
// A record is sealed: crc is the CRC-32C of all bytes of the line before `,"crc"`. storage/ appends sealed lines and
// checks them when it reads; a subscriber gets those very bytes.

namespace lathe::protocol {

inline constexpr int kRecordVersion = 1;

struct Submission {
  std::string id;
  /// Empty: the session that this connection configured.
  std::string session;
  Op op;
  friend bool operator==(const Submission&, const Submission&) = default;
};
struct CallFrame {
  std::string id;
  Call call;
  friend bool operator==(const CallFrame&, const CallFrame&) = default;
};
using ClientFrame = std::variant<Submission, CallFrame>;

struct Event {
  std::string session;
  /// Position in the session's stream; absent on a passing event.
  std::optional<std::int64_t> seq;
  /// Id of the submission that started the Task.
  std::string id;
  /// "<client>/<op id>" of the submission that this event records.
  std::string by;
  base::UnixMillis ts = 0;
  EventMsg msg;
  friend bool operator==(const Event&, const Event&) = default;
};

struct Ack {
  std::string id;
  /// The record that acknowledges the submission.
  std::int64_t seq = 0;
  /// The session that the submission reached; tells a client the id of the session it configured.
  std::string session;
  friend bool operator==(const Ack&, const Ack&) = default;
};
struct ReplyFrame {
  std::string id;
  ReplyMsg reply;
  friend bool operator==(const ReplyFrame&, const ReplyFrame&) = default;
};
struct ErrorFrame {
  std::string id;
  base::Error error;
  friend bool operator==(const ErrorFrame&, const ErrorFrame&) = default;
};
using ServerFrame = std::variant<Event, Ack, ReplyFrame, ErrorFrame>;

/// One line without its newline.
[[nodiscard]] std::string encode(const ClientFrame& frame);
[[nodiscard]] std::string encode(const ServerFrame& frame);
/// A durable event comes out sealed, a passing one plain. The same bytes as encode(ServerFrame(event)).
[[nodiscard]] std::string encode_event(const Event& event);

/// Errors: `invalid` with the JSON path; `unknown_op` and `unknown_call` with the nearest name in the hint. The id of
/// a frame that cannot be decoded is found with frame_id().
[[nodiscard]] base::Result<ClientFrame> decode_client_frame(std::string_view line);
[[nodiscard]] base::Result<ServerFrame> decode_server_frame(std::string_view line);
/// A record or passing event. A type that this version does not know is `unsupported`. The crc is not checked here.
[[nodiscard]] base::Result<Event> decode_event(std::string_view line);
/// The "id" of a line that may be broken otherwise, or "".
[[nodiscard]] std::string frame_id(std::string_view line);
/// The "id" of a frame of which only the beginning was read; empty unless the frame begins with all of it.
[[nodiscard]] std::string leading_id(std::string_view beginning);

/// Closes an open record text `{…` (no final brace) with its crc and brace.
[[nodiscard]] std::string seal(std::string open_text);
enum class SealState { kGood, kMissing, kBroken };
[[nodiscard]] SealState check_seal(std::string_view line);

[[nodiscard]] base::Json op_to_json(const Op& op);
[[nodiscard]] base::Result<Op> op_from_json(const base::Json& json);
[[nodiscard]] base::Json msg_to_json(const EventMsg& msg);
/// The reply as one compact JSON object, without its `type`.
[[nodiscard]] std::string reply_members(const ReplyMsg& reply);
[[nodiscard]] base::Result<Budget> budget_from_json(const base::Json& json);

}  // namespace lathe::protocol
