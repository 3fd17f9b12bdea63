#include "lathe/providers/cassette/tool.h"

#include <fmt/format.h>

#include <cstdint>
#include <deque>
#include <iterator>
#include <optional>
#include <utility>

#include "lathe/base/strings.h"
#include "lathe/base/utf8.h"
#include "lathe/protocol/error_codes.h"
#include "lathe/providers/cassette/difference.h"
#include "lathe/providers/cassette/shapes.h"

namespace lathe::providers::cassette {

using base::Json;
using base::Result;
using runtime::Async;

namespace {

/// Of a long output the tape holds so much from its beginning and from its end, far more than a model is shown of
/// either. How much there was between them is written down: a replay fills it up, so that what is counted stays right.
constexpr std::size_t kKeptBytes = 16U << 20;
constexpr char kFiller = '.';
constexpr std::size_t kFillerPieceBytes = 64U << 10;

/// Output in the order in which it came, neighbouring pieces of one stream as one.
class Pieces final {
 public:
  void add(protocol::OutputStream stream, std::string_view bytes) {
    if (bytes.empty()) return;
    if (pieces_.empty() || pieces_.back().first != stream) pieces_.emplace_back(stream, std::string());
    pieces_.back().second += bytes;
    size_ += bytes.size();
  }
  void drop_front(std::size_t count) {
    size_ -= count;
    for (; count >= pieces_.front().second.size(); pieces_.pop_front()) {
      count -= pieces_.front().second.size();
      if (pieces_.size() == 1) break;
    }
    pieces_.front().second.erase(0, count);
  }
  [[nodiscard]] std::size_t size() const { return size_; }
  /// Bytes that are no text stand as base64.
  void append_to(Json& out) const {
    for (const auto& [stream, bytes] : pieces_) {
      Json piece = {{"stream", protocol::name_of(stream)}};
      if (base::is_utf8(bytes)) {
        piece["text"] = bytes;
      } else {
        piece["base64"] = base::base64(bytes);
      }
      out.push_back(std::move(piece));
    }
  }

 private:
  std::deque<std::pair<protocol::OutputStream, std::string>> pieces_;
  std::size_t size_ = 0;
};

/// Passes output on and keeps its beginning and its end.
class CopyingSink final : public ports::OutputSink {
 public:
  explicit CopyingSink(ports::OutputSink& out) : out_(out) {}

  void write(protocol::OutputStream stream, std::string_view bytes) override {
    out_.write(stream, bytes);
    const std::string_view first = bytes.substr(0, kKeptBytes - head_.size());
    head_.add(stream, first);
    tail_.add(stream, bytes.substr(first.size()));
    // Not at every write, as what is left has to move.
    if (tail_.size() > 2 * kKeptBytes) shorten_tail();
  }
  [[nodiscard]] Json to_json() {
    if (tail_.size() > kKeptBytes) shorten_tail();
    Json out = Json::array();
    head_.append_to(out);
    if (skipped_ > 0) {
      out.push_back({{"stream", protocol::name_of(protocol::OutputStream::kStdout)}, {"skipped", skipped_}});
    }
    tail_.append_to(out);
    return out;
  }

 private:
  void shorten_tail() {
    skipped_ += tail_.size() - kKeptBytes;
    tail_.drop_front(tail_.size() - kKeptBytes);
  }

  ports::OutputSink& out_;
  Pieces head_;
  Pieces tail_;
  std::size_t skipped_ = 0;
};

Json entry_of(const protocol::ToolCall& call) {
  return {{"kind", "tool"}, {"call_id", call.call_id}, {"tool", call.tool}, {"arguments", call.arguments}};
}

class RecordingCall final : public ports::PreparedCall {
 public:
  RecordingCall(Json entry, std::unique_ptr<ports::PreparedCall> inner, TapeWriter& tape)
      : entry_(std::move(entry)), inner_(std::move(inner)), tape_(tape) {
    entry_["begin"] = begin_to_json(inner_->action());
  }
  /// A call that was not let through is on the tape too. A tape that cannot be written was told with the gate's answer.
  ~RecordingCall() override {
    if (ran_) return;
    entry_["not_run"] = true;
    (void)tape_.append(entry_);
  }
  [[nodiscard]] const ports::Action& action() const override { return inner_->action(); }
  [[nodiscard]] std::string title() const override { return inner_->title(); }

  Async<Result<ports::RunResult>> run(ports::OutputSink& out, runtime::CancelToken cancel) override {
    ran_ = true;
    CopyingSink copy(out);
    auto result = co_await inner_->run(copy, std::move(cancel));
    Json entry = entry_;
    entry["title"] = inner_->title();
    entry["output"] = copy.to_json();
    if (result.ok()) {
      entry["result"] = run_result_to_json(*result);
    } else {
      entry["error"] = error_to_json(result.error());
    }
    if (const auto written = tape_.append(entry); !written.ok()) co_return written.error().within("cannot record");
    co_return std::move(result);
  }
  [[nodiscard]] std::unique_ptr<ports::PreparedCall> outside_sandbox(const std::string& refused) const override {
    std::unique_ptr<ports::PreparedCall> outside = inner_->outside_sandbox(refused);
    if (!outside) return nullptr;
    Json entry = entry_;
    entry["outside"] = true;
    return std::make_unique<RecordingCall>(std::move(entry), std::move(outside), tape_);
  }

 private:
  /// The call alone, until it is known what became of it.
  Json entry_;
  std::unique_ptr<ports::PreparedCall> inner_;
  TapeWriter& tape_;
  bool ran_ = false;
};

class ReplayCall final : public ports::PreparedCall {
 public:
  ReplayCall(Json entry, ports::Action action, Tape& tape)
      : entry_(std::move(entry)), action_(std::move(action)), tape_(tape) {}
  [[nodiscard]] const ports::Action& action() const override { return action_; }
  [[nodiscard]] std::string title() const override { return base::json_string(entry_, "title", action_.tool); }

  Async<Result<ports::RunResult>> run(ports::OutputSink& out, runtime::CancelToken) override {
    while (entry_.contains("not_run") || waited_for_a_person()) {
      // A call that waited for a person came once more, and ran then.
      auto later = tape_.take_tool(call());
      if (!later.ok() || base::json_string(*later, "arguments") != action_.arguments) {
        co_return waited_for_a_person() ? tape_.ends_parked(action_.call_id) : never_ran();
      }
      entry_ = *std::move(later);
    }
    const std::string filler(kFillerPieceBytes, kFiller);
    for (const Json& piece : base::json_at(entry_, "output")) {
      const auto stream = base::json_string(piece, "stream") == "stderr" ? protocol::OutputStream::kStderr
                                                                         : protocol::OutputStream::kStdout;
      std::string bytes = base::json_string(piece, "text");
      if (piece.contains("base64")) {
        CO_TRY(bytes, base::base64_decode(base::json_string(piece, "base64")));
      }
      out.write(stream, bytes);
      for (std::int64_t left = base::json_int(piece, "skipped"); left > 0; left -= std::ssize(filler)) {
        out.write(stream, std::string_view(filler).substr(0, static_cast<std::size_t>(left)));
      }
    }
    if (entry_.contains("error")) co_return error_from_json(entry_["error"]);
    co_return run_result_from_json(base::json_at(entry_, "result"));
  }
  [[nodiscard]] std::unique_ptr<ports::PreparedCall> outside_sandbox(const std::string& refused) const override {
    std::optional<Json> entry = tape_.take_outside(call());
    if (!entry) return nullptr;
    ports::Action action = action_;
    action.outside_sandbox = true;
    action.refused = refused;
    action = with_begin(action, base::json_at(*entry, "begin")).value_or(action);
    return std::make_unique<ReplayCall>(*std::move(entry), std::move(action), tape_);
  }

 private:
  [[nodiscard]] protocol::ToolCall call() const {
    return {.call_id = action_.call_id, .tool = action_.tool, .arguments = action_.arguments};
  }
  /// The tool itself asked, and the Task parked.
  [[nodiscard]] bool waited_for_a_person() const {
    return base::json_string(base::json_at(entry_, "error"), "code") == protocol::error_codes::kParked;
  }
  [[nodiscard]] base::Error never_ran() const {
    return {
        .code = protocol::error_codes::kCassette,
        .message = fmt::format("cassette {} has no run of {} (call {}): it was not let through when it was recorded",
                               tape_.name(), action_.tool, action_.call_id)};
  }

  Json entry_;
  ports::Action action_;
  Tape& tape_;
};

}  // namespace

RecordingTool::RecordingTool(std::unique_ptr<ports::Tool> inner, TapeWriter& tape)
    : inner_(std::move(inner)), tape_(tape) {}

Async<Result<std::unique_ptr<ports::PreparedCall>>> RecordingTool::prepare(const protocol::ToolCall& call,
                                                                           const ports::ToolEnvironment& environment) {
  Json entry = entry_of(call);
  auto prepared = co_await inner_->prepare(call, environment);
  if (prepared.ok()) co_return std::make_unique<RecordingCall>(std::move(entry), *std::move(prepared), tape_);
  entry["refused"] = error_to_json(prepared.error());
  if (const auto written = tape_.append(entry); !written.ok()) co_return written.error().within("cannot record");
  co_return std::move(prepared);
}

ReplayTool::ReplayTool(std::unique_ptr<ports::Tool> real, Tape& tape) : real_(std::move(real)), tape_(tape) {}

Async<Result<std::unique_ptr<ports::PreparedCall>>> ReplayTool::prepare(const protocol::ToolCall& call,
                                                                        const ports::ToolEnvironment&) {
  CO_TRY(Json entry, tape_.take_tool(call));
  if (const auto difference = first_difference(base::json_at(entry, "arguments"), Json(call.arguments))) {
    co_return base::Error{.code = protocol::error_codes::kCassette,
                          .message = fmt::format("call {} of {} differs from cassette {}: arguments{}", call.call_id,
                                                 call.tool, tape_.name(), *difference)};
  }
  if (entry.contains("refused")) co_return error_from_json(entry["refused"]);
  CO_TRY(ports::Action action, with_begin({.call_id = call.call_id, .tool = call.tool, .arguments = call.arguments},
                                          base::json_at(entry, "begin"))
                                   .within(tape_.name()));
  co_return std::make_unique<ReplayCall>(std::move(entry), std::move(action), tape_);
}

}  // namespace lathe::providers::cassette
