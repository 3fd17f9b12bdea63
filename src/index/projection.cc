#include "lathe/index/projection.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <string_view>
#include <utility>

#include "lathe/base/ids.h"
#include "lathe/base/json.h"
#include "lathe/base/strings.h"
#include "lathe/base/utf8.h"
#include "lathe/ports/session_title.h"
#include "lathe/protocol/change_targets.h"

namespace lathe::index {

using base::Result;
using protocol::Event;
using storage::Database;
using storage::Query;

namespace {

/// Of tool output, so much can be searched for; the rest is in the stream and its blobs.
constexpr std::size_t kSearchableOutput = 1'024;

/// kWaits is how a row tells that only_waits(); while events are taken it is kAtWork.
enum TaskOpen : std::int64_t { kNone = 0, kAtWork = 1, kParked = 2, kWaits = 3 };
/// Of a call that has no result.
enum CallSigns : std::int64_t { kBegun = 1, kSpawned = 2, kAsks = 4, kAsksPerson = 8, kPersonAnswered = 16 };

std::string text_of(const std::map<std::string, std::int64_t>& open_calls) {
  return open_calls.empty() ? "" : base::dump_json(base::Json(open_calls));
}
std::map<std::string, std::int64_t> open_calls_of(const std::string& text) {
  std::map<std::string, std::int64_t> calls;
  const auto parsed = base::parse_json(text);
  if (!parsed.ok() || !parsed->is_object()) return calls;
  for (const auto& [call_id, signs] : parsed->items()) {
    if (signs.is_number_integer()) calls[call_id] = signs.get<std::int64_t>();
  }
  return calls;
}

void add_cost(std::optional<std::int64_t>& sum, const std::optional<std::int64_t>& more) {
  if (sum && more) {
    *sum += *more;
  } else {
    sum.reset();
  }
}

std::string day_of(base::UnixMillis ts) {
  const auto day = std::chrono::floor<std::chrono::days>(
      std::chrono::sys_time<std::chrono::milliseconds>(std::chrono::milliseconds(ts)));
  const std::chrono::year_month_day date(day);
  return fmt::format("{:04}-{:02}-{:02}", static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                     static_cast<unsigned>(date.day()));
}

std::string said(const std::vector<protocol::ContentPart>& content) {
  std::vector<std::string> texts;
  for (const protocol::ContentPart& part : content) {
    if (const auto* text = std::get_if<protocol::TextPart>(&part)) texts.push_back(text->text);
  }
  return base::join(texts, "\n");
}

std::string paths_of(const std::vector<protocol::FileChange>& changes) {
  std::vector<std::string> paths;
  for (const protocol::FileChange& change : changes) paths.push_back(change.path);
  return base::join(paths, ", ");
}

/// What is asked about: the paths of the changes, and before them, where no cut can take it away, which lead elsewhere.
std::string targets_of(const protocol::ApplyPatchApprovalRequest& question) {
  std::string text;
  for (const protocol::Detour& detour : protocol::detours(question)) {
    text += detour.path + " leads to " + detour.target + "; ";
  }
  return text + paths_of(question.changes);
}

}  // namespace

/// One event on its way into the rows: an overload for every durable event that leaves a trace in a list.
struct Projection::Taking {
  Projection& projection;
  Row& row;
  const Event& event;

  template <class Other>
  Result<void> operator()(const Other&) const {
    return {};
  }

  Result<void> operator()(const protocol::SessionConfigured& m) const {
    row.cwd = m.cwd;
    row.model = m.model;
    row.backend = m.backend;
    row.replays = m.replayed;
    row.replayed |= m.replayed;
    row.parent_session = m.parent_session;
    if (!m.title.empty()) row.title = m.title;
    return {};
  }
  Result<void> operator()(const protocol::SessionUpdated& m) const {
    if (!m.model.empty()) row.model = m.model;
    if (!m.backend.empty()) row.backend = m.backend;
    if (!m.provider.empty()) row.replays = m.provider == protocol::kRecordingProvider;
    if (!m.title.empty()) row.title = m.title;
    return {};
  }
  Result<void> operator()(const protocol::ForkedFrom& m) const {
    row.forked_from = m.session_id;
    row.created_at = event.ts;
    return {};
  }

  Result<void> operator()(const protocol::TaskStarted& m) const {
    TRY_OK(end_task());
    row.task_open = kAtWork;
    row.only_compacts = m.compact_only;
    return m.compact_only ? Result<void>() : count_task();
  }
  Result<void> operator()(const protocol::TaskParked&) const {
    note_news();
    return set_open(kParked);
  }
  Result<void> operator()(const protocol::TaskResumed&) const { return set_open(kAtWork); }
  Result<void> operator()(const protocol::TaskComplete&) const { return end_with_news(); }
  Result<void> operator()(const protocol::TurnAborted&) const { return end_with_news(); }
  Result<void> operator()(const protocol::RolledBack&) const { return end_task(); }
  Result<void> operator()(const protocol::ErrorEvent& m) const {
    return m.ends_task ? end_with_news() : Result<void>();
  }

  Result<void> operator()(const protocol::UserMessage& m) const {
    if (row.title.empty()) row.title = ports::session_title(m.content);
    // Words that came into a compaction make it a Task of a person.
    if (std::exchange(row.only_compacts, false)) TRY_OK(count_task());
    return searchable(said(m.content));
  }
  Result<void> operator()(const protocol::AgentMessage& m) const { return searchable(m.text); }
  Result<void> operator()(const protocol::ExecCommandBegin& m) const {
    note_call(m.call_id, kBegun);
    return searchable(base::shell_join(m.command));
  }
  Result<void> operator()(const protocol::PatchApplyBegin& m) const {
    note_call(m.call_id, kBegun);
    return searchable(paths_of(m.changes));
  }
  Result<void> operator()(const protocol::ToolCallBegin& m) const {
    note_call(m.call_id, kBegun);
    return searchable(m.title);
  }
  Result<void> operator()(const protocol::AgentStarted& m) const {
    note_call(m.call_id, kSpawned);
    return {};
  }
  Result<void> operator()(const protocol::AgentEnded& m) const {
    forget_of_call(m.call_id, kSpawned);
    return {};
  }
  Result<void> operator()(const protocol::ExecCommandEnd& m) const { return end_call(m.call_id, m.outcome); }
  Result<void> operator()(const protocol::PatchApplyEnd& m) const { return end_call(m.call_id, m.outcome); }
  Result<void> operator()(const protocol::ToolCallEnd& m) const { return end_call(m.call_id, m.outcome); }

  Result<void> operator()(const protocol::ToolCalls& m) const {
    if (row.task_open == kNone || m.usage.total() == 0) return {};
    row.answer_counted = true;
    return spend(m.model, m.usage, m.cost_micro_usd);
  }
  Result<void> operator()(const protocol::TurnComplete& m) const {
    if (std::exchange(row.answer_counted, false)) return {};
    return spend(m.model, m.usage, m.cost_micro_usd);
  }
  Result<void> operator()(const protocol::Compacted& m) const {
    if (m.usage.total() == 0) return {};
    return spend(row.backend + "/" + row.model, m.usage, m.cost_micro_usd);
  }

  Result<void> operator()(const protocol::ExecApprovalRequest& m) const {
    return ask(m, base::shell_join(m.command), {.reason = m.reason, .rule = m.rule, .expires_at = m.expires_at});
  }
  Result<void> operator()(const protocol::ApplyPatchApprovalRequest& m) const {
    return ask(m, targets_of(m), {.reason = m.reason, .rule = m.rule, .expires_at = m.expires_at});
  }
  Result<void> operator()(const protocol::ApprovalRequest& m) const {
    return ask(m, m.tool + " " + m.arguments, {.reason = m.reason, .rule = m.rule, .expires_at = m.expires_at});
  }
  Result<void> operator()(const protocol::UserQuestion& m) const {
    std::vector<std::string> questions;
    for (const protocol::Question& question : m.questions) questions.push_back(question.question);
    const std::string what = base::join(questions, " / ");
    TRY_OK(ask(m, what, {}));
    return searchable(what);
  }
  Result<void> operator()(const protocol::ApprovalResolved& m) const {
    forget_of_call(m.call_id, kAsks);
    return settle(m.id, protocol::name_of(m.decision), m.by);
  }
  Result<void> operator()(const protocol::UserQuestionAnswered& m) const {
    forget_of_call(m.call_id, kAsks | kAsksPerson);
    note_call(m.call_id, kPersonAnswered);
    TRY_OK(settle(m.id, "answered", m.by));
    return searchable(base::join(m.answers, " / "));
  }

  Result<void> set_open(TaskOpen open) const {
    if (row.task_open != kNone) row.task_open = open;
    return {};
  }
  /// A person has something to look at. That something was compacted, nobody waits for.
  void note_news() const {
    if (row.task_open != kNone && !row.only_compacts) row.ended_seq = row.last_seq;
  }
  Result<void> end_with_news() const {
    note_news();
    return end_task();
  }
  Result<void> end_task() const {
    row.task_open = kNone;
    row.only_compacts = false;
    row.answer_counted = false;
    row.open_calls.clear();
    return projection.database_->run("DELETE FROM questions WHERE session_id = ?1", projection.session_id_);
  }
  void note_call(const std::string& call_id, std::int64_t signs) const {
    if (row.task_open != kNone) row.open_calls[call_id] |= signs;
  }
  void forget_of_call(const std::string& call_id, std::int64_t signs) const {
    const auto found = row.open_calls.find(call_id);
    if (found == row.open_calls.end()) return;
    found->second &= ~signs;
    if (found->second == 0) row.open_calls.erase(found);
  }
  Result<void> end_call(const std::string& call_id, const protocol::CallOutcome& outcome) const {
    row.open_calls.erase(call_id);
    TRY_OK(projection.database_->run("DELETE FROM questions WHERE session_id = ?1 AND call_id = ?2",
                                     projection.session_id_, call_id));
    return searchable(base::utf8_prefix(outcome.output, kSearchableOutput));
  }
  Result<void> searchable(std::string_view text) const {
    if (text.empty()) return {};
    TRY_OK(
        projection.database_->run("INSERT INTO messages (text, session_id, seq, type, ts) VALUES (?1, ?2, ?3, ?4, ?5)",
                                  text, projection.session_id_, *event.seq, protocol::type_of(event.msg), event.ts));
    return projection.database_->run("INSERT INTO message_rows VALUES (?1, last_insert_rowid())",
                                     projection.session_id_);
  }
  /// Why a question is asked, and until when.
  struct Cause {
    std::string reason;
    std::string rule;
    std::optional<std::int64_t> expires_at;
  };
  Result<void> ask(const auto& question, std::string_view what, const Cause& cause) const {
    constexpr std::size_t kOneLine = 500;
    const bool of_person = std::holds_alternative<protocol::UserQuestion>(event.msg);
    note_call(question.call_id, of_person ? kAsks | kAsksPerson : kAsks);
    const std::string line = base::replace_all(std::string(base::utf8_prefix(what, kOneLine)), "\n", " ");
    return projection.database_->run(
        "INSERT OR REPLACE INTO questions (session_id, id, call_id, seq, kind, what,"
        " reason, asked_at, rule, expires_at)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        projection.session_id_, question.id, question.call_id, *event.seq, protocol::type_of(event.msg), line,
        cause.reason, event.ts, cause.rule, cause.expires_at);
  }
  Result<void> settle(const std::string& id, std::string_view answer, const std::string& by) const {
    TRY_OK(projection.database_->run("INSERT OR REPLACE INTO settled VALUES (?1, ?2, ?3, ?4)", id,
                                     projection.session_id_, answer, by));
    return projection.database_->run("DELETE FROM questions WHERE session_id = ?1 AND id = ?2", projection.session_id_,
                                     id);
  }
  Result<void> spend(const std::string& model, const protocol::Usage& usage, std::optional<std::int64_t> cost) const {
    // Nothing is paid for what a recording answers.
    if (row.replays) cost = 0;
    row.usage += usage;
    add_cost(row.cost_micro_usd, cost);
    return count(model, usage, cost, /*tasks=*/0);
  }
  Result<void> count_task() const {
    ++row.tasks;
    return count(row.backend + "/" + row.model, {}, 0, /*tasks=*/1);
  }
  /// A sum with an unknown cost in it is unknown: null plus anything is null.
  Result<void> count(const std::string& model, const protocol::Usage& usage, const std::optional<std::int64_t>& cost,
                     std::int64_t tasks) const {
    return projection.database_->run(
        "INSERT INTO usage (session_id, day, model, input_tokens, cached_input_tokens, cache_write_tokens,"
        " output_tokens, reasoning_tokens, cost_micro_usd, tasks, recorded)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)"
        " ON CONFLICT DO UPDATE SET input_tokens = input_tokens + ?4, cached_input_tokens = cached_input_tokens + ?5,"
        " cache_write_tokens = cache_write_tokens + ?6, output_tokens = output_tokens + ?7,"
        " reasoning_tokens = reasoning_tokens + ?8, cost_micro_usd = cost_micro_usd + ?9, tasks = tasks + ?10",
        projection.session_id_, day_of(event.ts), model, usage.input_tokens, usage.cached_input_tokens,
        usage.cache_write_tokens, usage.output_tokens, usage.reasoning_tokens, cost, tasks, row.replays ? 1 : 0);
  }
};

Result<Projection> Projection::load(Database& database, const std::string& session_id) {
  Projection projection(database, session_id);
  TRY(Query query,
      database.query("SELECT position, last_seq, title, cwd, model, backend, created_at, updated_at, tasks,"
                     " task_open, answer_counted, input_tokens, cached_input_tokens, cache_write_tokens,"
                     " output_tokens, reasoning_tokens, cost_micro_usd, forked_from, archived, replayed,"
                     " parent_session, replays, damaged, only_compacts, tags, ended_seq, read_seq,"
                     " open_calls FROM sessions WHERE session_id = ?1",
                     session_id));
  TRY(const bool known, query.next());
  if (!known) return projection;
  Row& row = projection.row_;
  row.position = query.integer(0);
  row.last_seq = query.integer(1);
  row.title = query.text(2);
  row.cwd = query.text(3);
  row.model = query.text(4);
  row.backend = query.text(5);
  row.created_at = query.integer(6);
  row.updated_at = query.integer(7);
  row.tasks = query.integer(8);
  row.task_open = query.integer(9) == kWaits ? kAtWork : query.integer(9);
  row.answer_counted = query.integer(10) != 0;
  row.usage = {query.integer(11), query.integer(12), query.integer(13), query.integer(14), query.integer(15)};
  row.cost_micro_usd = query.maybe_integer(16);
  row.forked_from = query.text(17);
  row.archived = query.integer(18) != 0;
  row.replayed = query.integer(19) != 0;
  row.parent_session = query.text(20);
  row.replays = query.integer(21) != 0;
  row.damaged = query.integer(22) != 0;
  row.only_compacts = query.integer(23) != 0;
  row.tags = query.text(24);
  row.ended_seq = query.integer(25);
  row.read_seq = query.integer(26);
  row.open_calls = open_calls_of(query.text(27));
  return projection;
}

Result<void> Projection::drop(Database& database, const std::string& session_id) {
  TRY_OK(database.run("DELETE FROM messages WHERE rowid IN (SELECT message FROM message_rows WHERE session_id = ?1)",
                      session_id));
  TRY_OK(database.run("DELETE FROM message_rows WHERE session_id = ?1", session_id));
  TRY_OK(database.run("DELETE FROM questions WHERE session_id = ?1", session_id));
  TRY_OK(database.run("DELETE FROM settled WHERE session_id = ?1", session_id));
  TRY_OK(database.run("DELETE FROM usage WHERE session_id = ?1", session_id));
  return database.run("DELETE FROM sessions WHERE session_id = ?1", session_id);
}

void Projection::take(const ports::SessionMarks& marks) {
  row_.archived = marks.archived;
  row_.tags = base::join(marks.tags, "\n");
  row_.read_seq = marks.read_seq;
}

void Projection::begin(const ports::SessionState& origin, const ports::SessionMarks& marks) {
  row_ = Row{};
  row_.title = origin.title;
  take(marks);
  if (!origin.config) return;
  row_.cwd = origin.config->cwd;
  row_.model = origin.config->model;
  row_.backend = origin.config->backend;
  row_.replayed = origin.config->replayed;
  row_.replays = origin.config->replayed;
  row_.parent_session = origin.config->parent_session;
}

void Projection::set_damaged(bool damaged) {
  row_.damaged = damaged;
  if (row_.created_at == 0) row_.created_at = row_.updated_at = base::time_of_uuid7(session_id_);
}

Result<void> Projection::take(const Event& event) {
  if (row_.created_at == 0) row_.created_at = event.ts;
  row_.updated_at = event.ts;
  row_.last_seq = event.seq.value_or(row_.last_seq);
  return std::visit(Taking{*this, row_, event}, event.msg);
}

Result<void> Projection::store(std::uint64_t position) {
  return database_->run(
      "INSERT OR REPLACE INTO sessions (session_id, position, last_seq, title, cwd, model, backend, created_at,"
      " updated_at, tasks, task_open, answer_counted, input_tokens, cached_input_tokens, cache_write_tokens,"
      " output_tokens, reasoning_tokens, cost_micro_usd, forked_from, archived, replayed, parent_session,"
      " replays, damaged, only_compacts, tags, ended_seq, read_seq, open_calls)"
      " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, "
      "?23, ?24, ?25, ?26, ?27, ?28, ?29)",
      session_id_, position, row_.last_seq, row_.title, row_.cwd, row_.model, row_.backend, row_.created_at,
      row_.updated_at, row_.tasks, only_waits() ? kWaits : row_.task_open, row_.answer_counted ? 1 : 0,
      row_.usage.input_tokens, row_.usage.cached_input_tokens, row_.usage.cache_write_tokens, row_.usage.output_tokens,
      row_.usage.reasoning_tokens, row_.cost_micro_usd, row_.forked_from, row_.archived ? 1 : 0, row_.replayed ? 1 : 0,
      row_.parent_session, row_.replays ? 1 : 0, row_.damaged ? 1 : 0, row_.only_compacts ? 1 : 0, row_.tags,
      row_.ended_seq, row_.read_seq, text_of(row_.open_calls));
}

// As the engine decides when it opens the session (plan_recovery).
bool Projection::only_waits() const {
  const auto any = [this](auto is) {
    return std::ranges::any_of(row_.open_calls, [&](const auto& call) { return is(call.second); });
  };
  if (row_.task_open != kAtWork || !any([](std::int64_t signs) { return (signs & kAsks) != 0; })) return false;
  // A call that a person answers, or an agent, ends as they tell; of any other the outcome is unknown.
  return any([](std::int64_t signs) { return (signs & (kAsksPerson | kPersonAnswered)) != 0; }) ||
         !any([](std::int64_t signs) { return (signs & kBegun) != 0 && (signs & kSpawned) == 0; });
}

}  // namespace lathe::index
