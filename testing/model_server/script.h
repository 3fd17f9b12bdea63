#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "lathe/base/json.h"
#include "lathe/base/result.h"

// What the ScriptedModelServer answers, free of any wire: the same script serves every provider's format. README.md
// documents the JSON form, which parse_script() reads; tests in C++ may also fill these structs.

namespace lathe::testing {

/// `times` deltas of `text` each.
struct Delta {
  std::string text;
  std::size_t times = 1;
  friend bool operator==(const Delta&, const Delta&) = default;
};
/// Nothing more is sent until release(name). A gate that was released stays open.
struct Gate {
  std::string name;
  friend bool operator==(const Gate&, const Gate&) = default;
};
struct Delay {
  std::chrono::milliseconds span{0};
  friend bool operator==(const Delay&, const Delay&) = default;
};
/// Nothing more is ever sent; ends when the client leaves or the server stops.
struct Stall {
  friend bool operator==(const Stall&, const Stall&) = default;
};
/// The connection is closed here, in the middle of the response.
struct Cut {
  friend bool operator==(const Cut&, const Cut&) = default;
};
/// An SSE comment line (an empty line on Ollama's wire).
struct Comment {
  std::string text;
  friend bool operator==(const Comment&, const Comment&) = default;
};
using Step = std::variant<Delta, Gate, Delay, Stall, Cut, Comment>;

/// One delta per text.
[[nodiscard]] std::vector<Step> say(std::initializer_list<std::string_view> deltas);

struct ScriptedCall {
  std::string name;
  /// An object, or a string that is sent as it is (arguments that are not JSON).
  base::Json arguments = base::Json::object();
  /// Empty: made up, different for every call of the server.
  std::string id = {};
  /// Not empty: `name` and `arguments` are those of the first shell-like tool that the request offers, running this
  /// command, shaped as that tool's schema wants it.
  std::string shell = {};
};

/// Prompt tokens include cached ones, output tokens include reasoning, whatever the wire counts.
struct ScriptedUsage {
  std::int64_t input = 10;
  std::int64_t output = 5;
  std::int64_t cached = 0;
  std::int64_t cache_write = 0;
  std::int64_t reasoning = 0;
};

/// An answer of status >= 400 in the wire's error shape, or with `body` as it is.
struct HttpError {
  int status = 500;
  std::string message = "scripted error";
  /// error.code (OpenAI), error.type (Anthropic); empty: the usual one for that status.
  std::string code = {};
  std::vector<std::pair<std::string, std::string>> headers = {};
  std::optional<std::string> body = std::nullopt;
};
/// These bytes instead of what the wire would say.
struct RawAnswer {
  std::string body;
  std::string content_type = "text/event-stream";
  int status = 200;
};
/// The stream begins well and ends with the wire's error event.
struct StreamFailure {
  std::string code;
  std::string message = "scripted failure";
};

/// All given conditions must hold.
struct When {
  std::optional<std::string> last_user_contains = std::nullopt;
  /// Anywhere in the request's body.
  std::optional<std::string> body_contains = std::nullopt;
  std::optional<std::string> model = std::nullopt;
  std::optional<std::int64_t> tool_results = std::nullopt;
};

struct Answer {
  static constexpr std::int64_t kForever = -1;

  When when = {};
  std::int64_t repeat = 1;
  /// Gates, delays, a stall or a cut before the status line.
  std::vector<Step> before = {};
  std::optional<HttpError> error = std::nullopt;
  std::optional<RawAnswer> raw = std::nullopt;

  std::vector<Step> reasoning = {};
  /// encrypted_content (Responses), signature (Anthropic).
  std::string reasoning_opaque = {};
  /// The member that carries reasoning on the Chat wire.
  std::string reasoning_field = "reasoning_content";
  std::vector<Step> text = {};
  std::vector<ScriptedCall> tool_calls = {};
  /// Chat: the argument pieces of parallel calls alternate.
  bool interleave_calls = false;
  /// After all content, before the closing events.
  std::vector<Step> before_end = {};
  std::optional<StreamFailure> failed = std::nullopt;
  /// Absent: the wire sends no usage.
  std::optional<ScriptedUsage> usage = ScriptedUsage{};
  /// "auto": as the wire would say. Absent: missing on the wire. Anything else is sent as it is.
  std::optional<std::string> finish_reason = "auto";

  // How the bytes of the stream are sent.
  std::optional<std::size_t> cut_after_bytes = std::nullopt;
  std::optional<std::size_t> cut_after_events = std::nullopt;
  std::optional<std::size_t> stall_after_events = std::nullopt;
  /// Each write carries at most this many bytes; 0: large writes.
  std::size_t chunk_bytes = 0;
  bool crlf = false;
  /// Every "@" of the stream becomes a byte that is no UTF-8.
  bool bad_bytes = false;
  /// A comment before every n-th event; 0: none.
  std::size_t keep_alive_every = 0;
  /// Chat: a chunk with "choices": [] comes first.
  bool empty_choices = false;
};

struct ScriptedModel {
  std::string id;
  std::int64_t context_window = 32'768;
};

/// How the answer for a request is found.
enum class Position {
  /// The first answer that is not used up and whose `when` holds.
  kInOrder,
  /// The answer whose number is the count of tool results in the request (the last one past the end), so that
  /// conversations are independent of each other. Nothing is ever used up.
  kToolResults,
};

struct Script {
  std::vector<Answer> answers = {};
  Position position = Position::kInOrder;
  std::vector<ScriptedModel> models = {{.id = "mock"}};
};

/// Strict: an unknown member is an error with the nearest name.
[[nodiscard]] base::Result<Script> parse_script(std::string_view json);
[[nodiscard]] base::Result<Answer> parse_answer(const base::Json& json);

/// `turns` shell calls of `true N`, then `deltas` text deltas; by count of tool results.
[[nodiscard]] Script bench_script(std::size_t turns, std::size_t deltas);

}  // namespace lathe::testing
