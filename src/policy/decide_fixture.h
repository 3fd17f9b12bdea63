#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lathe/policy/decide.h"
#include "lathe/policy/presets.h"
#include "lathe/policy/rule_file.h"

// What tests of decisions share: rules from text, actions in a workspace /w, and what is decided about them.

namespace lathe::policy {

using Kind = Source::Kind;

inline Source source(Kind kind, std::string_view text, const std::string& file = "r.yaml") {
  auto rules = load_rules(text, file);
  EXPECT_TRUE(rules.ok()) << rules.error().text();
  return {.kind = kind, .rules = std::make_shared<const RuleSet>(*std::move(rules))};
}
inline Source named(const char* name) {
  return {.kind = Kind::kPerson, .rules = std::make_shared<const RuleSet>(*preset(name))};
}

inline Action command(std::string text) {
  Action action{.kind = Action::Kind::kCommand, .tool = "shell"};
  action.script = std::move(text);
  action.arguments["command"] = action.script;
  action.cwd = "/w";
  action.workspace = "/w";
  return action;
}
inline Action file(std::string path, Action::Kind kind = Action::Kind::kFileChange) {
  Action action{.kind = kind, .tool = kind == Action::Kind::kRead ? "read_file" : "write_file"};
  action.workspace = action.cwd = "/w";
  action.paths = {std::move(path)};
  action.arguments["path"] = action.paths[0];
  return action;
}

inline PolicyDecision on_request(const std::vector<Source>& sources, Action action) {
  return decide(sources, {}, std::move(action));
}
inline Verdict verdict(const std::vector<Source>& sources, Action action,
                       protocol::ApprovalPolicy approval = protocol::ApprovalPolicy::kOnRequest) {
  return decide(sources, {.approval = approval}, std::move(action)).verdict;
}

}  // namespace lathe::policy
