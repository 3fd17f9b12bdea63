#include "lathe/engine/policy_calls.h"

#include <fmt/format.h>

#include <algorithm>

#include "lathe/policy/rule_file.h"
#include "lathe/runtime/files.h"

namespace lathe::engine {

using base::Error;
using base::Result;

Result<protocol::ToolCall> explained_call(const protocol::PolicyExplain& call) {
  protocol::ToolCall made{.call_id = "explained", .tool = call.tool.empty() ? "shell" : call.tool};
  base::Json arguments = call.arguments.value_or(base::Json::object());
  if (!call.command.empty() && call.tool.empty()) arguments["command"] = call.command;
  if (call.tool.empty() && call.command.empty()) {
    return Error{.code = base::codes::kInvalid,
                 .message = "the command to decide about is empty",
                 .hint = "give a command, or --tool with --args"};
  }
  if (!arguments.is_object()) {
    return Error{.code = base::codes::kInvalid, .message = "the arguments of a tool are a JSON object"};
  }
  if (!call.cwd.starts_with('/')) {
    return Error{.code = base::codes::kInvalid, .message = "a decision is about a call in a folder: cwd is missing"};
  }
  made.arguments = base::dump_json(arguments);
  return made;
}

Result<protocol::PolicyExplainReply> explain(PolicyPlaces places, const config::Config& config,
                                             const protocol::PolicyExplain& call, const ports::Action& action) {
  if (!call.policy_file.empty()) places.only = call.policy_file;
  TRY(const auto book, PolicyBook::read(std::move(places)));
  TRY(PolicyBook::Project project, book->read_project(call.cwd));
  std::vector<std::string> warnings = project.untrusted;
  if (const auto unchanged = project.check_unchanged(); !unchanged.ok()) warnings.push_back(unchanged.error().text());
  book->put(std::move(project));
  policy::PolicyDecision decision =
      book->judge(action, {.cwd = call.cwd,
                           .approval = call.approval_policy.value_or(config.approval_policy),
                           .mode = call.sandbox_mode.value_or(configured_mode(config)),
                           .allow_hosts = config.allow_hosts});
  protocol::PolicyExplainReply reply{.decision = std::string(policy::name_of(decision.verdict)),
                                     .rule = std::move(decision.rule),
                                     .source = std::move(decision.source),
                                     .reason = std::move(decision.reason),
                                     .commands = std::move(decision.commands),
                                     .warnings = std::move(warnings)};
  if (!decision.not_understood.empty())
    reply.commands.push_back("(not all of it is understood: " + decision.not_understood + ")");
  return reply;
}

Result<protocol::PolicyTestReply> test_rules(const PolicyPlaces& places, const protocol::PolicyTest& call) {
  TRY(const std::string text, runtime::read_file(call.policy_file, policy::kMaxRuleFileBytes));
  TRY(const policy::RuleSet rules, policy::read_rules(text, call.policy_file, places.facts));
  return protocol::PolicyTestReply{.rules = static_cast<std::int64_t>(rules.rules.size()),
                                   .examples = static_cast<std::int64_t>(rules.example_count()),
                                   .failures = policy::failed_examples(rules)};
}

Result<protocol::TrustListReply> list_trust(const std::string& trust_file, const protocol::TrustList& call) {
  protocol::TrustListReply reply;
  TRY(const std::string real, runtime::real_path(call.path));
  TRY(const TrustStore store, TrustStore::read(trust_file));
  reply.root = store.project_root(real);
  TRY(reply.items, scan_repository(reply.root, real));
  store.mark(reply.root, reply.items);
  std::ranges::move(store.gone_rules(reply.root), std::back_inserter(reply.items));
  std::ranges::sort(reply.items, {}, &protocol::TrustItem::path);
  return reply;
}

Result<protocol::TrustListReply> set_trust(const std::string& trust_file, const protocol::TrustSet& call) {
  TRY(protocol::TrustListReply reply, list_trust(trust_file, {.path = call.path}));
  std::vector<protocol::TrustItem> chosen;
  for (const std::string& sha256 : call.sha256) {
    const std::size_t before = chosen.size();
    std::ranges::copy_if(reply.items, std::back_inserter(chosen),
                         [&](const protocol::TrustItem& item) { return item.sha256 == sha256; });
    if (chosen.size() == before) {
      return Error{.code = base::codes::kNotFound,
                   .message = fmt::format("nothing in {} has the content {}", reply.root, sha256),
                   .hint = "it changed meanwhile; list it again"};
    }
  }
  TRY(TrustStore store, TrustStore::read(trust_file));
  // Whoever trusts that a file is gone, trusts no content of it any more.
  const auto there = std::ranges::partition(chosen, [](const auto& item) { return item.gone; }).begin();
  TRY_OK(store.set(reply.root, {chosen.begin(), there}, /*trusted=*/false));
  TRY_OK(store.set(reply.root, {there, chosen.end()}, call.trusted));
  return list_trust(trust_file, {.path = call.path});
}

}  // namespace lathe::engine
