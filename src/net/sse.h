#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "lathe/base/result.h"

// Server-sent events, as the WHATWG HTML standard reads them ("Interpreting an event stream"): LF, CR and CRLF end a
// line, a leading byte order mark is skipped, `data` lines of one event are joined with LF, lines that begin with a
// colon are comments. Two liberties: finish() gives an event whose lines are whole but whose closing blank line never
// came, and a body that is no event stream at all is recognised.

namespace lathe::net {

/// One event; the views live until the callback that gets it returns.
struct SseEvent {
  /// Empty when the stream did not say (the standard's default is "message").
  std::string_view event;
  std::string_view data;
  /// The last `id` seen, which stays from event to event.
  std::string_view id;
};
using OnSseEvent = std::function<void(const SseEvent&)>;

/// Turns bytes, cut anywhere, into events. A value without threads; linear in the bytes fed.
class SseParser final {
 public:
  static constexpr std::size_t kDefaultMaxEventBytes = 32U << 20;
  explicit SseParser(std::size_t max_event_bytes = kDefaultMaxEventBytes) : max_event_bytes_(max_event_bytes) {}

  /// Calls back for every event that is complete. `limit_exceeded` when one event is larger than the bound; after that
  /// every call is the same error.
  base::Result<void> feed(std::string_view bytes, const OnSseEvent& on_event);
  /// The body has ended. Gives the last event when all its lines were whole; what is cut inside a line is dropped.
  base::Result<void> finish(const OnSseEvent& on_event);

  enum class Kind {
    /// Nothing but blank lines so far.
    kUnknown,
    kEventStream,
    /// The first line is none of an event stream: an HTML page, a JSON error, anything.
    kForeign,
  };
  /// What the body is, known from its first bytes.
  [[nodiscard]] Kind kind() const { return kind_; }
  /// How the body begins (at most 512 bytes), for the message about a foreign one.
  [[nodiscard]] const std::string& foreign_excerpt() const { return opening_; }
  /// The last reconnection time the stream asked for.
  [[nodiscard]] std::optional<std::chrono::milliseconds> retry() const { return retry_; }

 private:
  void take_line(std::string_view line, const OnSseEvent& on_event);
  void take_field(std::string_view name, std::string_view value);
  void dispatch(const OnSseEvent& on_event);
  void judge(std::string_view line, bool complete);
  /// `line_bytes`: of a line that came whole and is not in partial_.
  [[nodiscard]] base::Result<void> check_size(std::size_t line_bytes = 0);

  std::size_t max_event_bytes_;
  /// The line under way, as far as it came with earlier bytes.
  std::string partial_;
  std::string data_;
  std::string event_;
  std::string id_;
  std::optional<std::chrono::milliseconds> retry_;
  std::string opening_;
  Kind kind_ = Kind::kUnknown;
  bool has_data_ = false;
  bool at_start_ = true;
  bool skip_lf_ = false;
  bool too_large_ = false;
};

}  // namespace lathe::net
