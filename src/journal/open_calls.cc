#include "lathe/journal/open_calls.h"

#include <variant>

namespace lathe::journal {

using ports::CallEntry;

CallEntry* OpenCalls::newest(ports::Conversation& conversation, const std::string& call_id) {
  follow(conversation);
  const auto found = places_.find(call_id);
  if (found == places_.end()) return nullptr;
  std::vector<std::size_t>& places = found->second;
  for (; !places.empty(); places.pop_back()) {
    auto& call = std::get<CallEntry>(conversation.entries[places.back()].entry);
    if (!call.outcome) return &call;
  }
  places_.erase(found);
  return nullptr;
}

void OpenCalls::forget() {
  places_.clear();
  known_ = 0;
}

void OpenCalls::follow(const ports::Conversation& conversation) {
  if (known_ > conversation.entries.size()) forget();
  for (; known_ < conversation.entries.size(); ++known_) {
    const auto* call = std::get_if<CallEntry>(&conversation.entries[known_].entry);
    if (call != nullptr && !call->outcome) places_[call->call.call_id].push_back(known_);
  }
}

}  // namespace lathe::journal
