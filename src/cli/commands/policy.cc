#include <fmt/format.h>

#include "lathe/base/utf8.h"
#include "lathe/cli/commands/command.h"
#include "lathe/cli/named_files.h"
#include "lathe/cli/render/table.h"
#include "lathe/runtime/files.h"

namespace lathe::cli {

namespace p = lathe::protocol;
using base::Result;
using base::terminal_safe;

namespace {

Result<p::PolicyExplain> explain_call(const PolicyExplainOptions& options) {
  p::PolicyExplain call{.command = options.command,
                        .tool = options.tool,
                        .approval_policy = options.approval_policy,
                        .sandbox_mode = options.sandbox_mode};
  TRY(call.cwd, runtime::real_path(".").within("the working folder"));
  if (!options.policy.empty()) {
    TRY(call.policy_file, named_rules("--policy", options.policy));
  }
  if (!options.arguments.empty()) {
    TRY(call.arguments, base::parse_json(options.arguments).within("--args"));
  }
  return call;
}

}  // namespace

CommandResult execute(Context* context, PolicyExplainOptions options) {
  CO_TRY(p::PolicyExplain call, explain_call(options));
  CO_TRY(const auto engine, co_await context->open({.only_policy = true}));
  CO_TRY(p::PolicyExplainReply reply, co_await client::call_as(engine.get(), std::move(call)));
  for (const std::string& warning : reply.warnings) context->note(warning);
  if (options.json) {
    context->out.add(reply_document(std::move(reply)));
    co_return kDone;
  }
  context->out.line(reply.decision);
  context->out.line("  rule:   " + terminal_safe(reply.rule));
  context->out.line("  source: " + terminal_safe(reply.source));
  if (!reply.reason.empty()) context->out.line("  reason: " + terminal_safe(reply.reason));
  for (const std::string& command : reply.commands) context->out.line("  runs:   " + terminal_safe(command));
  co_return kDone;
}

CommandResult execute(Context* context, PolicyTestOptions options) {
  CO_TRY_OK(check_input_file("rule file", options.file));
  CO_TRY(std::string file, runtime::real_path(options.file).within("rule file"));
  CO_TRY(const auto engine, co_await context->open({.only_policy = true}));
  CO_TRY(p::PolicyTestReply reply,
         co_await client::call_as(engine.get(), p::PolicyTest{.policy_file = std::move(file)}));
  const bool good = reply.failures.empty();
  if (options.json) {
    context->out.add(reply_document(std::move(reply)));
    co_return good ? kDone : kTaskFailed;
  }
  for (const std::string& failure : reply.failures) context->out.line(terminal_safe(failure));
  context->out.line(fmt::format("{} rules, {} examples, {} wrong", reply.rules, reply.examples, reply.failures.size()));
  co_return good ? kDone : kTaskFailed;
}

}  // namespace lathe::cli
