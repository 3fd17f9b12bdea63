#include "lathe/policy/rule_file.h"

#include <fmt/format.h>

#include <algorithm>

#include "lathe/base/strings.h"
#include "lathe/formats/read.h"
#include "lathe/policy/hitl_file.h"
#include "lathe/policy/match.h"
#include "lathe/policy/rule_parts.h"
#include "lathe/policy/tool_names.h"

namespace lathe::policy {

using base::Error;
using base::Result;
using formats::MapReader;
using formats::Node;
using formats::Problems;

namespace {

/// Where a value is wrong, as what checked it says.
void report(formats::Position at, const Error& error, Problems& problems) {
  problems.error(at, error.message, error.hint);
}

struct Text {
  std::string text;
  formats::Position at;
};

/// One text, or a list of them, under either key.
std::vector<Text> read_texts(MapReader& map, std::string_view one, std::string_view several, Problems& problems) {
  std::vector<Text> texts;
  const auto add = [&](const Node& node) {
    std::string text;
    if (!decode(node, text, problems)) return;
    if (text.empty()) return problems.error(node.at, "is empty");
    texts.push_back({.text = std::move(text), .at = node.at});
  };
  for (const std::string_view key : {one, several}) {
    const Node* node = key.empty() ? nullptr : map.take(key);
    if (node == nullptr) continue;
    if (node->list() == nullptr) {
      add(*node);
      continue;
    }
    if (node->list()->empty()) problems.error(node->at, "is empty");
    for (const Node& element : *node->list()) add(element);
  }
  return texts;
}

/// "git push", or [git, [push, pull]].
void read_command(const Node& node, Rule& rule, Problems& problems) {
  if (const std::string* text = node.text()) {
    const auto words = command_words(*text);
    if (!words.ok()) return report(node.at, words.error(), problems);
    for (const std::string& word : *words) rule.command.push_back({word});
    return;
  }
  if (node.list() == nullptr) return formats::wrong_kind(node, "text or a list of words", problems);
  for (const Node& word : *node.list()) {
    std::vector<std::string> alternatives(1);
    const bool good =
        word.list() != nullptr ? decode(word, alternatives, problems) : decode(word, alternatives.front(), problems);
    if (good && alternatives.empty()) problems.error(word.at, "has no alternative");
    if (good) rule.command.push_back(std::move(alternatives));
  }
  if (rule.command.empty()) return problems.error(node.at, "the command is empty");
  for (const std::string& program : rule.command.front()) {
    const auto checked = check_program(program);
    if (!checked.ok()) report(node.list()->front().at, checked.error(), problems);
  }
}

void read_programs(MapReader& map, Rule& rule, Problems& problems) {
  for (const Text& program : read_texts(map, "", "commands", problems)) {
    const auto checked = check_program(program.text);
    if (!checked.ok()) report(program.at, checked.error(), problems);
    rule.programs.push_back(program.text);
  }
}

/// The names as they are written; the rule gets those of calls.
std::vector<std::string> read_tools(MapReader& map, Rule& rule, Problems& problems) {
  std::vector<std::string> written;
  for (const Text& name : read_texts(map, "tool", "tools", problems)) {
    written.push_back(name.text);
    auto tools = named_tools(name.text);
    if (tools.ok()) {
      std::ranges::move(*tools, std::back_inserter(rule.tools));
    } else {
      report(name.at, tools.error(), problems);
    }
  }
  return written;
}

void read_arguments(const Node& node, Rule& rule, Problems& problems) {
  if (node.map() == nullptr) return formats::wrong_kind(node, "a map from arguments to patterns", problems);
  for (const formats::Member& member : *node.map()) {
    Condition condition{.key = member.key, .op = Condition::Op::kGlob};
    const auto known = check_argument(rule.tools, member.key);
    if (!rule.tools.empty() && !known.ok()) report(member.value.at, known.error(), problems);
    if (!decode(member.value, condition.value, problems)) continue;
    if (condition.value.find_first_of("*?{") == std::string::npos) {
      condition.op = Condition::Op::kEquals;
    } else {
      auto glob = Glob::parse(condition.value);
      if (!glob.ok()) {
        problems.error(member.value.at, glob.error().message);
        continue;
      }
      condition.glob = *std::move(glob);
    }
    rule.when.push_back(std::move(condition));
  }
}

void read_examples(MapReader& map, std::string_view key, bool matches, Rule& rule, Problems& problems) {
  const Node* node = map.take(key);
  if (node == nullptr) return;
  if (node->list() == nullptr) return formats::wrong_kind(*node, "a list", problems);
  for (const Node& example : *node->list()) {
    std::string text;
    if (decode(example, text, problems)) {
      rule.examples.push_back({.text = std::move(text), .matches = matches, .at = place_of(example.at)});
    }
  }
}

void read_paths(MapReader& map, Rule& rule, const Node& node, const RuleFacts& facts, Problems& problems) {
  for (const Text& path : read_texts(map, "path", "paths", problems)) {
    auto globs = path_patterns(path.text, facts, rule.verdict);
    if (globs.ok()) {
      std::ranges::move(*globs, std::back_inserter(rule.paths));
    } else {
      report(path.at, globs.error(), problems);
    }
  }
  std::string access;
  if (!map.optional_choice("access", {"any", "read", "write"}, access)) return;
  if (rule.paths.empty()) problems.error(node.find("access")->at, "\"access\" belongs to a rule about paths");
  rule.access = access == "read" ? Access::kRead : access == "write" ? Access::kWrite : Access::kAny;
}

void read_hosts(MapReader& map, Rule& rule, Problems& problems) {
  for (const Text& host : read_texts(map, "host", "hosts", problems)) {
    auto pattern = host_pattern(host.text);
    if (pattern.ok()) {
      rule.hosts.push_back(*std::move(pattern));
    } else {
      report(host.at, pattern.error(), problems);
    }
  }
}

/// `tools`: the rule's as they were written.
std::string subject_text(const Rule& rule, const std::vector<std::string>& tools) {
  std::vector<std::string> parts;
  const auto add = [&](std::string_view what, const std::vector<std::string>& names) {
    if (!names.empty()) parts.push_back(fmt::format("{} {}", what, base::join(names, ", ")));
  };
  add("tool", tools);
  if (!rule.command.empty()) {
    std::vector<std::string> words;
    for (const auto& alternatives : rule.command) words.push_back(base::join(alternatives, "|"));
    parts.push_back(fmt::format("command {}{}", base::join(words, " "), rule.exact ? " (exactly)" : ""));
  }
  add("program", rule.programs);
  if (!rule.script.empty()) parts.push_back("script " + rule.script);
  add("host", rule.hosts);
  std::vector<std::string> paths;
  for (const Glob& path : rule.paths) paths.push_back(path.text());
  add(rule.access == Access::kRead ? "reading" : rule.access == Access::kWrite ? "writing" : "path", paths);
  for (const Condition& condition : rule.when) parts.push_back(condition.key + " = " + condition.value);
  return base::join(parts, ", ");
}

void read_rule(const Node& node, RuleSet& set, const RuleFacts& facts, Problems& problems) {
  Rule rule;
  rule.at = place_of(node.at);
  MapReader map(node, problems);
  const std::size_t errors_before = problems.errors().size();
  std::string decision;
  if (!map.optional_choice("decision", {"allow", "ask", "deny"}, decision)) {
    if (node.find("decision") == nullptr) problems.error(node.at, "\"decision\" is missing");
  }
  rule.verdict = decision == "allow" ? Verdict::kAllow : decision == "deny" ? Verdict::kDeny : Verdict::kAsk;
  if (const Node* command = map.take("command")) read_command(*command, rule, problems);
  map.optional("exact", rule.exact);
  read_programs(map, rule, problems);
  map.optional("script", rule.script);
  read_hosts(map, rule, problems);
  read_paths(map, rule, node, facts, problems);
  const std::vector<std::string> tools = read_tools(map, rule, problems);
  if (const Node* arguments = map.take("arguments")) read_arguments(*arguments, rule, problems);
  map.optional("reason", rule.reason);
  std::chrono::milliseconds timeout{0};
  if (map.optional("timeout", timeout)) rule.timeout = timeout;
  read_examples(map, "match", /*matches=*/true, rule, problems);
  read_examples(map, "not-match", /*matches=*/false, rule, problems);
  map.finish();
  if (problems.errors().size() != errors_before) return;

  const int subjects = (rule.command.empty() ? 0 : 1) + (rule.programs.empty() ? 0 : 1) +
                       (rule.script.empty() ? 0 : 1) + (rule.hosts.empty() ? 0 : 1) + (rule.paths.empty() ? 0 : 1);
  if (subjects > 1 || (subjects == 0 && rule.tools.empty())) {
    return problems.error(node.at, "a rule is about one thing: command, commands, script, host, path or tool");
  }
  if (rule.exact && rule.command.empty()) problems.error(node.at, "\"exact\" belongs to a rule about a command");
  if (!rule.when.empty() && rule.tools.empty()) problems.error(node.at, "\"arguments\" belongs to a rule about a tool");
  if (rule.timeout && rule.verdict != Verdict::kAsk) problems.error(node.at, "\"timeout\" belongs to a rule that asks");
  rule.text = fmt::format("{}: {}", subject_text(rule, tools), name_of(rule.verdict));
  set.rules.push_back(std::move(rule));
}

RuleSet read_own(const Node& root, const RuleFacts& facts, Problems& problems) {
  RuleSet set;
  MapReader map(root, problems);
  std::string fallback;
  if (map.optional_choice("default", {"allow", "ask", "deny"}, fallback)) {
    set.fallback = fallback == "allow" ? Verdict::kAllow : fallback == "deny" ? Verdict::kDeny : Verdict::kAsk;
    set.fallback_at = place_of(root.find("default")->at);
  }
  const Node* rules = map.take("rules");
  if (rules != nullptr && !rules->is_null()) {
    if (rules->list() == nullptr) {
      formats::wrong_kind(*rules, "a list", problems);
    } else {
      for (const Node& rule : *rules->list()) read_rule(rule, set, facts, problems);
    }
  }
  map.finish();
  return set;
}

bool is_hitl(const Node& root) {
  if (root.find("default_action") != nullptr || root.find("compute") != nullptr) return true;
  const Node* rules = root.find("rules");
  return rules != nullptr && rules->list() != nullptr &&
         std::ranges::any_of(*rules->list(), [](const Node& rule) { return rule.find("action") != nullptr; });
}

formats::Position position_of(Place at) { return {.line = at.line, .column = at.column}; }

/// What an example stands for: a command, a host, a path, or the name of a tool.
Action action_of(const Rule& rule, const std::string& example) {
  Action action;
  if (!rule.hosts.empty()) {
    action.kind = Action::Kind::kNetwork;
    action.hosts = {canonical_host(example)};
  } else if (!rule.paths.empty()) {
    action.kind = rule.access == Access::kWrite ? Action::Kind::kFileChange : Action::Kind::kRead;
    action.paths = {clean_path(example)};
  } else if (rule.about_commands()) {
    action.kind = Action::Kind::kCommand;
    action.tool = rule.tools.empty() ? "shell" : rule.tools.front();
    action.script = example;
    action.arguments["command"] = example;
  } else {
    action.tool = example;
  }
  return action;
}

}  // namespace

bool Rule::about_commands() const {
  return !command.empty() || !programs.empty() || !script.empty() ||
         std::ranges::any_of(when, [](const Condition& condition) {
           return condition.op == Condition::Op::kCommandNames || condition.key == "command";
         });
}

std::size_t RuleSet::example_count() const {
  std::size_t count = 0;
  for (const Rule& rule : rules) count += rule.examples.size();
  return count;
}

namespace {

Result<RuleSet> read_set(std::string_view text, const std::string& file, const RuleFacts& facts) {
  TRY(const formats::Document document, formats::read_document(text, file));
  Problems problems(file);
  if (document.root.map() == nullptr && !document.root.is_null()) {
    formats::wrong_kind(document.root, "a map with \"rules\"", problems);
    TRY_OK(problems.result());
  }
  RuleSet set = is_hitl(document.root) ? read_hitl(document.root, problems) : read_own(document.root, facts, problems);
  TRY_OK(problems.result());
  set.source = file;
  for (std::string& warning : set.warnings) warning = file + ":" + warning;
  return set;
}

}  // namespace

Result<RuleSet> read_rules(std::string_view text, const std::string& file, const RuleFacts& facts) {
  return read_set(text, file, facts).or_hint("mend it: " + base::edit_command(file));
}

std::vector<std::string> failed_examples(const RuleSet& set) {
  std::vector<std::string> failures;
  for (const Rule& rule : set.rules) {
    for (const Rule::Example& example : rule.examples) {
      const auto subjects = subjects_of(action_of(rule, example.text));
      if (!subjects.ok()) {
        failures.push_back(formats::error_at(set.source, position_of(example.at), subjects.error().message).message);
        continue;
      }
      const bool matched = std::ranges::any_of(subjects->all, [&](const Subject& subject) {
        return match_of(rule, subjects->action, subject) == Match::kYes;
      });
      if (matched == example.matches) continue;
      const auto error = formats::error_at(set.source, position_of(example.at),
                                           fmt::format("example \"{}\" {}, but the rule ({}) {}", example.text,
                                                       example.matches ? "should match" : "should not match", rule.text,
                                                       matched ? "matches it" : "does not match it"));
      failures.push_back(error.message);
    }
  }
  return failures;
}

Result<RuleSet> load_rules(std::string_view text, const std::string& file, const RuleFacts& facts) {
  TRY(RuleSet set, read_rules(text, file, facts));
  const std::vector<std::string> failures = failed_examples(set);
  if (failures.empty()) return set;
  return Error{.code = base::codes::kInvalid,
               .message = base::join(failures, "\n"),
               .hint = "mend the rule or the example; lathe policy test " + file};
}

std::string write_rules(const std::vector<base::Json>& rules) {
  base::Json file;
  file["rules"] = rules;
  return base::dump_json_pretty(file) + "\n";
}

Result<std::vector<base::Json>> rules_as_json(std::string_view text, const std::string& file, const RuleFacts& facts) {
  TRY_OK(load_rules(text, file, facts));
  TRY(const base::Json parsed, base::parse_json(text).within(file));
  std::vector<base::Json> rules;
  for (const base::Json& rule : base::json_at(parsed, "rules")) rules.push_back(rule);
  return rules;
}

}  // namespace lathe::policy
