#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "lathe/base/strings.h"
#include "lathe/base/utf8.h"
#include "lathe/cli/commands/command.h"
#include "lathe/cli/named_files.h"
#include "lathe/runtime/files.h"

namespace lathe::cli {

namespace p = lathe::protocol;
using base::Json;
using base::Result;
using base::terminal_safe;

namespace {

/// A larger file is no workflow that anybody reads.
constexpr std::size_t kMostChainBytes = 50U << 20;

struct CheckedFile {
  std::string file;
  p::ChainCheckReply reply;

  [[nodiscard]] bool good() const {
    return std::ranges::none_of(
        reply.findings, [](const p::ChainFinding& finding) { return finding.severity == p::FindingSeverity::kError; });
  }
};

Result<std::string> read_chain(const std::string& file) {
  TRY_OK(check_input_file("workflow file", file));
  return runtime::read_file(file, kMostChainBytes);
}

runtime::Async<Result<CheckedFile>> check_file(client::Transport* engine, std::string file, bool strict,
                                               std::vector<std::string> variables) {
  CO_TRY(std::string text, read_chain(file));
  CO_TRY(p::ChainCheckReply reply,
         co_await client::call_as(
             engine, p::ChainCheck{
                         .file = file, .text = std::move(text), .strict = strict, .variables = std::move(variables)}));
  co_return CheckedFile{.file = std::move(file), .reply = std::move(reply)};
}

std::string_view word(p::FindingSeverity severity) {
  return severity == p::FindingSeverity::kError ? "error" : "warning";
}

void tell_as_text(Context& context, const CheckedFile& checked) {
  for (const p::ChainFinding& finding : checked.reply.findings) {
    const std::string hint = finding.hint.empty() ? "" : " (" + finding.hint + ")";
    context.out.line(terminal_safe(fmt::format("{}:{}:{}: {}: {}{} [{}]", checked.file, finding.line, finding.column,
                                               word(finding.severity), finding.message, hint, finding.id)));
  }
  if (checked.good()) context.out.line(terminal_safe(checked.file) + ": ok");
  for (const p::ChainBound& bound : checked.reply.bounds) {
    context.out.line(terminal_safe("  " + bound.chain + ", at most:"));
    for (const std::string_view line : base::split(base::trim(bound.text), '\n')) {
      context.out.line("    " + terminal_safe(std::string(line)));
    }
  }
}

Result<Json> as_json(const std::vector<CheckedFile>& all) {
  Json files = Json::array();
  for (const CheckedFile& checked : all) {
    TRY(const Json members, base::parse_json(p::reply_members(checked.reply)));
    files.push_back({{"file", checked.file}});
    files.back().update(members);
  }
  return Json{{"files", std::move(files)}};
}

/// SARIF 2.1.0 (OASIS), as code hosts show it.
Json as_sarif(const std::vector<CheckedFile>& all, const std::string& version) {
  Json results = Json::array();
  std::set<std::string> ids;
  for (const CheckedFile& checked : all) {
    for (const p::ChainFinding& finding : checked.reply.findings) {
      ids.insert(finding.id);
      const std::string text = finding.hint.empty() ? finding.message : finding.message + " (" + finding.hint + ")";
      Json region = {{"startLine", finding.line}, {"startColumn", finding.column}};
      results.push_back(
          {{"ruleId", finding.id},
           {"level", word(finding.severity)},
           {"message", {{"text", text}}},
           {"locations",
            {{{"physicalLocation", {{"artifactLocation", {{"uri", checked.file}}}, {"region", std::move(region)}}}}}}});
    }
  }
  Json rules = Json::array();
  for (const std::string& id : ids) rules.push_back({{"id", id}});
  Json driver = {{"name", "lathe"}, {"version", version}, {"rules", std::move(rules)}};
  return {{"version", "2.1.0"},
          {"runs", {{{"tool", {{"driver", std::move(driver)}}}, {"results", std::move(results)}}}}};
}

}  // namespace

CommandResult execute(Context* context, ChainValidateOptions options) {
  CO_TRY(const auto engine, co_await context->open({.only_chains = true}));
  std::vector<CheckedFile> all;
  for (const std::string& file : options.files) {
    CO_TRY(CheckedFile checked, co_await check_file(engine.get(), file, options.strict, options.variables));
    if (options.format == ChainValidateOptions::Format::kText) tell_as_text(*context, checked);
    all.push_back(std::move(checked));
  }
  if (options.format == ChainValidateOptions::Format::kJson) {
    CO_TRY(const Json document, as_json(all));
    context->out.line(base::dump_json_pretty(document));
  }
  if (options.format == ChainValidateOptions::Format::kSarif) {
    context->out.line(base::dump_json_pretty(as_sarif(all, context->frontend.version)));
  }
  co_return std::ranges::all_of(all, &CheckedFile::good) ? kDone : kUsage;
}

CommandResult execute(Context* context, ChainShowOptions options) {
  CO_TRY(std::string text, read_chain(options.file));
  CO_TRY(const auto engine, co_await context->open({.only_chains = true}));
  CO_TRY(p::ChainShowReply shown, co_await client::call_as(engine.get(), p::ChainShow{.file = options.file,
                                                                                      .text = std::move(text),
                                                                                      .chain = options.chain,
                                                                                      .form = options.form}));
  context->out.add(shown.text.ends_with('\n') ? shown.text : shown.text + "\n");
  co_return kDone;
}

CommandResult execute(Context* context, ChainSchemaOptions) {
  CO_TRY(const auto engine, co_await context->open({.only_chains = true}));
  CO_TRY(p::ChainSchemaReply reply, co_await client::call_as(engine.get(), p::ChainSchema{}));
  context->out.line(base::dump_json_pretty(reply.schema));
  co_return kDone;
}

}  // namespace lathe::cli
