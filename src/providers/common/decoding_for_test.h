#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lathe/providers/common/decoder.h"
#include "lathe/providers/common/response_sink.h"
#include "lathe/runtime/loop.h"

// Runs a wire's decoder the way production does, inside a ResponseSink, over bytes that the test wrote down.

namespace lathe::providers::common {

struct Decoded {
  Events events;
  std::optional<ports::ModelFailure> failure;
  std::optional<RefusedAnswer> refused;
  friend bool operator==(const Decoded& a, const Decoded& b) { return a.events == b.events && a.failure == b.failure; }

  [[nodiscard]] std::string text() const { return join<ports::TextDelta>(); }
  [[nodiscard]] std::string reasoning() const { return join<ports::ReasoningDelta>(); }
  [[nodiscard]] std::vector<protocol::ToolCall> calls() const {
    std::vector<protocol::ToolCall> calls;
    for (const auto& event : events) {
      if (const auto* call = std::get_if<ports::CallDone>(&event)) calls.push_back(call->call);
    }
    return calls;
  }
  /// The opaque values of the reasoning blocks, in order.
  [[nodiscard]] std::vector<base::Json> opaques() const {
    std::vector<base::Json> opaques;
    for (const auto& event : events) {
      if (const auto* done = std::get_if<ports::ReasoningDone>(&event))
        opaques.push_back(done->opaque.value_or(nullptr));
    }
    return opaques;
  }
  [[nodiscard]] std::optional<ports::Finished> finished() const {
    if (events.empty()) return std::nullopt;
    const auto* end = std::get_if<ports::Finished>(&events.back());
    return end == nullptr ? std::nullopt : std::optional(*end);
  }

 private:
  template <class Delta>
  [[nodiscard]] std::string join() const {
    std::string text;
    for (const auto& event : events) {
      if (const auto* delta = std::get_if<Delta>(&event)) text += delta->text;
    }
    return text;
  }
};

inline runtime::Async<Decoded> drain(std::shared_ptr<AnswerChannel> channel) {
  Decoded out;
  while (true) {
    auto parts = co_await channel->receive_all(runtime::CancelToken(), runtime::Deadline::never());
    if (!parts.ok() || parts->empty()) co_return out;
    for (AnswerPart& part : *parts) {
      for (ports::ModelEvent& event : part.events) {
        if (const auto* text = std::get_if<ports::TextDelta>(&event)) {
          append_text(out.events, text->text);
        } else if (const auto* reasoning = std::get_if<ports::ReasoningDelta>(&event)) {
          append_reasoning(out.events, reasoning->text);
        } else {
          out.events.push_back(std::move(event));
        }
      }
      if (part.failure) out.failure = part.failure;
      if (part.refused) out.refused = part.refused;
    }
  }
}

/// The wire under test.
struct Wire {
  std::unique_ptr<Decoder> (*make)(std::string call_seed);
  Framing framing = Framing::kSse;
};

enum class Ending { kWhole, kCut };

/// `pieces` as they arrive; neighbouring deltas of the result are joined.
inline Decoded decode_pieces(const Wire& wire, const std::vector<std::string_view>& pieces,
                             Ending ending = Ending::kWhole) {
  runtime::Loop loop;
  auto channel = std::make_shared<AnswerChannel>(loop, 64);
  ResponseSink sink(channel, wire.framing, wire.make("seed"), std::make_shared<TransferState>());
  sink.on_head(
      {.status = 200,
       .headers = {{"content-type", wire.framing == Framing::kSse ? "text/event-stream" : "application/x-ndjson"}}});
  for (const std::string_view piece : pieces) {
    if (sink.on_data(piece) == net::Flow::kStop) break;
  }
  sink.on_end(ending == Ending::kWhole ? base::Result<void>()
                                       : base::Error{.code = "stream_error", .message = "connection reset"});
  return loop.block_on(drain(channel));
}

inline Decoded decode(const Wire& wire, std::string_view bytes, Ending ending = Ending::kWhole) {
  return decode_pieces(wire, {bytes}, ending);
}

/// The same bytes give the same answer wherever they are split in two, and one by one.
inline void expect_same_for_every_split(const Wire& wire, std::string_view bytes) {
  const Decoded whole = decode(wire, bytes);
  for (std::size_t cut = 1; cut < bytes.size(); ++cut) {
    ASSERT_EQ(decode_pieces(wire, {bytes.substr(0, cut), bytes.substr(cut)}), whole) << "split at byte " << cut;
  }
  std::vector<std::string_view> single;
  for (std::size_t i = 0; i < bytes.size(); ++i) single.push_back(bytes.substr(i, 1));
  EXPECT_EQ(decode_pieces(wire, single), whole);
}

}  // namespace lathe::providers::common
