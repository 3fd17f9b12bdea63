#include <fmt/format.h>

#include <utility>

#include "lathe/base/strings.h"
#include "lathe/base/utf8.h"
#include "lathe/cli/commands/command.h"
#include "lathe/cli/foreground.h"
#include "lathe/cli/render/table.h"
#include "lathe/cli/task_setup.h"
#include "lathe/cli/trust_question.h"
#include "lathe/client/records.h"

namespace lathe::cli {

namespace p = lathe::protocol;
using base::Result;
using runtime::Async;

namespace {

p::ApprovalAnswer answer_of(const ApprovalAnswerOptions& options) {
  return {.id = options.id,
          .decision = options.decision.value_or(p::Decision::kDenied),
          .note = options.note,
          .answers = options.answers,
          .resume = !options.no_run,
          .budget = task_budget(options.task)};
}

/// The session that asked, from the open questions.
Async<Result<std::string>> session_of_question(client::Transport* engine, p::ApprovalAnswer answer) {
  CO_TRY(const p::ApprovalListReply open, co_await client::call_as(engine, p::ApprovalList{}));
  for (const p::OpenQuestion& question : open.questions) {
    if (question.id == answer.id) co_return question.session_id;
  }
  // The engine knows why it is not open, and who settled it.
  CO_TRY(const p::ApprovalAnswerReply reply, co_await client::call_as(engine, std::move(answer)));
  co_return reply.session;
}

Async<Result<p::ApprovalAnswerReply>> submit_answer(Context* context, client::Transport* engine, std::string session,
                                                    ApprovalAnswerOptions options) {
  CO_TRY(const p::SessionInfo info, co_await client::find_session(engine, std::move(session)));
  CO_TRY(const p::AskMode ask, ask_mode(*context, options.task));
  const auto submit = [engine, answer = answer_of(options)] { return client::call_as(engine, answer); };
  co_return co_await once_trusted(context, engine, info.cwd, submit, {.ask = ask});
}

Async<Result<ExitCode>> answer_and_follow(Context* context, client::Transport* engine, ApprovalAnswerOptions options) {
  Foreground foreground(*context, options.task, task_deadline(context->loop, options.task));
  CO_TRY(const std::string session, co_await session_of_question(engine, answer_of(options)));
  // Before the answer sets it going.
  CO_TRY(const auto subscribed, co_await client::call_as(engine, p::SessionSubscribe{.session = session, .since = -1}));
  CO_TRY(const auto reply, co_await submit_answer(context, engine, session, options));
  if (!reply.resumed) {
    context->note("the answer is recorded; the task still waits for other answers (lathe approvals list)");
    co_return kStopped;
  }
  // Behind a sub-agent's question another session goes on, of which only what is new comes.
  const std::int64_t after_seq = reply.session == session ? subscribed.last_seq : 0;
  co_return co_await foreground.follow(engine, reply.session, after_seq);
}

/// Why it is asked, and until when.
std::string why(const p::OpenQuestion& question, base::UnixMillis now) {
  std::vector<std::string> parts;
  for (const std::string& part : {question.reason, question.rule}) {
    if (!part.empty()) parts.push_back(part);
  }
  if (question.kind == p::UserQuestion::kType) parts.emplace_back("the model asks");
  if (question.expires_at) parts.push_back(deadline_label(*question.expires_at, now));
  return base::join(parts, "; ");
}

Async<Result<ExitCode>> only_answer(Context* context, client::Transport* engine, ApprovalAnswerOptions options) {
  CO_TRY(std::string session, co_await session_of_question(engine, answer_of(options)));
  CO_TRY(const auto reply, co_await submit_answer(context, engine, std::move(session), options));
  context->note("the answer is recorded for session " + reply.session);
  co_return kDone;
}

}  // namespace

CommandResult execute(Context* context, client::Transport* engine, ApprovalListOptions options) {
  CO_TRY(p::ApprovalListReply reply, co_await client::call_as(engine, p::ApprovalList{}));
  if (options.json) {
    context->out.add(reply_document(std::move(reply)));
    co_return kDone;
  }
  if (reply.questions.empty()) {
    context->note("no question waits");
    co_return kDone;
  }
  std::vector<std::vector<std::string>> rows;
  CO_TRY(const auto recorded, co_await client::recorded_sessions(engine));
  const base::UnixMillis now = context->loop.unix_now();
  for (const p::OpenQuestion& question : reply.questions) {
    rows.push_back({question.id, age_label(question.asked_at, now),
                    question.session_id + (recorded.contains(question.session_id) ? " (recording)" : ""), question.what,
                    why(question, now)});
  }
  context->out.add(table_text({"ID", "ASKED", "SESSION", "WHAT", "WHY"}, rows, context->out_style));
  context->note("answer with: lathe approvals answer ID --approve (or --deny, --abort, --answer TEXT)");
  co_return kDone;
}

CommandResult execute(Context* context, ApprovalAnswerOptions options) {
  CO_TRY_OK(check_output_files(options.task));
  CO_TRY(client::OpenOptions open, open_options(options.task));
  CO_TRY(const auto engine, co_await context->open(std::move(open)));
  Result<ExitCode> code = co_await (options.no_run ? only_answer(context, engine.get(), options)
                                                   : answer_and_follow(context, engine.get(), options));
  co_await engine->close();
  co_return code;
}

}  // namespace lathe::cli
