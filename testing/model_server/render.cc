#include "lathe/testing/model_server/render.h"

#include <algorithm>

#include "lathe/base/utf8.h"

namespace lathe::testing {

namespace {

using base::Json;

std::string joined(const std::vector<Step>& steps) {
  std::string text;
  for (const Step& step : steps) {
    const auto* delta = std::get_if<Delta>(&step);
    for (std::size_t i = 0; delta != nullptr && i < delta->times; ++i) text += delta->text;
  }
  return text;
}

/// Gates, delays, stalls and cuts of these steps, without their text.
std::vector<Segment> waits_of(const std::vector<Step>& steps) {
  std::vector<Segment> waits;
  for (const Step& step : steps) {
    if (!std::holds_alternative<Delta>(step) && !std::holds_alternative<Comment>(step)) waits.push_back({.then = step});
  }
  return waits;
}

void stream(const RenderInput& input, StreamWriter& out) {
  switch (input.request.wire) {
    case Wire::kOpenaiResponses:
      return stream_responses(input, out);
    case Wire::kOpenaiChat:
      return stream_chat(input, out);
    case Wire::kAnthropic:
      return stream_anthropic(input, out);
    case Wire::kOllama:
      return stream_ollama(input, out);
  }
}

Json whole(const RenderInput& input) {
  switch (input.request.wire) {
    case Wire::kOpenaiResponses:
      return whole_responses(input);
    case Wire::kOpenaiChat:
      return whole_chat(input);
    case Wire::kAnthropic:
      return whole_anthropic(input);
    case Wire::kOllama:
      return whole_ollama(input);
  }
  return {};
}

/// All waits of the content first, then the document; a cut comes in its middle.
std::vector<Segment> whole_segments(const RenderInput& input) {
  const std::string document = base::dump_json(whole(input));
  std::vector<Segment> segments;
  for (const auto* steps : {&input.answer.reasoning, &input.answer.text, &input.answer.before_end}) {
    std::ranges::move(waits_of(*steps), std::back_inserter(segments));
  }
  for (Segment& segment : segments) {
    if (std::holds_alternative<Cut>(*segment.then)) segment.bytes = document.substr(0, document.size() / 2);
  }
  segments.push_back({.bytes = document});
  return segments;
}

void render_stream(const RenderInput& input, Response& response) {
  const bool ndjson = input.request.wire == Wire::kOllama;
  response.content_type = ndjson ? "application/x-ndjson" : "text/event-stream";
  response.chunked = true;
  StreamWriter out(input.answer, ndjson ? StreamWriter::Framing::kNdjson : StreamWriter::Framing::kSse);
  stream(input, out);
  response.body = out.take();
}

/// The error type that each provider gives a status; OpenAI's word first, Anthropic's second.
std::pair<std::string, std::string> usual_codes(int status) {
  switch (status) {
    case 401:
      return {"invalid_api_key", "authentication_error"};
    case 403:
      return {"unsupported_country_region_territory", "permission_error"};
    case 404:
      return {"model_not_found", "not_found_error"};
    case 413:
      return {"request_too_large", "request_too_large"};
    case 429:
      return {"rate_limit_exceeded", "rate_limit_error"};
    case 529:
      return {"overloaded", "overloaded_error"};
    default:
      return status >= 500 ? std::pair{"server_error", "api_error"}
                           : std::pair{"invalid_request_error", "invalid_request_error"};
  }
}

}  // namespace

std::string RenderInput::reasoning() const { return joined(answer.reasoning); }
std::string RenderInput::text() const { return joined(answer.text); }

void StreamWriter::end_line() { segments_.back().bytes += answer_.crlf ? "\r\n" : "\n"; }

void StreamWriter::raw_event(std::string_view name, std::string_view data) {
  if (ended_) return;
  if (answer_.keep_alive_every != 0 && events_ % answer_.keep_alive_every == 0) act(Comment{"keep-alive"});
  std::string& bytes = segments_.back().bytes;
  if (framing_ == Framing::kSse) {
    if (!name.empty()) {
      bytes.append("event: ").append(name);
      end_line();
    }
    bytes.append("data: ");
  }
  bytes.append(data);
  end_line();
  if (framing_ == Framing::kSse) end_line();
  ++events_;
  if (events_ == answer_.cut_after_events) act(Cut{});
  if (events_ == answer_.stall_after_events) act(Stall{});
}

void StreamWriter::act(const Step& step) {
  if (ended_) return;
  if (const auto* comment = std::get_if<Comment>(&step)) {
    if (framing_ == Framing::kSse) {
      segments_.back().bytes += ": " + comment->text;
      end_line();
    }
    return end_line();
  }
  segments_.back().then = step;
  segments_.emplace_back();
  ended_ = std::holds_alternative<Cut>(step) || std::holds_alternative<Stall>(step);
}

std::vector<Segment> StreamWriter::take() {
  for (Segment& segment : segments_) {
    if (answer_.bad_bytes) std::ranges::replace(segment.bytes, '@', '\xFF');
  }
  if (!answer_.cut_after_bytes) return std::move(segments_);
  std::size_t left = *answer_.cut_after_bytes;
  for (std::size_t i = 0; i < segments_.size(); ++i) {
    if (segments_[i].bytes.size() > left) {
      segments_[i].bytes.resize(left);
      segments_[i].then = Cut{};
      segments_.resize(i + 1);
      break;
    }
    left -= segments_[i].bytes.size();
  }
  return std::move(segments_);
}

std::vector<std::string> pieces_of(const std::string& text) {
  const std::string_view head = base::utf8_prefix(text, text.size() / 2);
  if (head.empty()) return {text};
  return {std::string(head), text.substr(head.size())};
}

std::string with_text(std::string_view before, std::string_view text, std::string_view after) {
  std::string out(before);
  base::append_json_string(out, text);
  out += after;
  return out;
}

std::string error_body(Wire wire, int status, const std::string& message, const std::string& code) {
  const auto [openai, anthropic] = usual_codes(status);
  Json body;
  switch (wire) {
    case Wire::kOpenaiResponses:
    case Wire::kOpenaiChat:
      body["error"] = {{"message", message},
                       {"type", status >= 500 ? "server_error" : "invalid_request_error"},
                       {"param", nullptr},
                       {"code", code.empty() ? openai : code}};
      break;
    case Wire::kAnthropic:
      body["type"] = "error";
      body["error"] = {{"type", code.empty() ? anthropic : code}, {"message", message}};
      break;
    case Wire::kOllama:
      body["error"] = message;
      break;
  }
  return base::dump_json(body);
}

Response render(const RenderInput& input) {
  const Answer& answer = input.answer;
  Response response;
  response.before = waits_of(answer.before);
  response.chunk_bytes = answer.chunk_bytes;
  if (answer.error) {
    response.status = answer.error->status;
    response.headers = answer.error->headers;
    response.body = {{.bytes = answer.error->body.value_or(error_body(input.request.wire, answer.error->status,
                                                                      answer.error->message, answer.error->code))}};
  } else if (answer.raw) {
    response.status = answer.raw->status;
    response.content_type = answer.raw->content_type;
    response.body = {{.bytes = answer.raw->body}};
  } else if (input.request.stream) {
    render_stream(input, response);
  } else {
    response.body = whole_segments(input);
  }
  return response;
}

}  // namespace lathe::testing
