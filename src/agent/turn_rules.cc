#include "lathe/agent/turn_rules.h"

#include <ranges>
#include <set>
#include <utility>
#include <variant>

#include "lathe/protocol/error_codes.h"

namespace lathe::agent {

using ports::CallEntry;
using ports::PlacedEntry;
using ports::TaskEnd;
using ports::UserEntry;
using protocol::AbortReason;

void make_call_ids_unique(std::vector<protocol::ToolCall>& calls, const ports::Conversation& conversation,
                          const std::function<std::string()>& mint) {
  std::set<std::string> used;
  for (const PlacedEntry& placed : conversation.entries) {
    if (const auto* call = std::get_if<CallEntry>(&placed.entry)) used.insert(call->call.call_id);
  }
  for (protocol::ToolCall& call : calls) {
    if (call.call_id.empty()) call.call_id = mint();
    const std::string wanted = call.call_id;
    for (int n = 2; !used.insert(call.call_id).second; ++n) call.call_id = wanted + "_" + std::to_string(n);
  }
}

std::optional<protocol::ToolCall> repeated_call(const ports::Conversation& conversation, std::int64_t since_seq,
                                                std::int64_t limit) {
  if (limit <= 0) return std::nullopt;
  const CallEntry* last = nullptr;
  std::int64_t times = 0;
  for (const PlacedEntry& placed : conversation.entries | std::views::reverse) {
    if (placed.seq <= since_seq) break;
    const auto* user = std::get_if<UserEntry>(&placed.entry);
    if (user != nullptr && !user->context) break;
    const auto* call = std::get_if<CallEntry>(&placed.entry);
    if (call == nullptr) continue;
    if (!call->outcome) return std::nullopt;
    if (last == nullptr) last = call;
    const bool same = call->call.tool == last->call.tool && call->call.arguments == last->call.arguments &&
                      call->outcome->status == last->outcome->status && call->outcome->output == last->outcome->output;
    if (!same) break;
    if (++times >= limit) return last->call;
  }
  return std::nullopt;
}

bool message_behind_answer(const ports::Conversation& conversation, std::int64_t asked_seq) {
  bool answered = false;
  for (const PlacedEntry& placed : conversation.entries | std::views::reverse) {
    if (placed.seq <= asked_seq) return false;
    const auto* user = std::get_if<UserEntry>(&placed.entry);
    if (user == nullptr) answered = true;
    const bool for_model = user != nullptr && (!user->context || *user->context == protocol::ContextKind::kNudge);
    if (for_model && answered) return true;
  }
  return false;
}

TaskEnd end_of(base::Error error) {
  TaskEnd end;
  end.kind = TaskEnd::Kind::kFailed;
  if (error.code == protocol::error_codes::kParked) end.kind = TaskEnd::Kind::kParked;
  if (error.code == protocol::error_codes::kBudget) {
    end.kind = TaskEnd::Kind::kAborted;
    end.abort_reason = AbortReason::kBudget;
  }
  if (error.code == protocol::error_codes::kLoop) {
    end.kind = TaskEnd::Kind::kAborted;
    end.abort_reason = AbortReason::kLoop;
  }
  if (error.code == protocol::error_codes::kApprovalAborted) {
    end.kind = TaskEnd::Kind::kAborted;
    end.abort_reason = AbortReason::kApproval;
  }
  end.error = std::move(error);
  return end;
}

}  // namespace lathe::agent
