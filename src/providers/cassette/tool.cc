#include "lathe/providers/cassette/tool.h"

#include <fmt/format.h>

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

constexpr std::size_t kMaxOutputBytes = 32U << 20;

/// Passes output on and keeps a copy, neighbouring pieces of one stream as one.
class CopyingSink final : public ports::OutputSink {
 public:
  explicit CopyingSink(ports::OutputSink& out) : out_(out) {}

  void write(protocol::OutputStream stream, std::string_view bytes) override {
    out_.write(stream, bytes);
    size_ += bytes.size();
    if (size_ > kMaxOutputBytes) return;
    if (pieces_.empty() || pieces_.back().first != stream) pieces_.emplace_back(stream, std::string());
    pieces_.back().second += bytes;
  }
  [[nodiscard]] bool overflowed() const { return size_ > kMaxOutputBytes; }
  /// Bytes that are no text stand as base64.
  [[nodiscard]] Json to_json() const {
    Json out = Json::array();
    for (const auto& [stream, bytes] : pieces_) {
      Json piece = {{"stream", protocol::name_of(stream)}};
      if (base::is_utf8(bytes)) {
        piece["text"] = bytes;
      } else {
        piece["base64"] = base::base64(bytes);
      }
      out.push_back(std::move(piece));
    }
    return out;
  }

 private:
  ports::OutputSink& out_;
  std::vector<std::pair<protocol::OutputStream, std::string>> pieces_;
  std::size_t size_ = 0;
};

Json entry_of(const protocol::ToolCall& call) {
  return {{"kind", "tool"}, {"call_id", call.call_id}, {"tool", call.tool}, {"arguments", call.arguments}};
}

class RecordingCall final : public ports::PreparedCall {
 public:
  RecordingCall(Json entry, std::unique_ptr<ports::PreparedCall> inner, TapeWriter& tape)
      : entry_(std::move(entry)), inner_(std::move(inner)), tape_(tape) {}
  [[nodiscard]] const ports::Action& action() const override { return inner_->action(); }
  [[nodiscard]] std::string title() const override { return inner_->title(); }

  Async<Result<ports::RunResult>> run(ports::OutputSink& out, runtime::CancelToken cancel) override {
    CopyingSink copy(out);
    auto result = co_await inner_->run(copy, std::move(cancel));
    if (copy.overflowed()) {
      co_return base::Error{.code = base::codes::kLimit,
                            .message = fmt::format("cannot record: {} put out more than {}", inner_->title(),
                                                   base::format_bytes(kMaxOutputBytes))};
    }
    entry_["title"] = inner_->title();
    entry_["output"] = copy.to_json();
    if (result.ok()) {
      entry_["result"] = run_result_to_json(*result);
    } else {
      entry_["error"] = error_to_json(result.error());
    }
    if (const auto written = tape_.append(entry_); !written.ok()) co_return written.error().within("cannot record");
    co_return std::move(result);
  }

 private:
  Json entry_;
  std::unique_ptr<ports::PreparedCall> inner_;
  TapeWriter& tape_;
};

class ReplayCall final : public ports::PreparedCall {
 public:
  ReplayCall(Json entry, ports::Action action) : entry_(std::move(entry)), action_(std::move(action)) {}
  [[nodiscard]] const ports::Action& action() const override { return action_; }
  [[nodiscard]] std::string title() const override { return base::json_string(entry_, "title", action_.tool); }

  Async<Result<ports::RunResult>> run(ports::OutputSink& out, runtime::CancelToken) override {
    for (const Json& piece : base::json_at(entry_, "output")) {
      const auto stream = base::json_string(piece, "stream") == "stderr" ? protocol::OutputStream::kStderr
                                                                         : protocol::OutputStream::kStdout;
      std::string bytes = base::json_string(piece, "text");
      if (piece.contains("base64")) {
        CO_TRY(bytes, base::base64_decode(base::json_string(piece, "base64")));
      }
      out.write(stream, bytes);
    }
    if (entry_.contains("error")) co_return error_from_json(entry_["error"]);
    co_return run_result_from_json(base::json_at(entry_, "result"));
  }

 private:
  Json entry_;
  ports::Action action_;
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
  CO_TRY(Json entry, tape_.take_tool(call.call_id, call.tool));
  if (const auto difference = first_difference(base::json_at(entry, "arguments"), Json(call.arguments))) {
    co_return base::Error{.code = protocol::error_codes::kCassette,
                          .message = fmt::format("call {} of {} differs from cassette {}: arguments{}", call.call_id,
                                                 call.tool, tape_.name(), *difference)};
  }
  if (entry.contains("refused")) co_return error_from_json(entry["refused"]);
  ports::Action action{.call_id = call.call_id, .tool = call.tool, .arguments = call.arguments};
  co_return std::make_unique<ReplayCall>(std::move(entry), std::move(action));
}

}  // namespace lathe::providers::cassette
