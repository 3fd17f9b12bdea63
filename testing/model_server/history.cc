#include "lathe/testing/model_server/history.h"

#include <algorithm>
#include <array>
#include <deque>
#include <set>
#include <span>
#include <utility>

namespace lathe::testing {

namespace {

using base::Json;
using base::json_at;
using base::json_string;
using Violations = std::vector<std::string>;

/// Follows calls and their results through a history.
class CallLedger {
 public:
  explicit CallLedger(Violations& violations) : violations_(violations) {}

  void call(const std::string& id) {
    if (id.empty()) violations_.emplace_back("a tool call has no id");
    if (!seen_.insert(id).second) violations_.push_back("tool call id " + id + " is used twice");
    pending_.push_back(id);
  }
  void result(const std::string& id) {
    const auto found = std::ranges::find(pending_, id);
    if (found == pending_.end()) {
      violations_.push_back(seen_.contains(id) ? "tool call " + id + " has a second result"
                                               : "the result for " + id + " has no call");
      return;
    }
    if (found != pending_.begin()) violations_.push_back("the result for " + id + " is out of order");
    pending_.erase(found);
  }
  /// Something comes before which all results must be there.
  void settle(std::string_view before) {
    for (const std::string& id : pending_) {
      violations_.push_back("tool call " + id + " has no result before " + std::string(before));
    }
    pending_.clear();
  }
  [[nodiscard]] bool waiting() const { return !pending_.empty(); }

 private:
  Violations& violations_;
  std::set<std::string> seen_;
  std::deque<std::string> pending_;
};

template <std::size_t N>
void check_role(const std::string& role, const std::array<std::string_view, N>& legal, Violations& violations) {
  if (std::ranges::find(legal, role) == legal.end()) violations.push_back("role \"" + role + "\" is not legal here");
}

void check_responses(const Json& items, Violations& violations) {
  static constexpr std::array<std::string_view, 4> kRoles{"user", "assistant", "system", "developer"};
  CallLedger ledger(violations);
  for (const Json& item : items) {
    const std::string type = json_string(item, "type", "message");
    if (type == "message") {
      check_role(json_string(item, "role"), kRoles, violations);
    } else if (type == "function_call" || type == "custom_tool_call") {
      if (type == "function_call" && !json_at(item, "arguments").is_string()) {
        violations.emplace_back("function_call.arguments is not a string");
      }
      ledger.call(json_string(item, "call_id"));
    } else if (type.ends_with("_call_output")) {
      ledger.result(json_string(item, "call_id"));
    }
  }
  ledger.settle("the end");
}

void check_chat(const Json& messages, Violations& violations) {
  static constexpr std::array<std::string_view, 5> kRoles{"system", "developer", "user", "assistant", "tool"};
  CallLedger ledger(violations);
  for (const Json& message : messages) {
    const std::string role = json_string(message, "role");
    check_role(role, kRoles, violations);
    if (role == "tool") {
      ledger.result(json_string(message, "tool_call_id"));
      continue;
    }
    ledger.settle("the next " + role + " message");
    if (role != "assistant") continue;
    const Json& calls = json_at(message, "tool_calls");
    if (calls.empty() && json_at(message, "content").is_null())
      violations.emplace_back("an assistant message is empty");
    for (const Json& call : calls) {
      if (!json_at(json_at(call, "function"), "arguments").is_string()) {
        violations.emplace_back("tool_calls.function.arguments is not a string");
      }
      ledger.call(json_string(call, "id"));
    }
  }
  ledger.settle("the end");
}

void check_anthropic_blocks(const std::string& role, const Json& content, CallLedger& ledger, Violations& violations) {
  bool other_seen = false;
  for (const Json& block : content) {
    const std::string type = json_string(block, "type");
    if (type == "tool_result") {
      if (role != "user") violations.emplace_back("a tool_result is not in a user message");
      if (other_seen) violations.emplace_back("a tool_result comes after other content of its message");
      ledger.result(json_string(block, "tool_use_id"));
      continue;
    }
    if (!other_seen && role == "user") ledger.settle("other content of the user message");
    other_seen = true;
    if (type == "tool_use") {
      if (role != "assistant") violations.emplace_back("a tool_use is not in an assistant message");
      if (!json_at(block, "input").is_object()) violations.emplace_back("tool_use.input is not an object");
      ledger.call(json_string(block, "id"));
    } else if (type == "text" && json_string(block, "text").empty()) {
      violations.emplace_back("a text block is empty");
    }
  }
}

/// Instructions in the middle of a conversation: text only.
void check_anthropic_system(const Json& content, Violations& violations) {
  if (content.is_string() && !content.get_ref<const std::string&>().empty()) return;
  const auto is_text = [](const Json& block) {
    return json_string(block, "type") == "text" && !json_string(block, "text").empty();
  };
  if (!content.is_array() || content.empty() || !std::ranges::all_of(content, is_text)) {
    violations.emplace_back("a system message holds something else than text");
  }
}

void check_anthropic(const Json& body, const Json& messages, Violations& violations) {
  static constexpr std::array<std::string_view, 3> kRoles{"user", "assistant", "system"};
  if (!json_at(body, "max_tokens").is_number_integer()) violations.emplace_back("max_tokens is missing");
  CallLedger ledger(violations);
  std::string last_role = "assistant";
  for (const Json& message : messages) {
    const std::string role = json_string(message, "role");
    check_role(role, kRoles, violations);
    if (role == "system") {
      ledger.settle("the system message");
      check_anthropic_system(json_at(message, "content"), violations);
      continue;
    }
    if (role == last_role) violations.push_back("two " + role + " messages in a row, or the first is not the user's");
    last_role = role;
    if (role == "assistant") ledger.settle("the next assistant message");
    const Json& content = json_at(message, "content");
    if (content.empty() || (content.is_string() && content.get<std::string>().empty())) {
      violations.push_back("a " + role + " message is empty");
    }
    if (content.is_array()) check_anthropic_blocks(role, content, ledger, violations);
    if (role == "user") ledger.settle("the end of the user message");
  }
  ledger.settle("the end");
}

void check_ollama(const Json& messages, Violations& violations) {
  static constexpr std::array<std::string_view, 4> kRoles{"system", "user", "assistant", "tool"};
  // Calls have no ids on this wire: names in order are all there is.
  std::deque<std::string> pending;
  const auto settle = [&](const std::string& before) {
    for (const std::string& name : pending) {
      violations.push_back("the call of " + name + " has no result before " + before);
    }
    pending.clear();
  };
  for (const Json& message : messages) {
    const std::string role = json_string(message, "role");
    check_role(role, kRoles, violations);
    if (role == "tool") {
      const std::string name = json_string(message, "tool_name");
      if (pending.empty()) {
        violations.push_back("the result for " + name + " has no call");
        continue;
      }
      if (!name.empty() && name != pending.front()) violations.push_back("the result for " + name + " is out of order");
      pending.pop_front();
      continue;
    }
    settle("the next " + role + " message");
    for (const Json& call : json_at(message, "tool_calls")) {
      const Json& function = json_at(call, "function");
      if (!json_at(function, "arguments").is_object()) violations.emplace_back("function.arguments is not an object");
      pending.push_back(json_string(function, "name"));
    }
  }
  settle("the end");
}

std::string canonical(const Json& value) { return base::dump_json(without_cache_markers(value)); }

std::string first_difference(const std::string& before, const std::string& after) {
  const auto at = static_cast<std::size_t>(std::ranges::mismatch(before, after).in1 - before.begin());
  const std::size_t from = at < 20 ? 0 : at - 20;
  return "was …" + before.substr(from, 80) + ", is …" + after.substr(std::min(from, after.size()), 80);
}

}  // namespace

Json without_cache_markers(const Json& value) {
  if (value.is_array()) {
    Json list = Json::array();
    for (const Json& entry : value) list.push_back(without_cache_markers(entry));
    return list;
  }
  if (!value.is_object()) return value;
  Json object = Json::object();
  for (const auto& [name, member] : value.items()) {
    if (name != "cache_control") object[name] = without_cache_markers(member);
  }
  return object;
}

Violations check_history(const ModelRequest& request) {
  Violations violations;
  const Json messages = messages_of(request.wire, request.body);
  if (messages.empty()) violations.emplace_back("the request has no messages");
  switch (request.wire) {
    case Wire::kOpenaiResponses:
      check_responses(messages, violations);
      break;
    case Wire::kOpenaiChat:
      check_chat(messages, violations);
      break;
    case Wire::kAnthropic:
      check_anthropic(request.body, messages, violations);
      break;
    case Wire::kOllama:
      check_ollama(messages, violations);
      break;
  }
  return violations;
}

PrefixCheck::Message PrefixCheck::read_message(const Json& message) {
  Message read{.text = canonical(message), .frame = {}, .blocks = {}};
  const Json& content = json_at(message, "content");
  if (!content.is_array()) return read;
  Json frame = message;
  frame.erase("content");
  read.frame = canonical(frame);
  for (const Json& block : content) read.blocks.push_back(canonical(block));
  return read;
}

PrefixCheck::Sent PrefixCheck::read(const ModelRequest& request) {
  Sent sent{.system = canonical(json_at(request.body, "instructions")) + canonical(json_at(request.body, "system")),
            .tools = canonical(json_at(request.body, "tools")),
            .messages = {}};
  std::optional<std::size_t> first_user;
  for (const Json& message : messages_of(request.wire, request.body)) {
    if (!first_user && json_string(message, "role") == "user") first_user = sent.messages.size();
    sent.messages.push_back(read_message(message));
  }
  sent.first_user = first_user.value_or(0);
  return sent;
}

bool PrefixCheck::grew(const Message& before, const Message& now) {
  return !before.blocks.empty() && before.frame == now.frame && now.blocks.size() > before.blocks.size() &&
         std::ranges::equal(before.blocks, std::span(now.blocks).first(before.blocks.size()));
}

std::optional<std::string> PrefixCheck::difference(const Sent& before, const Sent& now) {
  if (before.system != now.system) return "the system prompt changed: " + first_difference(before.system, now.system);
  if (before.tools != now.tools) return "the tools changed: " + first_difference(before.tools, now.tools);
  for (std::size_t i = 0; i < before.messages.size(); ++i) {
    if (i >= now.messages.size()) return "message " + std::to_string(i) + " is gone";
    const Message& was = before.messages[i];
    const Message& is = now.messages[i];
    const bool last = i + 1 == before.messages.size();
    if (was.text == is.text || (last && grew(was, is))) continue;
    return "message " + std::to_string(i) + " changed: " + first_difference(was.text, is.text);
  }
  return std::nullopt;
}

std::optional<PrefixCheck::Sent> PrefixCheck::take_conversation(const std::string& speaker, const Sent& now) {
  if (now.messages.empty()) return std::nullopt;
  std::map<std::string, Sent>& known = latest_[speaker];
  const Message& first = now.messages[now.first_user];
  auto found = known.find(first.text);
  if (found == known.end()) {
    // The first message itself grew, which it may while nothing stands behind it.
    found = std::ranges::find_if(known, [&](const auto& entry) {
      const Sent& before = entry.second;
      return before.first_user + 1 == before.messages.size() && grew(before.messages[before.first_user], first);
    });
  }
  if (found == known.end()) return std::nullopt;
  return std::move(known.extract(found).mapped());
}

std::optional<std::string> PrefixCheck::next(const ModelRequest& request) {
  Sent now = read(request);
  const std::string speaker = std::string(name_of(request.wire)) + " " + request.model;
  const std::optional<Sent> before = take_conversation(speaker, now);
  std::optional<std::string> problem = before ? difference(*before, now) : std::nullopt;
  if (!now.messages.empty()) latest_[speaker][now.messages[now.first_user].text] = std::move(now);
  return problem;
}

}  // namespace lathe::testing
