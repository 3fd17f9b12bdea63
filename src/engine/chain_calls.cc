#include "lathe/engine/chain_calls.h"

#include <fmt/format.h>

#include <string>
#include <utility>
#include <vector>

#include "lathe/base/check.h"
#include "lathe/base/strings.h"
#include "lathe/chain/bound.h"
#include "lathe/chain/check.h"
#include "lathe/chain/graph.h"
#include "lathe/chain/load.h"
#include "lathe/chain/schema.h"
#include "lathe/chain/show.h"
#include "lathe/ports/tool_policies.h"

namespace lathe::engine {

using base::Error;
using base::Result;

namespace {

protocol::ChainFinding told(const chain::Finding& finding) {
  return {.id = finding.id,
          .severity = finding.severity == chain::Severity::kError ? protocol::FindingSeverity::kError
                                                                  : protocol::FindingSeverity::kWarning,
          .line = static_cast<std::int64_t>(finding.at.line),
          .column = static_cast<std::int64_t>(finding.at.column),
          .message = finding.message,
          .hint = finding.hint};
}

chain::Surroundings surroundings_of(const protocol::ChainCheck& call) {
  chain::Surroundings around;
  around.variables = call.variables;
  around.policy = [](std::string_view toolset, std::string_view key, std::string_view value) {
    return ports::ToolPolicies().set(toolset, key, value);
  };
  return around;
}

Result<const chain::Chain*> chosen(const std::vector<chain::Chain>& chains, const std::string& id) {
  std::vector<std::string> ids;
  for (const chain::Chain& chain : chains) {
    if (id.empty() || *chain.id == id) return &chain;
    ids.push_back(*chain.id);
  }
  std::string hint = base::did_you_mean(id, ids);
  if (hint.empty()) hint = "there are " + base::join(ids, ", ");
  return Error{.code = base::codes::kNotFound, .message = fmt::format("there is no chain \"{}\"", id), .hint = hint};
}

Result<std::string> in_form(const chain::Chain& chain, protocol::ChainForm form) {
  switch (form) {
    case protocol::ChainForm::kText:
      return chain::draw(chain, chain::GraphFormat::kText);
    case protocol::ChainForm::kMermaid:
      return chain::draw(chain, chain::GraphFormat::kMermaid);
    case protocol::ChainForm::kDot:
      return chain::draw(chain, chain::GraphFormat::kDot);
    case protocol::ChainForm::kSvg:
      return chain::draw(chain, chain::GraphFormat::kSvg);
    case protocol::ChainForm::kYaml:
      return chain::show(chain);
  }
  CHECK(false);
}

}  // namespace

protocol::ChainCheckReply check_chain(const protocol::ChainCheck& call) {
  const chain::LoadOptions options{.unknown_fields = call.strict ? chain::LoadOptions::UnknownFields::kError
                                                                 : chain::LoadOptions::UnknownFields::kWarning};
  const chain::Loaded loaded = chain::load(call.text, call.file, options);
  const std::vector<chain::Finding> findings = chain::check(loaded, surroundings_of(call));
  protocol::ChainCheckReply reply;
  for (const chain::Finding& finding : findings) reply.findings.push_back(told(finding));
  if (chain::has_errors(findings)) return reply;
  for (const chain::Chain& chain : loaded.chains) {
    reply.bounds.push_back({.chain = *chain.id, .text = chain::bound_text(chain::bound_of(chain))});
  }
  return reply;
}

Result<protocol::ChainShowReply> show_chain(const protocol::ChainShow& call) {
  const chain::Loaded loaded = chain::load(call.text, call.file);
  if (chain::has_errors(loaded.findings)) {
    return Error{.code = base::codes::kInvalid,
                 .message = std::string(base::trim(chain::findings_text(call.file, loaded.findings))),
                 .hint = "lathe chain validate " + base::shell_quote(call.file)};
  }
  TRY(const chain::Chain* chain, chosen(loaded.chains, call.chain));
  TRY(std::string text, in_form(*chain, call.form));
  return protocol::ChainShowReply{.text = std::move(text)};
}

protocol::ChainSchemaReply chain_schema() { return {.schema = chain::schema()}; }

}  // namespace lathe::engine
