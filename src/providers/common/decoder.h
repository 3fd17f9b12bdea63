#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lathe/ports/model.h"

namespace lathe::providers::common {

using Events = std::vector<ports::ModelEvent>;

/// How an answer's stream is cut into messages.
enum class Framing { kSse, kNdjson };

/// One wire's answers, message by message. Pure: no I/O and no clock, so the same messages give the same events
/// wherever the bytes were split. Used on the net thread by one stream.
///
/// A failure ends the stream. RetryClass::kNever in the first message means that this is not the expected wire at all.
class Decoder {
 public:
  virtual ~Decoder() = default;
  /// One SSE event (`event` may be empty) or one line of NDJSON (`event` is empty). Appends what it means to `out`.
  virtual ports::ModelResult<void> on_message(std::string_view event, std::string_view data, Events& out) = 0;
  /// The body ended. Appends Finished when the answer can be taken as whole; else fails with kStream.
  virtual ports::ModelResult<void> on_end(Events& out) = 0;
  /// Finished was given; what follows is ignored.
  [[nodiscard]] virtual bool finished() const = 0;
};

/// Appends text to the delta of the same kind that stands last, or a new one; nothing when it is empty.
void append_text(Events& out, std::string_view text);
void append_reasoning(Events& out, std::string_view text);

/// The JSON of one message; bytes that are not UTF-8 are replaced first. `first`: no message came before it, so it is
/// garbage (kNever) rather than a broken stream (kStream).
[[nodiscard]] ports::ModelResult<base::Json> read_message(std::string_view data, bool first);
/// The stream ended before the answer did.
[[nodiscard]] ports::ModelFailure cut_off(std::string_view expected);

}  // namespace lathe::providers::common
