#include "lathe/providers/common/response_sink.h"

#include <chrono>
#include <utility>

#include "lathe/base/strings.h"
#include "lathe/protocol/error_codes.h"

namespace lathe::providers::common {
namespace {

/// What a server may still send after its last event before the connection is given up.
constexpr std::size_t kMaxBytesAfterEnd = 64U << 10;

bool is_success(int status) { return status >= 200 && status < 300; }

bool names_stream(const net::ResponseHead& head, Framing framing) {
  const std::string type = base::lower(head.header("content-type"));
  switch (framing) {
    case Framing::kSse:
      return type.starts_with("text/event-stream");
    case Framing::kNdjson:
      return type.find("ndjson") != std::string::npos;
  }
  return false;
}

ports::ModelFailure stream_failure(std::string message) {
  return {.error = {.code = protocol::error_codes::kStream, .message = std::move(message), .retryable = true},
          .retry = ports::RetryClass::kStream};
}

}  // namespace

ResponseSink::ResponseSink(std::shared_ptr<AnswerChannel> channel, Framing framing, std::unique_ptr<Decoder> decoder,
                           std::shared_ptr<TransferState> transfer)
    : channel_(std::move(channel)), framing_(framing), decoder_(std::move(decoder)), transfer_(std::move(transfer)) {}

void ResponseSink::on_head(const net::ResponseHead& head) {
  refused_.head = head;
  if (!is_success(head.status)) {
    state_ = State::kRefused;
    return;
  }
  state_ = State::kOpening;
  if (names_stream(head, framing_)) open_stream();
}

void ResponseSink::open_stream() {
  if (std::exchange(opened_, true)) return;
  (void)channel_->push({.opened = true});
}

net::Flow ResponseSink::on_data(std::string_view bytes) {
  transfer_->last_bytes.store(std::chrono::steady_clock::now());
  switch (state_) {
    case State::kHead:
    case State::kRefused:
      return collect(bytes);
    case State::kOpening:
    case State::kStreaming:
      return decode(bytes);
    case State::kOver:
      break;
  }
  bytes_after_end_ += bytes.size();
  const bool enough = failure_.has_value() || bytes_after_end_ > kMaxBytesAfterEnd;
  return enough ? net::Flow::kStop : net::Flow::kGoOn;
}

net::Flow ResponseSink::collect(std::string_view bytes) {
  refused_.body += bytes.substr(0, kMaxRefusedBytes - std::min(kMaxRefusedBytes, refused_.body.size()));
  // Only JSON is worth waiting for: it may be an error object. Anything else is known from its first bytes.
  const bool may_be_json = base::trim(refused_.body).starts_with('{') || base::trim(refused_.body).starts_with('[');
  const bool enough = is_success(refused_.head.status) && !may_be_json;
  return enough || refused_.body.size() >= kMaxRefusedBytes ? net::Flow::kStop : net::Flow::kGoOn;
}

bool ResponseSink::is_foreign() const {
  if (framing_ == Framing::kSse) return sse_.kind() == net::SseParser::Kind::kForeign;
  const std::string_view begin = base::trim(refused_.body);
  return !begin.empty() && !begin.starts_with('{');
}

net::Flow ResponseSink::decode(std::string_view bytes) {
  if (state_ == State::kOpening) refused_.body += bytes.substr(0, kMaxRefusedBytes);
  if (state_ == State::kOpening && framing_ == Framing::kNdjson && is_foreign()) {
    state_ = State::kRefused;
    return collect("");
  }
  const base::Result<void> cut_result = cut(bytes, /*at_end=*/false);
  if (state_ == State::kOpening) {
    if (is_foreign()) {
      state_ = State::kRefused;
      return collect("");
    }
    const bool begun = framing_ == Framing::kNdjson ? !base::trim(refused_.body).empty()
                                                    : sse_.kind() == net::SseParser::Kind::kEventStream;
    if (begun) {
      open_stream();
      state_ = State::kStreaming;
      refused_.body.clear();
    }
  }
  if (!cut_result.ok()) fail(stream_failure(cut_result.error().message));
  return flush();
}

base::Result<void> ResponseSink::cut(std::string_view bytes, bool at_end) {
  const auto on_event = [this](const net::SseEvent& event) { take_message(event.event, event.data); };
  const auto on_line = [this](std::string_view line) { take_message("", line); };
  if (framing_ == Framing::kSse) return at_end ? sse_.finish(on_event) : sse_.feed(bytes, on_event);
  return at_end ? ndjson_.finish(on_line) : ndjson_.feed(bytes, on_line);
}

void ResponseSink::take_message(std::string_view event, std::string_view data) {
  if (failure_ || decoder_->finished()) return;
  auto result = decoder_->on_message(event, data, events_);
  if (!result) fail(std::move(result).error());
}

void ResponseSink::fail(ports::ModelFailure failure) {
  if (!failure_) failure_ = std::move(failure);
}

net::Flow ResponseSink::flush() {
  const bool over = failure_.has_value() || decoder_->finished();
  auto room = AnswerChannel::Room::kRoom;
  if (!events_.empty() || failure_) {
    open_stream();
    room = channel_->push({.events = std::exchange(events_, {}), .failure = failure_});
  }
  if (over) {
    state_ = State::kOver;
    channel_->close();
    return failure_ ? net::Flow::kStop : net::Flow::kGoOn;
  }
  return room == AnswerChannel::Room::kFull ? net::Flow::kPause : net::Flow::kGoOn;
}

void ResponseSink::end_stream(const base::Result<void>& result) {
  if (const auto cut_result = cut("", /*at_end=*/true); !cut_result.ok()) {
    fail(stream_failure(cut_result.error().message));
  }
  if (!failure_ && !decoder_->finished()) {
    auto ending = decoder_->on_end(events_);
    if (!ending) fail(result.ok() ? std::move(ending).error() : stream_failure(result.error().message));
  }
  (void)flush();
}

void ResponseSink::on_end(base::Result<void> result) {
  transfer_->ended.store(true);
  switch (state_) {
    case State::kHead:
      (void)channel_->push({.transport = result.ok() ? base::Error{.code = protocol::error_codes::kStream,
                                                                   .message = "the server closed without an answer",
                                                                   .retryable = true}
                                                     : result.error()});
      break;
    case State::kRefused:
      (void)channel_->push({.refused = std::move(refused_)});
      break;
    case State::kOpening:
      // An error object without a line end is an answer that never became a stream.
      if (framing_ == Framing::kSse && !base::trim(refused_.body).empty() &&
          sse_.kind() != net::SseParser::Kind::kEventStream) {
        (void)channel_->push({.refused = std::move(refused_)});
        break;
      }
      end_stream(result);
      break;
    case State::kStreaming:
      end_stream(result);
      break;
    case State::kOver:
      break;
  }
  state_ = State::kOver;
  channel_->close();
}

}  // namespace lathe::providers::common
