#include "lathe/tools/shell/job_tools.h"

#include <fmt/format.h>

#include <algorithm>

#include "lathe/base/strings.h"
#include "lathe/base/utf8.h"
#include "lathe/tools/common/arguments.h"
#include "lathe/tools/common/prepared_job.h"
#include "lathe/tools/common/schema.h"

namespace lathe::tools::shell {

using base::Result;
using common::Arguments;
using common::Need;
using ports::JobRunner;
using ports::RunResult;
using protocol::CallStatus;
using runtime::Async;
using runtime::CancelToken;
using std::chrono::milliseconds;

namespace {

constexpr milliseconds kLeastYield{250};
constexpr milliseconds kMostYield{30'000};
/// A call that types nothing only waits, and may wait longer.
constexpr milliseconds kLeastPoll{5'000};
constexpr milliseconds kMostPoll{300'000};
constexpr milliseconds kUsualWait{60'000};
constexpr milliseconds kMostWait{600'000};
constexpr std::size_t kLogBytes = 32U << 10;
constexpr std::size_t kShownCommandBytes = 120;

ports::ToolSpec spec_of(std::string name, std::string description, std::vector<common::Property> properties) {
  return {.name = std::move(name),
          .description = std::move(description),
          .parameters = common::object_schema(std::move(properties))};
}

common::Property job_property() {
  return {"job", Need::kRequired, common::text_schema("The job's name, as shell gave it.")};
}

/// A tool of one job: what its arguments are to become, and what it then does.
template <class Call>
class JobTool final : public ports::Tool {
 public:
  JobTool(JobRunner& jobs, ports::ToolSpec spec) : jobs_(jobs), spec_(std::move(spec)) {}

  [[nodiscard]] const ports::ToolSpec& spec() const override { return spec_; }
  [[nodiscard]] bool read_only() const override { return Call::kReadOnly; }

  Async<Result<std::unique_ptr<ports::PreparedCall>>> prepare(const protocol::ToolCall& call,
                                                              const ports::ToolEnvironment& environment) override {
    CO_TRY(const auto arguments, Arguments::parse(spec_, call));
    CO_TRY(Call made, Call::from(jobs_, arguments));
    const auto kind = Call::kReadOnly ? ports::Action::Kind::kRead : ports::Action::Kind::kOther;
    ports::Action action = common::action_of(call, kind);
    if constexpr (requires { made.tell(action); }) {
      action.cwd = environment.cwd;
      made.tell(action);
    }
    std::string title = made.title();
    co_return common::prepared_job(std::move(action), std::move(title), std::move(made));
  }

 private:
  JobRunner& jobs_;
  const ports::ToolSpec spec_;
};

Result<std::string> known_job(const JobRunner& jobs, const Arguments& arguments) {
  TRY(std::string job, arguments.text("job"));
  const auto status = jobs.status(job);
  if (status.ok()) return job;
  std::vector<std::string> names;
  for (const auto& one : jobs.list()) names.push_back(one.job);
  const std::string there = names.empty() ? "there are no jobs" : "there are: " + base::join(names, ", ");
  return arguments.wrong("job", fmt::format("\"{}\" is no job of this session; {}", job, there));
}

struct WriteStdin {
  static constexpr bool kReadOnly = false;
  JobRunner* jobs;
  std::string job;
  std::string text;
  bool close = false;
  milliseconds span{};

  static Result<WriteStdin> from(JobRunner& jobs, const Arguments& arguments) {
    WriteStdin made{.jobs = &jobs, .job = {}, .text = {}};
    TRY(made.job, known_job(jobs, arguments));
    TRY(const auto text, arguments.optional_text("chars"));
    made.text = text.value_or("");
    TRY(made.close, arguments.flag("close", false));
    const bool polls = made.text.empty() && !made.close;
    TRY(const auto yield, arguments.optional_number("yield_time_ms", 0, kMostPoll.count()));
    made.span = milliseconds(yield.value_or(0));
    made.span = polls ? std::clamp(made.span, kLeastPoll, kMostPoll) : std::clamp(made.span, kLeastYield, kMostYield);
    return made;
  }
  /// What is typed into a shell is a command like any other, so the gate sees it as one.
  void tell(ports::Action& action) const {
    if (text.empty()) return;
    action.kind = ports::Action::Kind::kCommand;
    action.command = {"write_stdin", job, text};
    action.script = text;
  }
  [[nodiscard]] std::string title() const {
    if (text.empty()) return (close ? "close the input of " : "wait for ") + job;
    return "type into " + job + ": " + std::string(base::utf8_prefix(base::trim(text), kShownCommandBytes));
  }
  Async<Result<RunResult>> run(ports::OutputSink& out, CancelToken cancel) {
    const JobHold hold(*jobs, job, JobHold::Taken::kNow);
    if (!text.empty()) {
      const Result<void> written = co_await jobs->write(job, text);
      const auto status = jobs->status(job);
      // One that ended meanwhile is told of below.
      if (!written.ok() && status.ok() && !status->end) co_return written.error();
    }
    if (close) CO_TRY_OK(jobs->close_input(job));
    co_return co_await report_job(jobs, job, span, &out, std::move(cancel));
  }
};

struct JobList {
  static constexpr bool kReadOnly = true;
  JobRunner* jobs;

  static Result<JobList> from(JobRunner& jobs, const Arguments&) { return JobList{.jobs = &jobs}; }
  [[nodiscard]] static std::string title() { return "list jobs"; }
  Async<Result<RunResult>> run(ports::OutputSink& out, CancelToken) {
    const auto all = jobs->list();
    if (all.empty()) co_return common::said(out, "No jobs.\n");
    for (const ports::JobStatus& job : all) {
      const std::string command = job.command.empty() ? std::string() : job.command.back();
      const std::string state = job.end ? "ended: " + ports::describe(*job.end) : "running";
      const std::string line = fmt::format("{}  {}  {} bytes of output  {}\n", job.job, state, job.output_bytes,
                                           base::utf8_prefix(base::split(command, '\n')[0], kShownCommandBytes));
      out.write(protocol::OutputStream::kStdout, line);
    }
    co_return RunResult{};
  }
};

struct JobLog {
  static constexpr bool kReadOnly = true;
  JobRunner* jobs;
  std::string job;
  std::optional<std::int64_t> from_byte;

  static Result<JobLog> from(JobRunner& jobs, const Arguments& arguments) {
    JobLog made{.jobs = &jobs, .job = {}, .from_byte = {}};
    TRY(made.job, known_job(jobs, arguments));
    TRY(made.from_byte, arguments.optional_number("offset", 0, std::int64_t{1} << 50));
    return made;
  }
  [[nodiscard]] std::string title() const { return "read the log of " + job; }
  Async<Result<RunResult>> run(ports::OutputSink& out, CancelToken) {
    CO_TRY(const ports::JobStatus status, jobs->status(job));
    const std::uint64_t total = status.output_bytes;
    const std::uint64_t newest = total > kLogBytes ? total - kLogBytes : 0;
    CO_TRY(const ports::JobOutput output,
           jobs->read(job, from_byte ? static_cast<std::uint64_t>(*from_byte) : newest, kLogBytes));
    RunResult result;
    result.header = fmt::format("Bytes {} to {} of {} of {} ({}):\n", output.from, output.next, total, job,
                                status.end ? ports::describe(*status.end) : "running");
    out.write(protocol::OutputStream::kStdout, output.text);
    co_return result;
  }
};

struct JobWait {
  static constexpr bool kReadOnly = false;
  JobRunner* jobs;
  std::string job;
  milliseconds span{};

  static Result<JobWait> from(JobRunner& jobs, const Arguments& arguments) {
    JobWait made{.jobs = &jobs, .job = {}};
    TRY(made.job, known_job(jobs, arguments));
    TRY(const auto timeout, arguments.optional_number("timeout_ms", 1, kMostWait.count()));
    made.span = timeout ? milliseconds(*timeout) : kUsualWait;
    return made;
  }
  [[nodiscard]] std::string title() const { return "wait for " + job; }
  Async<Result<RunResult>> run(ports::OutputSink& out, CancelToken cancel) {
    const JobHold hold(*jobs, job, JobHold::Taken::kNow);
    co_return co_await report_job(jobs, job, span, &out, std::move(cancel));
  }
};

struct JobKill {
  static constexpr bool kReadOnly = false;
  JobRunner* jobs;
  std::string job;

  static Result<JobKill> from(JobRunner& jobs, const Arguments& arguments) {
    JobKill made{.jobs = &jobs, .job = {}};
    TRY(made.job, known_job(jobs, arguments));
    return made;
  }
  [[nodiscard]] std::string title() const { return "end " + job; }
  Async<Result<RunResult>> run(ports::OutputSink& out, CancelToken cancel) {
    const JobHold hold(*jobs, job, JobHold::Taken::kNow);
    CO_TRY_OK(co_await jobs->kill(job));
    CO_TRY(RunResult result, co_await report_job(jobs, job, milliseconds(0), &out, std::move(cancel)));
    // It is what was asked for.
    result.status = CallStatus::kCompleted;
    co_return result;
  }
};

}  // namespace

Async<Result<RunResult>> report_job(JobRunner* jobs, std::string job, milliseconds span, ports::OutputSink* out,
                                    CancelToken cancel) {
  CO_TRY_OK(co_await jobs->wait(job, span, std::move(cancel)));
  CO_TRY(const ports::JobOutput output, jobs->read_new(job, kNewOutputBytes));
  CO_TRY(const ports::JobStatus status, jobs->status(job));
  RunResult result;
  if (status.end) {
    result.header = fmt::format("{}: {}\n", ports::job_ended_words(job), ports::describe(*status.end));
    result.exit_code = status.end->exit_code;
    if (status.end->exit_code.value_or(0) != 0) result.status = CallStatus::kFailed;
    result.header += ports::refusal_words(*status.end);
    result.refused = status.end->refused;
    if (auto end = jobs->take_end(job)) result.events.emplace_back(*std::move(end));
  } else {
    result.header = fmt::format("{} is running; you will be told when it ends.\n", job);
  }
  result.header += output.text.empty() ? "No new output.\n" : "New output:\n";
  out->write(protocol::OutputStream::kStdout, output.text);
  co_return result;
}

std::vector<std::unique_ptr<ports::Tool>> make_job_tools(JobRunner& jobs) {
  std::vector<std::unique_ptr<ports::Tool>> tools;
  tools.push_back(std::make_unique<JobTool<JobKill>>(
      jobs, spec_of("job_kill", "Ends a background job or live terminal with everything that it started.",
                    {job_property()})));
  tools.push_back(std::make_unique<JobTool<JobList>>(
      jobs, spec_of("job_list", "Lists this session's background jobs and live terminals.", {})));
  tools.push_back(std::make_unique<JobTool<JobLog>>(
      jobs, spec_of("job_log",
                    "Shows output of a job: its newest 32 KiB, or 32 KiB from an offset on. The first and the last "
                    "512 KiB of a job's output are kept.",
                    {job_property(), {"offset", Need::kOptional, common::number_schema("First byte to show.", 0)}})));
  tools.push_back(std::make_unique<JobTool<JobWait>>(
      jobs, spec_of("job_wait",
                    "Waits until a job ends, or the time is over, and gives its new output. Only needed when nothing "
                    "else can be done meanwhile: you are told of every end without asking.",
                    {job_property(),
                     {"timeout_ms", Need::kOptional,
                      common::number_schema("Milliseconds to wait. Default 60000, at most 600000.", 1)}})));
  tools.push_back(std::make_unique<JobTool<WriteStdin>>(
      jobs,
      spec_of("write_stdin",
              "Types into a job or live terminal and gives what it wrote since. Without `chars` it only waits.",
              {job_property(),
               {"chars", Need::kOptional,
                common::text_schema("What to type, control characters as they are; \"\\n\" ends a line, \"\\u0003\" is "
                                    "Ctrl-C.")},
               {"close", Need::kOptional, common::flag_schema("Then end the input (not for terminals).")},
               {"yield_time_ms", Need::kOptional,
                common::number_schema("Milliseconds to wait for output, unless it ends before: 250 (default) to 30000; "
                                      "when nothing is typed 5000 (default) to 300000.",
                                      0)}})));
  return tools;
}

}  // namespace lathe::tools::shell
