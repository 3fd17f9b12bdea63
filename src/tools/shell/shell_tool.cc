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
#include "lathe/tools/shell/job_tools.h"

namespace lathe::tools::shell {

using base::Error;
using base::Result;
using common::Need;
using ports::RunResult;
using protocol::CallStatus;
using runtime::Async;

namespace {

constexpr std::int64_t kMaxTimeoutMs = std::int64_t{1} << 40;
/// The longest argument that Linux hands to a program.
constexpr std::size_t kMaxScriptBytes = 131'071;

ports::ToolSpec make_spec(const ShellOptions& options) {
  const auto seconds = [](std::chrono::milliseconds span) { return span.count() / 1000; };
  return {
      .name = "shell",
      .description = fmt::format(
          "Runs a command with {} and gives its exit code and output (stdout and stderr together). Every call starts a "
          "new shell in the working folder; when the command ends, everything it started is ended too. For what is to "
          "go on (a server, a watcher, a long build) set `background`; you are told when it ends. There is no "
          "terminal, "
          "so programs that ask or page do not work, unless `tty` is set: then write_stdin types into it.",
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
           {"background", Need::kOptional,
            common::flag_schema("Run it as a job that goes on after this call, until it ends or the session does.")},
           {"tty", Need::kOptional, common::flag_schema("Run it as a job in a live terminal.")},
           {"yield_time_ms", Need::kOptional,
            common::number_schema(
                "With background or tty: milliseconds to wait for first output, 250 to 30000. Default "
                "250, with tty 10000.",
                1)},
           {"stdin", Need::kOptional, common::text_schema("Text for the command's standard input; empty without it.")},
           {"ask_approval", Need::kOptional,
            common::flag_schema("Have a person decide before it runs: for what cannot be undone or reaches beyond the "
                                "working folder. Needs `reason`.")},
           {"reason", Need::kOptional, common::text_schema("One sentence for that person: why this must run.")},
           {"sandbox_permissions", Need::kOptional,
            common::text_schema(
                "\"require_escalated\" asks a person to let this one command run outside the sandbox, "
                "after the sandbox stopped it. Needs `justification`; not with `tty`, and a background job "
                "then has no input. Default \"use_default\".")},
           {"justification", Need::kOptional,
            common::text_schema("One sentence for that person: why it cannot run inside the sandbox.")}})};
}

constexpr std::chrono::milliseconds kLeastFirstYield{250};
constexpr std::chrono::milliseconds kMostFirstYield{30'000};
constexpr std::chrono::milliseconds kTerminalYield{10'000};

bool has_only_comments(std::string_view script) {
  return std::ranges::all_of(base::split_lines(script), [](std::string_view line) {
    const std::string_view text = base::trim(line);
    return text.empty() || text.starts_with('#');
  });
}

/// What a command would do, outside of the jail that stopped it.
ports::Action outside_of_jail(ports::Action action, const std::string& refused) {
  action.sandbox = "none";
  action.ask_requested = false;
  action.outside_sandbox = true;
  action.refused = refused;
  return action;
}

/// A command that goes on after its call. One that the jail stops while the call still waits for its first output can
/// be offered to a person, as a job of its own; of one that is stopped later the model is told.
class BackgroundCall final : public ports::PreparedCall {
 public:
  /// `instead_of`: the job that the jail stopped; empty: none.
  BackgroundCall(ports::Action action, std::string title, ports::JobRunner* jobs, ports::JobSpec spec,
                 std::chrono::milliseconds yield, std::string instead_of = {})
      : action_(std::move(action)),
        title_(std::move(title)),
        jobs_(jobs),
        spec_(std::move(spec)),
        yield_(yield),
        instead_of_(std::move(instead_of)) {}

  [[nodiscard]] const ports::Action& action() const override { return action_; }
  [[nodiscard]] std::string title() const override { return title_; }

  Async<Result<RunResult>> run(ports::OutputSink& out, runtime::CancelToken cancel) override {
    CO_TRY_OK(co_await jobs_->start(spec_));
    const JobHold hold(*jobs_, spec_.job, JobHold::Taken::kAtStart);
    // Somebody said yes to this command, not to what could be typed into it.
    if (spec_.command.outside_jail) CO_TRY_OK(jobs_->close_input(spec_.job));
    CO_TRY(RunResult result, co_await report_job(jobs_, spec_.job, yield_, &out, std::move(cancel)));
    if (result.status == CallStatus::kFailed && result.refused.empty()) {
      result.refused = co_await jobs_->hidden(spec_.job);
    }
    if (!instead_of_.empty()) {
      result.header = fmt::format("{} in the sandbox; {} is the same command outside.\n{}",
                                  ports::job_ended_words(instead_of_), spec_.job, result.header);
    }
    co_return result;
  }

  [[nodiscard]] std::unique_ptr<ports::PreparedCall> outside_sandbox(const std::string& refused) const override {
    // A person decides about one command, not about what would be typed into a terminal.
    if (spec_.command.outside_jail || spec_.terminal) return nullptr;
    ports::Action action = outside_of_jail(action_, refused);
    ports::JobSpec spec = spec_;
    spec.job = jobs_->new_job();
    action.job = spec.job;
    // It runs only when the gate lets it.
    spec.command.outside_jail = true;
    return std::make_unique<BackgroundCall>(std::move(action), title_, jobs_, std::move(spec), yield_, spec_.job);
  }

 private:
  const ports::Action action_;
  const std::string title_;
  ports::JobRunner* const jobs_;
  const ports::JobSpec spec_;
  const std::chrono::milliseconds yield_;
  const std::string instead_of_;
};

/// A command that is run to its end.
class ShellCall final : public ports::PreparedCall {
 public:
  ShellCall(ports::Action action, std::string title, ports::CommandRunner* runner, ports::CommandSpec spec)
      : action_(std::move(action)), title_(std::move(title)), runner_(runner), spec_(std::move(spec)) {}

  [[nodiscard]] const ports::Action& action() const override { return action_; }
  [[nodiscard]] std::string title() const override { return title_; }

  Async<Result<RunResult>> run(ports::OutputSink& out, runtime::CancelToken cancel) override {
    CO_TRY(const ports::CommandExit exit, co_await runner_->run(spec_, out, std::move(cancel)));
    RunResult result{.status = exit.status, .exit_code = exit.exit_code};
    if (exit.status == CallStatus::kTimedOut) {
      result.header = fmt::format("Timed out after {}; everything it started was killed. Output until then:\n",
                                  base::format_duration(spec_.timeout));
    } else if (exit.status == CallStatus::kCancelled) {
      result.header = "Cancelled; everything it started was killed.\n";
    } else {
      // No time: the same command with the same result reads the same, so that repetition can be seen.
      result.header = protocol::exit_code_line(exit.exit_code);
      if (exit.exit_code != 0) result.status = CallStatus::kFailed;
    }
    if (!exit.refused.empty()) {
      result.header += fmt::format("The sandbox may have refused it: {}\n", exit.refused);
    }
    if (result.status == CallStatus::kFailed) result.refused = exit.refused.empty() ? exit.hidden : exit.refused;
    co_return result;
  }

  [[nodiscard]] std::unique_ptr<ports::PreparedCall> outside_sandbox(const std::string& refused) const override {
    if (spec_.outside_jail) return nullptr;
    ports::CommandSpec spec = spec_;
    // It runs only when the gate lets it.
    spec.outside_jail = true;
    return std::make_unique<ShellCall>(outside_of_jail(action_, refused), title_, runner_, std::move(spec));
  }

 private:
  const ports::Action action_;
  const std::string title_;
  ports::CommandRunner* const runner_;
  const ports::CommandSpec spec_;
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
    if (has_only_comments(command)) co_return arguments.wrong("command", "has only comments, so nothing would run");
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
  /// What the model wants a person to decide, and why.
  struct Wish {
    bool ask = false;
    bool outside = false;
    std::string reason;
  };

  static Result<Wish> wish_of(const common::Arguments& arguments) {
    TRY(const bool ask, arguments.flag("ask_approval", false));
    TRY(const auto reason, arguments.optional_text("reason"));
    if (ask && base::trim(reason.value_or("")).empty()) {
      return arguments.wrong("reason", "is missing; ask_approval needs it");
    }
    TRY(const auto permissions, arguments.optional_text("sandbox_permissions"));
    TRY(const auto justification, arguments.optional_text("justification"));
    const bool outside = permissions == "require_escalated";
    if (permissions && !outside && *permissions != "use_default") {
      return arguments.wrong("sandbox_permissions", "is neither \"use_default\" nor \"require_escalated\"");
    }
    if (outside && base::trim(justification.value_or("")).empty()) {
      return arguments.wrong("justification", "is missing; require_escalated needs it");
    }
    return Wish{.ask = ask, .outside = outside, .reason = outside ? *justification : reason.value_or("")};
  }

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
    TRY(const Wish wish, wish_of(arguments));
    if (command.size() > kMaxScriptBytes) {
      return arguments.wrong("command", fmt::format("has {} bytes; a shell is given {} at most: write it to a file",
                                                    command.size(), kMaxScriptBytes));
    }
    spec.env = options_.environment;
    spec.call_id = call.call_id;
    // It runs only when the gate lets it.
    spec.outside_jail = wish.outside;
    TRY(const bool background, arguments.flag("background", false));
    TRY(const bool terminal, arguments.flag("tty", false));
    TRY(const auto yield, arguments.optional_number("yield_time_ms", 1, kMaxTimeoutMs));
    const bool goes_on = background || terminal;
    if (wish.outside && terminal) {
      return arguments.wrong("tty",
                             "cannot go with require_escalated: a person decides about one command, not about "
                             "all that would be typed into it");
    }
    if (goes_on && spec.input) return arguments.wrong("stdin", "is not for a job; type with write_stdin");
    if (goes_on && timeout) return arguments.wrong("timeout_ms", "is not for a job; job_kill ends it");
    if (!goes_on && yield) return arguments.wrong("yield_time_ms", "needs background or tty");
    spec.argv = {options_.shell, "-c", std::move(command)};

    ports::Action action = common::action_of(call, ports::Action::Kind::kCommand);
    action.command = spec.argv;
    action.script = spec.argv[2];
    action.cwd = spec.cwd;
    action.input = spec.input;
    action.terminal = terminal;
    if (!goes_on) action.timeout = spec.timeout;
    action.sandbox = wish.outside ? "none" : options_.runner->confinement();
    action.ask_requested = wish.ask;
    action.outside_sandbox = wish.outside;
    action.reason = wish.reason;
    const std::string_view first_line = base::split(base::trim(spec.argv[2]), '\n')[0];
    std::string title = fmt::format("run {}", base::utf8_prefix(first_line, 120));
    if (goes_on) {
      action.job = options_.jobs->new_job();
      const auto usual = terminal ? kTerminalYield : kLeastFirstYield;
      const auto span =
          std::clamp(std::chrono::milliseconds(yield.value_or(usual.count())), kLeastFirstYield, kMostFirstYield);
      ports::JobSpec job{.job = action.job, .command = std::move(spec), .terminal = terminal};
      return std::make_unique<BackgroundCall>(std::move(action), title + " in the background", options_.jobs,
                                              std::move(job), span);
    }
    return std::make_unique<ShellCall>(std::move(action), std::move(title), options_.runner, std::move(spec));
  }

  const ShellOptions options_;
  const ports::ToolSpec spec_;
};

}  // namespace

std::vector<std::unique_ptr<ports::Tool>> make_shell_tools(ShellOptions options) {
  ports::JobRunner& jobs = *options.jobs;
  std::vector<std::unique_ptr<ports::Tool>> tools;
  tools.push_back(std::make_unique<ShellTool>(std::move(options)));
  for (auto& tool : make_job_tools(jobs)) tools.push_back(std::move(tool));
  return tools;
}

std::string default_shell() { return runtime::path_exists("/bin/bash") ? "/bin/bash" : "/bin/sh"; }

}  // namespace lathe::tools::shell
