#include "lathe/gateways/http/agentruntime_frames.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "lathe/base/json.h"
#include "lathe/base/strings.h"

namespace lathe::gateways::http {

using base::Error;
using base::Json;
using base::Result;
using Messages = AgentruntimeFrames::Messages;

namespace {

/// Of the log, in one replay frame.
constexpr std::size_t kReplayBytes = 1U << 20;

Error invalid(std::string message) { return {.code = base::codes::kInvalid, .message = std::move(message)}; }

/// The first member that there is.
const Json& either(const Json& object, std::string_view one, std::string_view other) {
  const Json& found = base::json_at(object, one);
  return found.is_null() ? base::json_at(object, other) : found;
}

Result<std::string> text_of(const Json& value, std::string_view name) {
  if (!value.is_string() || value.get_ref<const std::string&>().empty()) {
    return invalid(fmt::format("{}: expected text", name));
  }
  return value.get<std::string>();
}

Result<protocol::Op> say(const Json& frame) {
  const Json& data = either(frame, "data", "content");
  TRY(const std::string text, text_of(data.is_object() ? base::json_at(data, "content") : data, "data"));
  return protocol::Op(protocol::UserInput{.items = {protocol::TextPart{std::string(base::trim_right(text))}},
                                          .if_busy = protocol::IfBusy::kSteer});
}

Result<protocol::Op> context_of(const Json& data) {
  protocol::AddContext op;
  TRY(op.text, text_of(base::json_at(data, "text"), "text"));
  const Json& path = either(data, "filePath", "file_path");
  if (path.is_string()) op.path = path.get<std::string>();
  return protocol::Op(std::move(op));
}

Result<protocol::Op> mention_of(const Json& data) {
  protocol::Mention op;
  TRY(op.path, text_of(either(data, "filePath", "file_path"), "filePath"));
  const auto line = [&](std::string_view one, std::string_view other) {
    return base::json_int(data, one, base::json_int(data, other));
  };
  op.line_start = line("lineStart", "line_start");
  op.line_end = line("lineEnd", "line_end");
  return protocol::Op(std::move(op));
}

class BridgeFrames final : public AgentruntimeFrames {
 public:
  Messages start(const std::string& session, const AgentruntimeRead& read) override {
    Messages messages;
    std::int64_t offset = read.log.size() - static_cast<std::int64_t>(read.bytes.size());
    for (std::string_view rest = read.bytes; !rest.empty(); rest.remove_prefix(std::min(rest.size(), kReplayBytes))) {
      const std::string_view part = rest.substr(0, kReplayBytes);
      offset += static_cast<std::int64_t>(part.size());
      messages.push_back(base::dump_json({{"type", "replay"}, {"data", base::base64(part)}, {"offset", offset}}));
    }
    messages.push_back(base::dump_json({{"type", "connected"}, {"session_id", session}, {"mode", "pipe"}}));
    return messages;
  }
  Messages lines(std::string_view lines, std::int64_t log_size) override {
    // They may be megabytes, of which a tree would hold another copy.
    std::string frame = R"({"type":"stdout","data":)";
    base::append_json_string(frame, lines);
    frame += fmt::format(R"(,"offset":{}}})", log_size);
    return {std::move(frame)};
  }
  Messages pong() override { return {R"({"type":"pong"})"}; }
  Messages error(const Error& error, const AgentruntimeLog& /*log*/, base::UnixMillis /*now*/) override {
    return {base::dump_json(
        {{"type", "error"}, {"error", error.text()}, {"error_category", error.code}, {"retryable", error.retryable}})};
  }
  Messages exit(const AgentruntimeExit& exit, const AgentruntimeLog& /*log*/, base::UnixMillis /*now*/) override {
    Json frame{{"type", "exit"}, {"exit_code", exit.code}};
    const Json data = json_of(exit);
    for (const auto& [name, value] : data.items()) {
      if (name != "code") frame[name] = value;
    }
    return {base::dump_json(frame)};
  }
};

class EventFrames final : public AgentruntimeFrames {
 public:
  Messages start(const std::string& /*session*/, const AgentruntimeRead& read) override {
    std::string_view bytes = read.bytes;
    // The rest of a line is no event.
    if (!read.at_line_start) bytes.remove_prefix(std::min(bytes.size(), bytes.find('\n') + 1));
    return lines(bytes, read.log.size());
  }
  Messages lines(std::string_view lines, std::int64_t /*log_size*/) override {
    Messages messages;
    for (const std::string_view line : base::split_lines(lines)) {
      ended_ = line.starts_with(R"({"type":"exit")");
      messages.emplace_back(line);
    }
    return messages;
  }
  Messages pong() override { return {}; }
  Messages error(const Error& error, const AgentruntimeLog& log, base::UnixMillis now) override {
    return lines(log.aside("error", error_data(error.text(), error.code, error.retryable), now), log.size());
  }
  Messages exit(const AgentruntimeExit& exit, const AgentruntimeLog& log, base::UnixMillis now) override {
    if (ended_) return {};
    return lines(log.aside("exit", json_of(exit), now), log.size());
  }

 private:
  /// The last line was the log's own exit.
  bool ended_ = false;
};

}  // namespace

Result<AgentruntimeCommand> parse_agentruntime_command(std::string_view text) {
  TRY(const Json frame, base::parse_json(text));
  const std::string type = base::json_string(frame, "type");
  if (type == "ping") return AgentruntimeCommand{.op = std::nullopt, .is_ping = true};
  if (type == "resize") return AgentruntimeCommand{};
  if (type == "interrupt") return AgentruntimeCommand{.op = protocol::Op(protocol::Interrupt{})};
  const auto command = [](Result<protocol::Op> op) -> Result<AgentruntimeCommand> {
    if (!op.ok()) return std::move(op).error();
    return AgentruntimeCommand{.op = *std::move(op)};
  };
  if (type == "stdin" || type == "prompt" || type == "steer") return command(say(frame));
  if (type == "context") return command(context_of(either(frame, "context", "data")));
  if (type == "mention") return command(mention_of(either(frame, "mention", "data")));
  return invalid(fmt::format("unknown type \"{}\"", type.substr(0, 80)))
      .or_hint("stdin, prompt, steer, interrupt, context, mention, ping or resize");
}

std::unique_ptr<AgentruntimeFrames> bridge_frames() { return std::make_unique<BridgeFrames>(); }
std::unique_ptr<AgentruntimeFrames> event_frames() { return std::make_unique<EventFrames>(); }

}  // namespace lathe::gateways::http
