#include "lathe/agent/answer.h"

#include <algorithm>
#include <utility>

#include "lathe/agent/context.h"
#include "lathe/base/utf8.h"

namespace lathe::agent {

using ports::DraftKind;
using runtime::Async;

namespace {

/// About what a millisecond suffices for: to be copied a few times, encoded, and sent to a few clients.
constexpr std::size_t kShownAtOnce = 256U << 10;

}  // namespace

std::string Answer::text() const {
  std::string all;
  for (const AnswerPart& part : parts) {
    if (part.kind != DraftKind::kMessage || part.text.empty()) continue;
    if (!all.empty()) all += "\n\n";
    all += part.text;
  }
  return all;
}

std::int64_t Answer::bytes() const {
  std::size_t sum = 0;
  for (const AnswerPart& part : parts) sum += part.text.size();
  for (const protocol::ToolCall& call : calls) sum += call.tool.size() + call.arguments.size();
  return static_cast<std::int64_t>(sum);
}

protocol::Usage usage_of(const Answer& answer, std::int64_t input_tokens) {
  if (answer.usage) return *answer.usage;
  return {.input_tokens = input_tokens, .output_tokens = tokens_of_bytes(answer.bytes())};
}

Async<void> AnswerReader::take(std::vector<ports::ModelEvent> events) {
  struct Visitor {
    AnswerReader& reader;
    void operator()(ports::TextDelta& delta) const { reader.add_text(DraftKind::kMessage, delta.text); }
    void operator()(ports::ReasoningDelta& delta) const { reader.add_text(DraftKind::kReasoning, delta.text); }
    void operator()(ports::TextDone&) const {
      const AnswerPart* open = reader.open_part();
      if (open != nullptr && open->kind == DraftKind::kMessage) reader.end_part();
    }
    void operator()(ports::ReasoningDone& done) const { reader.end_reasoning(std::move(done)); }
    void operator()(ports::CallDone& done) const {
      reader.end_part();
      reader.answer_.calls.push_back(std::move(done.call));
    }
    void operator()(ports::Finished& finished) const {
      reader.end_part();
      reader.answer_.finished = true;
      reader.answer_.reason = finished.reason;
      reader.answer_.usage = finished.usage;
      reader.answer_.provider_response_id = std::move(finished.provider_response_id);
    }
    void operator()(ports::ModelNotice&) const {}
  };
  const auto is_long = [this](const auto* delta) {
    return delta != nullptr && pending_bytes_ + delta->text.size() > kShownAtOnce;
  };
  for (ports::ModelEvent& event : events) {
    if (auto* text = std::get_if<ports::TextDelta>(&event); is_long(text)) {
      co_await take_long_text(DraftKind::kMessage, std::move(text->text));
    } else if (auto* reasoning = std::get_if<ports::ReasoningDelta>(&event); is_long(reasoning)) {
      co_await take_long_text(DraftKind::kReasoning, std::move(reasoning->text));
    } else {
      std::visit(Visitor{*this}, event);
    }
  }
  show_pending();
}

Async<void> AnswerReader::take_long_text(DraftKind kind, std::string text) {
  std::string_view rest = text;
  while (!rest.empty()) {
    std::string_view piece = base::utf8_prefix(rest, kShownAtOnce);
    // Bytes that are no text at all.
    if (piece.empty()) piece = rest.substr(0, kShownAtOnce);
    rest.remove_prefix(piece.size());
    add_text(kind, piece);
    show_pending();
    co_await loop_.yield();
  }
}

void AnswerReader::restart() {
  for (const AnswerPart& part : answer_.parts) {
    if (showing_ == Showing::kHidden) break;
    host_.show(protocol::ItemReset{.item = part.item});
    host_.drop_draft(part.item);
  }
  answer_ = {};
  pending_bytes_ = 0;
}

bool AnswerReader::thinking() const {
  return !answer_.parts.empty() && !answer_.parts.back().whole && answer_.parts.back().kind == DraftKind::kReasoning;
}

AnswerPart* AnswerReader::open_part() {
  return answer_.parts.empty() || answer_.parts.back().whole ? nullptr : &answer_.parts.back();
}

AnswerPart& AnswerReader::begin_part(DraftKind kind) {
  std::vector<std::string>& ids = kind == DraftKind::kMessage ? message_ids_ : reasoning_ids_;
  const auto earlier = static_cast<std::size_t>(
      std::ranges::count_if(answer_.parts, [&](const AnswerPart& part) { return part.kind == kind; }));
  if (earlier == ids.size()) ids.push_back(host_.new_text_id(kind));
  return answer_.parts.emplace_back(AnswerPart{.kind = kind, .item = ids[earlier], .text = {}, .opaque = {}});
}

void AnswerReader::add_text(DraftKind kind, std::string_view text) {
  if (text.empty()) return;
  AnswerPart* part = open_part();
  if (part != nullptr && part->kind != kind) {
    end_part();
    part = nullptr;
  }
  if (part == nullptr) part = &begin_part(kind);
  part->text += text;
  pending_bytes_ += text.size();
}

void AnswerReader::end_part() {
  show_pending();
  if (AnswerPart* part = open_part()) part->whole = true;
}

void AnswerReader::end_reasoning(ports::ReasoningDone done) {
  AnswerPart* part = open_part();
  if (part == nullptr || part->kind != DraftKind::kReasoning) {
    end_part();
    part = &begin_part(DraftKind::kReasoning);
  }
  show_pending();
  if (done.text) part->text = *std::move(done.text);
  part->opaque = std::move(done.opaque);
  part->whole = true;
}

void AnswerReader::show_pending() {
  const std::size_t bytes = std::exchange(pending_bytes_, 0);
  if (bytes == 0 || showing_ == Showing::kHidden) return;
  const AnswerPart& part = answer_.parts.back();
  const std::size_t offset = part.text.size() - bytes;
  host_.draft(part.kind, part.item, std::string_view(part.text).substr(offset));
  if (part.kind == DraftKind::kMessage) {
    host_.show(protocol::AgentMessageDelta{
        .item = part.item, .offset = static_cast<std::int64_t>(offset), .text = part.text.substr(offset)});
  } else {
    host_.show(protocol::AgentReasoningDelta{
        .item = part.item, .offset = static_cast<std::int64_t>(offset), .text = part.text.substr(offset)});
  }
}

}  // namespace lathe::agent
