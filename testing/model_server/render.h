#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lathe/base/json.h"
#include "lathe/testing/model_server/request.h"
#include "lathe/testing/model_server/script.h"

// An answer becomes bytes in one go, before the first one is sent, so that a server of 20,000 deltas costs the client
// under test nothing. Where something has to happen between bytes, the bytes are cut into segments.

namespace lathe::testing {

/// Bytes, then perhaps something to wait for or the end of the connection (never a Delta or Comment).
struct Segment {
  std::string bytes;
  std::optional<Step> then;
};

struct Response {
  int status = 200;
  std::string content_type = "application/json";
  std::vector<std::pair<std::string, std::string>> headers;
  /// Before the status line.
  std::vector<Segment> before;
  std::vector<Segment> body;
  std::size_t chunk_bytes = 0;
  /// The answer is a stream: its length is not told beforehand.
  bool chunked = false;
};

/// A tool call with everything filled in.
struct ReadyCall {
  std::string id;
  std::string name;
  base::Json arguments;
  /// As text, however odd.
  std::string arguments_text;
};

/// What a renderer works from.
struct RenderInput {
  const Answer& answer;
  const ModelRequest& request;
  std::vector<ReadyCall> calls;
  /// Different for every request of the server.
  std::uint64_t number = 0;

  [[nodiscard]] std::string reasoning() const;
  [[nodiscard]] std::string text() const;
  [[nodiscard]] std::string id(std::string_view prefix) const { return std::string(prefix) + std::to_string(number); }
};

/// Builds the segments of one stream, with the faults that the answer asks for.
class StreamWriter final {
 public:
  enum class Framing { kSse, kNdjson };
  StreamWriter(const Answer& answer, Framing framing) : answer_(answer), framing_(framing) {}

  /// One event; `name` may be empty.
  void event(std::string_view name, const base::Json& json) { raw_event(name, base::dump_json(json)); }
  void raw_event(std::string_view name, std::string_view data);
  /// Deltas go to `on_delta`, the rest into the stream.
  template <class OnDelta>
  void steps(const std::vector<Step>& steps, const OnDelta& on_delta) {
    for (const Step& step : steps) {
      const auto* delta = std::get_if<Delta>(&step);
      if (delta == nullptr) {
        act(step);
        continue;
      }
      for (std::size_t i = 0; i < delta->times; ++i) on_delta(delta->text);
    }
  }
  [[nodiscard]] std::vector<Segment> take();

 private:
  void act(const Step& step);
  void end_line();

  const Answer& answer_;
  Framing framing_;
  std::vector<Segment> segments_ = {Segment{}};
  std::size_t events_ = 0;
  bool ended_ = false;
};

/// The answer on the request's wire.
[[nodiscard]] Response render(const RenderInput& input);
/// An error of that wire's shape.
[[nodiscard]] std::string error_body(Wire wire, int status, const std::string& message, const std::string& code);
/// The argument text in two pieces, as models stream it.
[[nodiscard]] std::vector<std::string> pieces_of(const std::string& text);
/// {before, JSON string of text, after}: a delta event without building a document.
[[nodiscard]] std::string with_text(std::string_view before, std::string_view text, std::string_view after);

void stream_responses(const RenderInput& input, StreamWriter& out);
void stream_chat(const RenderInput& input, StreamWriter& out);
void stream_anthropic(const RenderInput& input, StreamWriter& out);
void stream_ollama(const RenderInput& input, StreamWriter& out);
[[nodiscard]] base::Json whole_responses(const RenderInput& input);
[[nodiscard]] base::Json whole_chat(const RenderInput& input);
[[nodiscard]] base::Json whole_anthropic(const RenderInput& input);
[[nodiscard]] base::Json whole_ollama(const RenderInput& input);

}  // namespace lathe::testing
