#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "lathe/base/clock.h"
#include "lathe/net/http_client.h"
#include "lathe/net/ndjson.h"
#include "lathe/net/sse.h"
#include "lathe/ports/model.h"
#include "lathe/providers/common/api_failure.h"
#include "lathe/providers/common/decoder.h"
#include "lathe/runtime/channel.h"

namespace lathe::providers::common {

/// What the net thread tells the loop about one answer, in order: `opened` once a stream has begun, then events; or, in
/// place of any of these, why there is nothing more.
struct AnswerPart {
  bool opened = false;
  Events events = {};
  /// The stream failed.
  std::optional<ports::ModelFailure> failure = std::nullopt;
  /// It never was a stream.
  std::optional<RefusedAnswer> refused = std::nullopt;
  /// No answer at all.
  std::optional<base::Error> transport = std::nullopt;
};
using AnswerChannel = runtime::CrossChannel<AnswerPart>;

/// What the net thread tells about a transfer while it runs. Any thread.
struct TransferState {
  /// Nothing more comes: its connection can be used again.
  std::atomic<bool> ended = false;
  /// When bytes last came, whatever they were: an event, a piece of one, or a comment that only keeps the line open.
  std::atomic<base::MonoTime> last_bytes = base::MonoTime();
};

/// Runs a decoder over the bytes of one answer, on the net thread. Memory is bounded: by the channel, which pauses the
/// transfer, by the parsers' limits, and by kMaxRefusedBytes of an answer that is no stream.
///
///   head --status 2xx--> opening --first bytes of a stream--> streaming --Finished--> over
///   head --other status--> refused;   opening --anything else--> refused
///   streaming --failure--> over;      any --on_end--> over
class ResponseSink final : public net::BodySink {
 public:
  static constexpr std::size_t kMaxRefusedBytes = 64U << 10;

  ResponseSink(std::shared_ptr<AnswerChannel> channel, Framing framing, std::unique_ptr<Decoder> decoder,
               std::shared_ptr<TransferState> transfer);

  void on_head(const net::ResponseHead& head) override;
  net::Flow on_data(std::string_view bytes) override;
  void on_end(base::Result<void> result) override;

 private:
  enum class State { kHead, kOpening, kStreaming, kRefused, kOver };

  net::Flow collect(std::string_view bytes);
  net::Flow decode(std::string_view bytes);
  base::Result<void> cut(std::string_view bytes, bool at_end);
  void take_message(std::string_view event, std::string_view data);
  [[nodiscard]] bool is_foreign() const;
  void open_stream();
  void fail(ports::ModelFailure failure);
  /// Hands on what was decoded; kPause when the loop is behind.
  net::Flow flush();
  void end_stream(const base::Result<void>& result);

  std::shared_ptr<AnswerChannel> channel_;
  const Framing framing_;
  std::unique_ptr<Decoder> decoder_;
  std::shared_ptr<TransferState> transfer_;
  net::SseParser sse_;
  net::NdjsonParser ndjson_;
  State state_ = State::kHead;
  bool opened_ = false;
  RefusedAnswer refused_;
  Events events_;
  std::optional<ports::ModelFailure> failure_;
  std::size_t bytes_after_end_ = 0;
};

}  // namespace lathe::providers::common
