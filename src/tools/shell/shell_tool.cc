#include "lathe/tools/shell/shell_tool.h"

#include <fmt/format.h>

#include <algorithm>

#include "lathe/base/strings.h"
#include "lathe/base/utf8.h"
#include "lathe/runtime/files.h"
#include "lathe/tools/common/arguments.h"
#include "lathe/tools/common/prepared_job.h"
#include "lathe/tools/common/schema.h"
#include "lathe/tools/common/workspace.h"
#include "lathe/tools/shell/intercept.h"

namespace lathe::tools::shell {

using base::Error;
using base::Result;
using common::Need;
using ports::RunResult;
using protocol::CallStatus;
using runtime::Async;

namespace {

constexpr std::int64_t kMaxTimeoutMs = std::int64_t{1} << 40;

ports::ToolSpec make_spec(const ShellOptions& options) {
  const auto seconds = [](std::chrono::milliseconds span) { return span.count() / 1000; };
  return {
      .name = "shell",
      .description = fmt::format(
          "Runs a command with {} and gives its exit code and output (stdout and stderr together). Every call starts a "
          "new shell in the working folder; when the command ends, everything it started is ended too, so nothing can "
          "be left running in the background. There is no terminal: programs that ask or page do not work.",
          options.shell),
      .parameters = common::object_schema(
          {{"command", Need::kRequired, common::text_schema("The command line or script.")},
           {"workdir", Need::kOptional,
            common::text_schema("Folder to run in, relative to the working folder. Prefer this to `cd`.")},
           {"timeout_ms", Need::kOptional,
            common::number_schema(fmt::format("Milliseconds after which the command is killed; what it wrote until "
                                              "then is kept. Default {0}000, at most {1}000.",
                                              seconds(options.default_timeout), seconds(options.most_timeout)),
                                  1)},
           {"stdin", Need::kOptional, common::text_schema("Text for the command's standard input; empty without it.")},
           {"ask_approval", Need::kOptional,
            common::flag_schema("Have a person decide before it runs: for what cannot be undone or reaches beyond the "
                                "working folder. Needs `reason`.")},
           {"reason", Need::kOptional, common::text_schema("One sentence for that person: why this must run.")}})};
}

struct ShellJob {
  ports::CommandRunner* runner;
  ports::CommandSpec spec;

  Async<Result<RunResult>> run(ports::OutputSink& out, runtime::CancelToken cancel) {
    const std::chrono::milliseconds timeout = spec.timeout;
    CO_TRY(const ports::CommandExit exit, co_await runner->run(std::move(spec), out, std::move(cancel)));
    RunResult result{.status = exit.status, .exit_code = exit.exit_code};
    if (exit.status == CallStatus::kTimedOut) {
      result.header = fmt::format("Timed out after {}; everything it started was killed. Output until then:\n",
                                  base::format_duration(timeout));
    } else if (exit.status == CallStatus::kCancelled) {
      result.header = "Cancelled; everything it started was killed.\n";
    } else {
      // No time: the same command with the same result reads the same, so that repetition can be seen.
      result.header = fmt::format("Exit code: {}\n", exit.exit_code);
      if (exit.exit_code != 0) result.status = CallStatus::kFailed;
    }
    co_return result;
  }
};

class ShellTool final : public ports::Tool {
 public:
  explicit ShellTool(ShellOptions options) : options_(std::move(options)), spec_(make_spec(options_)) {}

  [[nodiscard]] const ports::ToolSpec& spec() const override { return spec_; }
  [[nodiscard]] bool read_only() const override { return false; }

  Async<Result<std::unique_ptr<ports::PreparedCall>>> prepare(const protocol::ToolCall& call,
                                                              const ports::ToolEnvironment& environment) override {
    CO_TRY(const auto arguments, common::Arguments::parse(spec_, call));
    CO_TRY(std::string command, arguments.text("command"));
    if (base::trim(command).empty()) co_return arguments.wrong("command", "is empty");
    const auto patch = find_patch(command);
    if (const auto* misplaced = std::get_if<MisplacedPatch>(&patch)) {
      co_return Error{.code = base::codes::kInvalid,
                      .message = fmt::format("shell: {}", misplaced->why),
                      .hint = "call the tool apply_patch with the patch"};
    }
    if (const auto* found = std::get_if<PatchInScript>(&patch); found != nullptr && options_.apply_patch != nullptr) {
      co_return co_await options_.apply_patch->prepare({.call_id = call.call_id,
                                                        .tool = options_.apply_patch->spec().name,
                                                        .arguments = base::dump_json({{"input", found->patch}})},
                                                       environment);
    }
    co_return prepare_command(call, environment, arguments, std::move(command));
  }

 private:
  Result<std::unique_ptr<ports::PreparedCall>> prepare_command(const protocol::ToolCall& call,
                                                               const ports::ToolEnvironment& environment,
                                                               const common::Arguments& arguments,
                                                               std::string command) const {
    ports::CommandSpec spec;
    spec.cwd = environment.cwd;
    TRY(const auto workdir, arguments.optional_text("workdir"));
    if (workdir) {
      TRY(const auto place, common::place_of(environment.cwd, *workdir).within("shell: workdir"));
      spec.cwd = place.absolute;
    }
    TRY(const auto timeout, arguments.optional_number("timeout_ms", 1, kMaxTimeoutMs));
    spec.timeout = timeout
                       ? std::clamp(std::chrono::milliseconds(*timeout), options_.least_timeout, options_.most_timeout)
                       : options_.default_timeout;
    TRY(spec.input, arguments.optional_text("stdin"));
    TRY(const bool ask, arguments.flag("ask_approval", false));
    TRY(const auto reason, arguments.optional_text("reason"));
    if (ask && base::trim(reason.value_or("")).empty()) {
      return arguments.wrong("reason", "is missing; ask_approval needs it");
    }
    spec.env = options_.environment;
    spec.argv = {options_.shell, "-c", std::move(command)};

    ports::Action action = common::action_of(call, ports::Action::Kind::kCommand);
    action.command = spec.argv;
    action.cwd = spec.cwd;
    action.ask_requested = ask;
    action.reason = reason.value_or("");
    const std::string_view first_line = base::split(base::trim(spec.argv[2]), '\n')[0];
    std::string title = fmt::format("run {}", base::utf8_prefix(first_line, 120));
    return common::prepared_job(std::move(action), std::move(title), ShellJob{options_.runner, std::move(spec)});
  }

  const ShellOptions options_;
  const ports::ToolSpec spec_;
};

}  // namespace

std::vector<std::unique_ptr<ports::Tool>> make_shell_tools(ShellOptions options) {
  std::vector<std::unique_ptr<ports::Tool>> tools;
  tools.push_back(std::make_unique<ShellTool>(std::move(options)));
  return tools;
}

std::string default_shell() { return runtime::path_exists("/bin/bash") ? "/bin/bash" : "/bin/sh"; }

}  // namespace lathe::tools::shell
