#include "lathe/policy/hitl_file.h"

#include <fmt/format.h>

#include "lathe/base/strings.h"

// HITL policies. What differs from where they come from: a timeout never approves (no answer means no, ARCHITECTURE
// 7.3), whole command strings are read as a shell reads them, and a name in a list stands for its dotted variants.

namespace lathe::policy {

using formats::MapReader;
using formats::Node;
using formats::Problems;

namespace {

std::optional<Verdict> read_action(const Node& node, Problems& problems) {
  std::string text;
  if (!decode(node, text, problems)) return std::nullopt;
  if (text == "allow") return Verdict::kAllow;
  if (text == "approve") return Verdict::kAsk;
  if (text == "deny") return Verdict::kDeny;
  formats::not_a_choice(node.at, text, {"allow", "approve", "deny"}, problems);
  return std::nullopt;
}

std::vector<std::string> comma_list(std::string_view text) {
  std::vector<std::string> names;
  for (const std::string_view part : base::split(text, ',')) {
    if (!base::trim(part).empty()) names.emplace_back(base::trim(part));
  }
  return names;
}

void read_condition(const Node& node, Rule& rule, Problems& problems) {
  Condition condition;
  std::string op;
  MapReader map(node, problems);
  bool good = map.required("key", condition.key);
  const Node* op_node = node.find("op");
  good = map.required("op", op) && good;
  map.optional("value", condition.value);
  map.finish();
  if (!good) return;
  using Op = Condition::Op;
  if (op == "eq") {
    condition.op = Op::kEquals;
  } else if (op == "glob") {
    condition.op = Op::kGlob;
    auto glob = Glob::parse(condition.value);
    if (!glob.ok()) return problems.error(node.at, glob.error().message);
    condition.glob = *std::move(glob);
  } else if (op == "host") {
    condition.op = Op::kHost;
    condition.names = comma_list(condition.value);
  } else if (op == "command_blacklist" || op == "command_ask_always") {
    condition.op = Op::kCommandNames;
    condition.names = comma_list(condition.value);
  } else if (op == "no_command_substitution") {
    condition.op = Op::kSubstitution;
  } else {
    return formats::not_a_choice(
        op_node->at, op, {"eq", "glob", "host", "command_blacklist", "command_ask_always", "no_command_substitution"},
        problems);
  }
  rule.when.push_back(std::move(condition));
}

void read_timeout(MapReader& map, const Node& node, Rule& rule, RuleSet& set, Problems& problems) {
  std::int64_t seconds = 0;
  const Node* at = node.find("timeout_s");
  if (map.optional("timeout_s", seconds)) {
    if (seconds < 0 || seconds > 31'536'000) problems.error(at->at, "timeout_s must be from 0 to 31536000");
    if (seconds > 0) rule.timeout = std::chrono::seconds(seconds);
  }
  std::string on_timeout;
  if (map.optional_choice("on_timeout", {"approve", "deny"}, on_timeout) && on_timeout == "approve") {
    set.warnings.push_back(fmt::format("{}: on_timeout \"approve\" is read as \"deny\": no answer means no",
                                       node.find("on_timeout")->at.line));
  }
}

void read_rule(const Node& node, RuleSet& set, Problems& problems) {
  Rule rule;
  rule.at = place_of(node.at);
  MapReader map(node, problems);
  std::string toolset;
  std::string tool;
  map.optional("tools", toolset);
  map.optional("tool", tool);
  if (!toolset.empty() && toolset != "*") rule.toolsets = {toolset};
  if (!tool.empty() && tool != "*") rule.tools = {tool};
  if (const Node* when = map.take("when"); when != nullptr && !when->is_null()) {
    if (when->list() == nullptr) {
      formats::wrong_kind(*when, "a list", problems);
    } else {
      for (const Node& condition : *when->list()) read_condition(condition, rule, problems);
    }
  }
  const Node* action = map.take("action");
  if (action == nullptr) {
    problems.error(node.at, "\"action\" is missing");
  } else if (const auto verdict = read_action(*action, problems)) {
    rule.verdict = *verdict;
  }
  read_timeout(map, node, rule, set, problems);
  map.finish();
  rule.text = fmt::format("{}.{}", toolset.empty() ? "*" : toolset, tool.empty() ? "*" : tool);
  for (std::size_t i = 0; node.find("when") != nullptr && i < rule.when.size(); ++i) {
    const Node& when = (*node.find("when")->list())[i];
    rule.text +=
        fmt::format("{} {} {} {}", i == 0 ? " when" : ",", rule.when[i].key, *when.find("op")->text(),
                    rule.when[i].value.size() > 60 ? rule.when[i].value.substr(0, 57) + "…" : rule.when[i].value);
  }
  rule.text = std::string(base::trim_right(rule.text)) + fmt::format(": {}", name_of(rule.verdict));
  set.rules.push_back(std::move(rule));
}

/// Limits of unattended missions: checked, and not this room's business.
void read_compute(const Node& node, Problems& problems) {
  MapReader map(node, problems);
  std::int64_t count = 0;
  std::vector<std::string> names;
  std::string on_exhausted;
  for (const char* key : {"maxTurns", "maxToolCalls", "maxTokens"}) map.optional(key, count);
  for (const char* key : {"modelAllowlist", "backendAllowlist"}) map.optional(key, names);
  map.optional_choice("onExhausted", {"finish_stuck", "pause_ask"}, on_exhausted);
  map.finish();
}

}  // namespace

RuleSet read_hitl(const Node& root, Problems& problems) {
  RuleSet set{.source = {}, .order = RuleSet::Order::kFirstMatch, .fallback = Verdict::kAsk};
  MapReader map(root, problems);
  if (const Node* fallback = map.take("default_action"); fallback != nullptr && !fallback->is_null()) {
    set.fallback_at = place_of(fallback->at);
    const bool empty = fallback->text() != nullptr && fallback->text()->empty();
    if (!empty) set.fallback = read_action(*fallback, problems);
  }
  if (const Node* rules = map.take("rules"); rules != nullptr && !rules->is_null()) {
    if (rules->list() == nullptr) {
      formats::wrong_kind(*rules, "a list", problems);
    } else {
      for (const Node& rule : *rules->list()) read_rule(rule, set, problems);
    }
  }
  if (const Node* compute = map.take("compute"); compute != nullptr && !compute->is_null()) {
    read_compute(*compute, problems);
  }
  for (const char* note : {"name", "description", "version", "$schema"}) (void)map.take(note);
  map.finish();
  return set;
}

}  // namespace lathe::policy
