#include "lathe/tools/shell/keeper_jobs.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <ranges>

#include "lathe/base/secret_filter.h"
#include "lathe/base/utf8.h"
#include "lathe/tools/shell/refusal.h"

namespace lathe::tools::shell {

using base::Error;
using base::Result;
using keeper::Output;
using ports::JobOutput;
using ports::JobStatus;
using protocol::JobEnd;
using protocol::JobState;
using runtime::Async;
using runtime::CancelToken;
using runtime::Deadline;

namespace {

constexpr std::size_t kTailBytes = 2'000;
constexpr std::size_t kKeptBytes = 1U << 20;
constexpr std::size_t kShownAtOnce = 64U << 10;
/// Of what one job writes, clients are shown so much while it comes.
constexpr std::uint64_t kShownBytes = 4U << 20;
constexpr std::chrono::seconds kWritePatience{5};
constexpr std::chrono::seconds kKillPatience{15};
constexpr std::size_t kJobNameLetters = 6;

JobState state_of(keeper::Ended ended) {
  switch (ended) {
    case keeper::Ended::kTimedOut:
      return JobState::kTimedOut;
    case keeper::Ended::kLost:
      return JobState::kLost;
    case keeper::Ended::kExited:
      return JobState::kExited;
    case keeper::Ended::kKilled:
    case keeper::Ended::kProcesses:
    case keeper::Ended::kMemory:
    case keeper::Ended::kDisk:
    case keeper::Ended::kOutput:
      return JobState::kKilled;
  }
  return JobState::kLost;
}

std::string tail_of(const std::string& text) {
  const std::string clean = base::to_utf8(text);
  return std::string(base::utf8_suffix(clean, kTailBytes));
}

/// All that was kept of its output, with marks where something is missing.
std::string kept_text(const keeper::Process& process) {
  std::string text;
  for (const Output output : {Output::kStdout, Output::kStderr}) {
    std::uint64_t at = 0;
    while (at < process.total(output)) {
      const keeper::Process::Piece piece = process.read(output, at, kKeptBytes);
      if (piece.bytes.empty()) break;
      if (piece.from > at) text += fmt::format("\n[{} bytes are left out]\n", piece.from - at);
      text += piece.bytes;
      at = piece.from + piece.bytes.size();
    }
  }
  return text;
}

RefusalScan scan_of(std::string_view output) {
  RefusalScan scan;
  scan.add(output);
  return scan;
}

/// Remarks of command_exit() go behind the output.
struct Remarks final : ports::OutputSink {
  std::string text;
  void write(protocol::OutputStream, std::string_view bytes) override { text += bytes; }
};

}  // namespace

struct KeeperJobs::Job {
  std::string name;
  std::string call_id;
  std::vector<std::string> command;
  base::UnixMillis started_at = 0;
  base::MonoTime touched;
  Started started;
  /// What read_new() has given of each stream.
  std::array<std::uint64_t, 2> given{};
  /// What clients were shown.
  std::uint64_t shown = 0;
  int holders = 0;
  /// It ran; one that never did has no end to be told.
  bool begun = false;
  bool told = false;
  std::optional<JobEnd> end;
  std::set<runtime::Signal*> waiting;

  [[nodiscard]] keeper::Process& process() const { return *started.process; }
  [[nodiscard]] bool live() const { return !process().end(); }
};

KeeperJobs::KeeperJobs(runtime::Loop& loop, KeeperSet& keepers, ports::BlobStore& blobs, JobOptions options)
    : loop_(loop), keepers_(keepers), blobs_(blobs), options_(std::move(options)) {}
KeeperJobs::~KeeperJobs() = default;

KeeperJobs::JobPtr KeeperJobs::find(const std::string& job) const {
  const auto found = std::ranges::find_if(jobs_, [&](const JobPtr& one) { return one->name == job; });
  return found == jobs_.end() ? nullptr : *found;
}

std::string KeeperJobs::new_job() {
  return base::short_id("job", random_).substr(0, std::string_view("job_").size() + kJobNameLetters);
}

KeeperJobs::JobPtr KeeperJobs::add(std::string name, const ports::CommandSpec& spec, Started started) {
  auto job = std::make_shared<Job>(Job{.name = std::move(name),
                                       .call_id = spec.call_id,
                                       .command = spec.argv,
                                       .started_at = loop_.unix_now(),
                                       .touched = loop_.mono_now(),
                                       .started = std::move(started)});
  jobs_.push_back(job);
  job->process().set_on_change([this, raw = job.get()] { on_change(*raw); });
  return job;
}

Async<Result<void>> KeeperJobs::start(ports::JobSpec spec) {
  co_await make_room();
  keeper::Command command;
  command.name = spec.job;
  command.input_kind = spec.terminal ? keeper::InputKind::kTerminal : keeper::InputKind::kPipe;
  command.output_kind = keeper::OutputKind::kKept;
  command.limits = options_.limits;
  begin_one(JobObserver::Start::kNew);
  auto started = co_await keepers_.start(spec.command, std::move(command));
  if (!started.ok()) {
    end_one();
    co_return std::move(started).error();
  }
  const JobPtr job = add(std::move(spec.job), spec.command, *std::move(started));
  job->holders = 1;
  runtime::Signal changed(loop_);
  job->waiting.insert(&changed);
  while (!job->process().running() && job->live()) {
    (void)co_await changed.wait(CancelToken(), Deadline::never());
  }
  job->waiting.erase(&changed);
  if (job->begun) co_return Result<void>();
  const Error error = job->process().end()->error();
  std::erase(jobs_, job);
  end_one();
  co_return error;
}

Async<void> KeeperJobs::make_room() {
  while (true) {
    JobPtr idle;
    std::size_t live = 0;
    for (const JobPtr& job : jobs_) {
      if (!job->live()) continue;
      ++live;
      if (job->holders == 0 && (!idle || job->touched < idle->touched)) idle = job;
    }
    if (live < options_.most_live || !idle) co_return;
    if (!(co_await kill(idle->name)).ok()) co_return;
  }
}

void KeeperJobs::on_change(Job& job) {
  // Telling of an end may drop old jobs.
  const JobPtr kept = find(job.name);
  if (job.process().output_kind() == keeper::OutputKind::kHeld) {
    job.started.client->took(job.process(), job.process().total(Output::kStdout), job.process().total(Output::kStderr));
  }
  show_output(job);
  job.begun = job.begun || job.process().running();
  if (!job.live() && !job.end && job.begun) finish(job);
  for (runtime::Signal* waiting : job.waiting) waiting->notify();
}

void KeeperJobs::show_output(Job& job) {
  const std::uint64_t total = job.process().total(Output::kStdout);
  if (job.holders > 0 || !options_.record || job.shown >= std::min(total, kShownBytes)) return;
  const keeper::Process::Piece piece = job.process().read(Output::kStdout, job.shown, kShownAtOnce);
  job.shown = piece.from + piece.bytes.size();
  options_.record(protocol::ExecCommandOutputDelta{.call_id = job.call_id,
                                                   .offset = static_cast<std::int64_t>(piece.from),
                                                   .stream = protocol::OutputStream::kStdout,
                                                   .text = base::to_utf8(piece.bytes)});
}

void KeeperJobs::begin_one(JobObserver::Start start) const {
  if (options_.observer != nullptr) options_.observer->job_begins(start);
}

void KeeperJobs::end_one() const {
  if (options_.observer != nullptr) options_.observer->job_ended();
}

std::string KeeperJobs::without_secrets(std::string text) const {
  return options_.secrets ? base::cut_secrets(std::move(text), options_.secrets()) : text;
}

void KeeperJobs::finish(Job& job) {
  // Without an exit the keeper died.
  const auto& process_end = *job.process().end();
  const keeper::Exit exit = process_end.ok() ? *process_end : keeper::Exit{.ended = keeper::Ended::kLost};
  Remarks remarks;
  if (process_end.ok()) (void)command_exit(exit, remarks);
  const std::string kept = without_secrets(kept_text(job.process()) + remarks.text);
  JobEnd end{.job = job.name,
             .call_id = job.call_id,
             .state = state_of(exit.ended),
             .exit_code = process_end.ok() ? std::optional<std::int64_t>(exit.code) : std::nullopt,
             .tail = tail_of(kept),
             .output_blob = {},
             .output_bytes = static_cast<std::int64_t>(job.process().total(Output::kStdout) +
                                                       job.process().total(Output::kStderr))};
  if (job.started.confined && end.state == JobState::kExited) end.refused = scan_of(kept).refused(exit.code);
  if (kept.size() > kTailBytes) {
    // Without a blob the tail is what is left, which the event shows.
    if (auto blob = blobs_.put(kept); blob.ok()) end.output_blob = std::string(*blob);
  }
  job.end = std::move(end);
  job.started.client->forget(job.process());
  end_one();
  if (job.holders == 0) tell(job);
}

void KeeperJobs::tell(Job& job) {
  if (!job.end || std::exchange(job.told, true)) return;
  if (options_.record) options_.record(*job.end);
  forget_oldest();
}

void KeeperJobs::forget_oldest() {
  auto ended = static_cast<std::size_t>(
      std::ranges::count_if(jobs_, [](const JobPtr& job) { return job->told && job->holders == 0; }));
  std::erase_if(jobs_, [&](const JobPtr& job) {
    if (ended <= options_.most_ended || !job->told || job->holders > 0 || !job->waiting.empty()) return false;
    --ended;
    return true;
  });
}

Async<Result<void>> KeeperJobs::write(std::string job, std::string text) {
  const JobPtr found = find(job);
  if (!found) co_return ports::no_job(job);
  found->touched = loop_.mono_now();
  if (found->process().input() < 0) {
    co_return Error{.code = base::codes::kInvalid,
                    .message = found->live() ? job + " takes no more input" : job + " has ended"};
  }
  const base::UniqueFd input(dup(found->process().input()));
  if (!input) co_return base::errno_error(errno, "input of " + job);
  runtime::FdWatch watch(loop_, input.get());
  std::string_view left = text;
  while (!left.empty()) {
    const ssize_t put = ::write(input.get(), left.data(), left.size());
    if (put >= 0) {
      left.remove_prefix(static_cast<std::size_t>(put));
    } else if (errno == EAGAIN) {
      CO_TRY_OK((co_await watch.writable(CancelToken(), Deadline::after(loop_, kWritePatience)))
                    .within(job + " does not read what is typed"));
    } else if (errno != EINTR) {
      co_return base::errno_error(errno, "input of " + job);
    }
  }
  co_return Result<void>();
}

Result<void> KeeperJobs::close_input(const std::string& job) {
  const JobPtr found = find(job);
  if (!found) return ports::no_job(job);
  found->started.client->close_input(found->process());
  return {};
}

Result<void> KeeperJobs::resize(const std::string& job, unsigned columns, unsigned rows) {
  const JobPtr found = find(job);
  if (!found) return ports::no_job(job);
  return keeper::Client::resize(found->process(), columns, rows);
}

Async<Result<void>> KeeperJobs::wait(std::string job, std::chrono::milliseconds span, CancelToken cancel) {
  const JobPtr found = find(job);
  if (!found) co_return ports::no_job(job);
  runtime::Signal changed(loop_);
  found->waiting.insert(&changed);
  const Deadline deadline = Deadline::after(loop_, span);
  while (found->live() && (co_await changed.wait(cancel, deadline)).ok()) {
  }
  found->waiting.erase(&changed);
  found->touched = loop_.mono_now();
  co_return Result<void>();
}

Result<JobOutput> KeeperJobs::read(const std::string& job, std::uint64_t from, std::size_t most) {
  const JobPtr found = find(job);
  if (!found) return ports::no_job(job);
  found->touched = loop_.mono_now();
  const keeper::Process::Piece piece = found->process().read(Output::kStdout, from, most);
  return JobOutput{.text = base::to_utf8(piece.bytes),
                   .from = piece.from,
                   .next = piece.from + piece.bytes.size(),
                   .total = found->process().total(Output::kStdout)};
}

Result<JobOutput> KeeperJobs::read_new(const std::string& job, std::size_t most) {
  const JobPtr found = find(job);
  if (!found) return ports::no_job(job);
  JobOutput output{.text = {}, .from = found->given[0], .next = 0, .total = 0};
  for (const Output stream : {Output::kStdout, Output::kStderr}) {
    std::uint64_t& given = found->given[static_cast<std::size_t>(stream)];
    const std::uint64_t total = found->process().total(stream);
    std::uint64_t at = total - given > most ? total - most : given;
    if (at > given) output.text += fmt::format("[{} bytes are left out; job_log shows them]\n", at - given);
    while (at < total) {
      const keeper::Process::Piece piece = found->process().read(stream, at, most);
      if (piece.bytes.empty()) break;
      output.text += piece.bytes;
      at = piece.from + piece.bytes.size();
    }
    given = total;
  }
  output.text = base::to_utf8(output.text);
  output.next = found->given[0];
  output.total = found->given[0] + found->given[1];
  found->shown = std::max(found->shown, found->given[0]);
  return output;
}

Async<Result<void>> KeeperJobs::kill(std::string job) {
  const JobPtr found = find(job);
  if (!found) co_return ports::no_job(job);
  if (found->live()) found->started.client->kill(found->process());
  CO_TRY_OK(co_await wait(job, kKillPatience, CancelToken()));
  if (!found->live()) co_return Result<void>();
  co_return Error{.code = base::codes::kTimeout, .message = job + " could not be ended"};
}

std::vector<JobStatus> KeeperJobs::list() const {
  std::vector<JobStatus> all;
  for (const JobPtr& job : jobs_) all.push_back(*status(job->name));
  return all;
}

Result<JobStatus> KeeperJobs::status(const std::string& job) const {
  const JobPtr found = find(job);
  if (!found) return ports::no_job(job);
  return JobStatus{.job = found->name,
                   .call_id = found->call_id,
                   .command = found->command,
                   .started_at = found->started_at,
                   .output_bytes = found->process().total(Output::kStdout) + found->process().total(Output::kStderr),
                   .end = found->end};
}

void KeeperJobs::hold(const std::string& job) {
  if (const JobPtr found = find(job)) ++found->holders;
}

void KeeperJobs::release(const std::string& job) {
  const JobPtr found = find(job);
  if (!found || --found->holders > 0) return;
  show_output(*found);
  tell(*found);
}

Async<std::string> KeeperJobs::hidden(std::string job) {
  const JobPtr found = find(job);
  const bool failed = found && found->end && found->end->state == JobState::kExited && found->end->refused.empty();
  if (!failed || !found->started.confined) co_return std::string();
  const std::string kept = without_secrets(kept_text(found->process()));
  co_return co_await hidden_line(options_.sight,
                                 scan_of(kept).missing(static_cast<int>(found->end->exit_code.value_or(0))));
}

std::optional<JobEnd> KeeperJobs::take_end(const std::string& job) {
  const JobPtr found = find(job);
  if (!found || !found->end || std::exchange(found->told, true)) return std::nullopt;
  return found->end;
}

// ---- after the death of the process before this one

std::vector<protocol::EventMsg> KeeperJobs::recover_call(const ports::CallEntry& call, const ports::SessionState& state,
                                                         Started started) {
  const std::string id = call.call.call_id;
  const std::string text = without_secrets(kept_text(*started.process));
  protocol::CallOutcome outcome{.status = protocol::CallStatus::kInterrupted};
  outcome.output_bytes = static_cast<std::int64_t>(text.size());
  if (auto blob = blobs_.put(text); blob.ok() && !text.empty()) outcome.output_blob = std::string(*blob);
  std::optional<std::int64_t> exit_code;
  std::vector<protocol::EventMsg> records;
  if (started.process->end()) {
    const auto& end = *started.process->end();
    outcome.output =
        "Lathe died while this command ran, and it was interrupted; the effect of what it did is unknown. What it "
        "wrote "
        "until then:\n";
    if (end.ok() && end->ended == keeper::Ended::kExited) {
      outcome.output =
          "Lathe died while this command ran; the command went on to its end.\n" + protocol::exit_code_line(end->code);
      exit_code = end->code;
      outcome.status = end->code == 0 ? protocol::CallStatus::kCompleted : protocol::CallStatus::kFailed;
    }
    started.client->forget(*started.process);
  } else {
    begin_one(JobObserver::Start::kTakenOver);
    const JobPtr job = add(new_job(), {.argv = {}, .cwd = {}, .env = {}, .call_id = id}, std::move(started));
    job->given = {job->process().total(Output::kStdout), job->process().total(Output::kStderr)};
    job->shown = job->given[0];
    job->begun = true;
    const std::string cwd = state.config ? state.config->cwd : std::string();
    records.push_back(protocol::ExecCommandBegin{
        .call_id = id, .command = {"(goes on)"}, .cwd = cwd, .sandbox = {}, .job = job->name});
    outcome.output = fmt::format(
        "Lathe died while this command ran; the command goes on as {}. Its end will be told.\nOutput so far:\n",
        job->name);
    on_change(*job);
  }
  outcome.header_bytes = static_cast<std::int64_t>(outcome.output.size());
  outcome.output += tail_of(text);
  records.push_back(protocol::ExecCommandEnd{.call_id = id, .exit_code = exit_code, .outcome = std::move(outcome)});
  return records;
}

Async<std::vector<protocol::EventMsg>> KeeperJobs::recover(ports::SessionState state) {
  std::vector<protocol::EventMsg> records;
  for (Started& started : co_await keepers_.adopt()) {
    const std::string name = started.process->name();
    const auto live = std::ranges::find(state.jobs, name, &ports::LiveJob::job);
    if (live != state.jobs.end()) {
      const ports::CommandSpec spec{.argv = live->command, .cwd = {}, .env = {}, .call_id = live->call_id};
      begin_one(JobObserver::Start::kTakenOver);
      const JobPtr job = add(name, spec, std::move(started));
      state.jobs.erase(live);
      job->begun = true;
      job->shown = job->process().total(Output::kStdout);
      on_change(*job);
      continue;
    }
    const auto open = std::ranges::find_if(state.conversation.entries, [&](const ports::PlacedEntry& placed) {
      const auto* call = std::get_if<ports::CallEntry>(&placed.entry);
      return call != nullptr && call->started && !call->outcome && call->call.call_id == name;
    });
    if (open == state.conversation.entries.end()) {
      started.client->kill(*started.process);
      started.client->forget(*started.process);
      continue;
    }
    for (auto& record : recover_call(std::get<ports::CallEntry>(open->entry), state, std::move(started))) {
      records.push_back(std::move(record));
    }
  }
  for (const ports::LiveJob& gone : state.jobs) {
    records.push_back(JobEnd{.job = gone.job,
                             .call_id = gone.call_id,
                             .state = JobState::kLost,
                             .exit_code = std::nullopt,
                             .tail = {},
                             .output_blob = {},
                             .output_bytes = 0});
  }
  co_return records;
}

void KeeperJobs::leave() {
  for (const JobPtr& job : jobs_) job->process().set_on_change({});
}

Async<void> KeeperJobs::stop() {
  for (const JobPtr& job : jobs_) {
    if (job->live()) job->started.client->kill(job->process());
  }
  const std::deque<JobPtr> all = jobs_;
  for (const JobPtr& job : all) {
    (void)co_await wait(job->name, kKillPatience, CancelToken());
    job->process().set_on_change({});
  }
}

}  // namespace lathe::tools::shell
