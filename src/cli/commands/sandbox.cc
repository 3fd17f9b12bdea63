#include "lathe/client/sandbox.h"

#include <fmt/format.h>

#include <algorithm>

#include "lathe/base/json.h"
#include "lathe/base/utf8.h"
#include "lathe/cli/commands/command.h"
#include "lathe/runtime/files.h"

namespace lathe::cli {

using client::SandboxCheck;

namespace {

bool broken(const SandboxCheck& check) { return check.required && !check.refused; }

base::Json in_json(const client::SandboxReport& report) {
  base::Json checks = base::Json::array();
  for (const SandboxCheck& check : report.checks) {
    checks.push_back({{"id", check.id},
                      {"guarantee", check.guarantee},
                      {"text", check.text},
                      {"required", check.required},
                      {"refused", check.refused},
                      {"detail", check.detail}});
  }
  return {{"level", report.level},
          {"best_level", report.best_level},
          {"landlock_abi", report.landlock_abi},
          {"ok", std::ranges::none_of(report.checks, broken)},
          {"checks", std::move(checks)}};
}

std::string in_words(const SandboxCheck& check) {
  const std::string_view outcome = check.refused ? "refused" : "DONE";
  const std::string_view note = check.required ? "" : (check.refused ? " (not guaranteed)" : " (not guaranteed here)");
  return fmt::format("{:<8} {}{}: {}", outcome, check.text, note, base::terminal_safe(check.detail));
}

/// In the order in which they come first.
std::vector<std::string> guarantees_of(const client::SandboxReport& report) {
  std::vector<std::string> names;
  for (const SandboxCheck& check : report.checks) {
    if (std::ranges::find(names, check.guarantee) == names.end()) names.push_back(check.guarantee);
  }
  return names;
}

/// "writes: 6 of 7 held".
std::string summary_of(const client::SandboxReport& report, const std::string& guarantee) {
  const auto is_of = [&](const SandboxCheck& check) { return check.guarantee == guarantee; };
  const auto holds = [&](const SandboxCheck& check) { return is_of(check) && check.refused; };
  return fmt::format("{}: {} of {} held", guarantee, std::ranges::count_if(report.checks, holds),
                     std::ranges::count_if(report.checks, is_of));
}

}  // namespace

CommandResult execute(Context* context, SandboxRunOptions options) {
  CO_TRY(const auto sandbox, context->frontend.open_sandbox());
  client::SandboxRun what{.argv = std::move(options.argv),
                          .cwd = {},
                          .mode = options.mode,
                          .level = std::move(options.level),
                          .allow_hosts = std::move(options.allow_hosts)};
  CO_TRY(what.cwd, runtime::real_path(".").within("the working folder"));
  CO_TRY(const int code, co_await sandbox->run(std::move(what)));
  co_return static_cast<ExitCode>(code);
}

CommandResult execute(Context* context, SandboxTestOptions options) {
  CO_TRY(const auto sandbox, context->frontend.open_sandbox());
  CO_TRY(const client::SandboxReport report, co_await sandbox->test(std::move(options.level)));
  const auto failures = std::ranges::count_if(report.checks, broken);
  if (options.json) {
    context->out.line(base::dump_json(in_json(report)));
  } else {
    context->out.line(fmt::format("level {} (this machine gives {}; Landlock ABI {})", report.level, report.best_level,
                                  report.landlock_abi));
    for (const std::string& guarantee : guarantees_of(report)) {
      context->out.line(summary_of(report, guarantee));
      for (const SandboxCheck& check : report.checks) {
        if (check.guarantee != guarantee) continue;
        const std::string line = "  " + in_words(check);
        context->out.line(broken(check) ? context->out_style.paint(Ink::kRed, line) : line);
      }
    }
    if (failures > 0) context->note(fmt::format("{} guarantees of level {} do not hold", failures, report.level));
  }
  co_return failures == 0 ? kDone : kUsage;
}

CommandResult execute(Context* context, SandboxTaintedOptions options) {
  CO_TRY(const auto sandbox, context->frontend.open_sandbox());
  CO_TRY(const std::string cwd, runtime::real_path(".").within("the working folder"));
  CO_TRY(const std::vector<client::TaintNote> notes, co_await sandbox->tainted(cwd));
  if (options.clear) CO_TRY_OK(co_await sandbox->clear_taint(cwd));
  if (options.json) {
    base::Json list = base::Json::array();
    for (const client::TaintNote& note : notes) list.push_back({{"at", note.at}, {"text", note.text}});
    context->out.line(base::dump_json({{"workspace", cwd}, {"cleared", options.clear}, {"notes", std::move(list)}}));
    co_return kDone;
  }
  for (const client::TaintNote& note : notes) context->out.line(base::terminal_safe(note.text));
  if (notes.empty()) {
    context->note("this workspace is not tainted");
  } else {
    context->note(options.clear ? "cleared" : "when you have looked at it: lathe sandbox tainted --clear");
  }
  co_return kDone;
}

}  // namespace lathe::cli
