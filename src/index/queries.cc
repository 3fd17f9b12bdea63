#include "lathe/index/queries.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <string_view>
#include <utility>

#include "lathe/base/json.h"
#include "lathe/base/strings.h"

namespace lathe::index {

using base::Error;
using base::Result;
using protocol::SessionInfo;
using storage::Database;
using storage::Query;

namespace {

/// What a sub-agent did is for its parent to tell.
#define LATHE_IS_UNREAD "(parent_session = '' AND ended_seq > read_seq)"
#define LATHE_SESSION_COLUMNS                                                                                 \
  "session_id, title, cwd, model, backend, task_open, created_at, updated_at, tasks, last_seq, input_tokens," \
  " cached_input_tokens, cache_write_tokens, output_tokens, reasoning_tokens, cost_micro_usd, forked_from,"   \
  " archived, replayed, damaged, tags, " LATHE_IS_UNREAD

protocol::SessionState state_of(std::int64_t task_open, bool damaged, const std::string& session_id, const Held& held) {
  using enum protocol::SessionState;
  if (damaged) return kDamaged;
  if (task_open == 0) return kIdle;
  if (task_open == 2) return kParked;
  if (held(session_id)) return kRunning;
  // Whoever opens it next parks a Task that only waits for a person.
  return task_open == 3 ? kParked : kInterrupted;
}

SessionInfo session_of(const Query& row, const Held& held) {
  SessionInfo info;
  info.session_id = row.text(0);
  info.title = row.text(1);
  info.cwd = row.text(2);
  info.model = row.text(3);
  info.backend = row.text(4);
  info.state = state_of(row.integer(5), row.integer(19) != 0, info.session_id, held);
  info.created_at = row.integer(6);
  info.updated_at = row.integer(7);
  info.tasks = row.integer(8);
  info.last_seq = row.integer(9);
  info.usage = {row.integer(10), row.integer(11), row.integer(12), row.integer(13), row.integer(14)};
  info.cost_micro_usd = row.maybe_integer(15);
  info.forked_from = row.text(16);
  info.archived = row.integer(17) != 0;
  info.replayed = row.integer(18) != 0;
  const std::string tags = row.text(20);
  for (const std::string_view tag : base::split_lines(tags)) info.tags.emplace_back(tag);
  info.unread = row.integer(21) != 0;
  return info;
}

struct Cursor {
  std::int64_t updated_at = std::numeric_limits<std::int64_t>::max();
  std::string session_id;
};

Result<Cursor> parse_cursor(const std::string& text) {
  if (text.empty()) return Cursor{};
  Cursor cursor;
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, cursor.updated_at);
  if (parsed.ec != std::errc{} || parsed.ptr == end || *parsed.ptr != ':') {
    return Error{.code = base::codes::kInvalid,
                 .message = "\"" + text + "\" is not a cursor",
                 .hint = "give back next_cursor of the page before, unchanged"};
  }
  cursor.session_id.assign(parsed.ptr + 1, end);
  return cursor;
}

}  // namespace

Result<protocol::SessionListReply> list_sessions(Database& database, const protocol::SessionList& query,
                                                 const Held& held) {
  TRY(const Cursor cursor, parse_cursor(query.cursor));
  // One more than asked for tells whether there is a next page; -1 is no limit.
  const std::int64_t limit = query.limit > 0 ? query.limit + 1 : -1;
  TRY(Query rows,
      database.query("SELECT " LATHE_SESSION_COLUMNS
                     " FROM sessions WHERE (?1 = '' OR cwd = ?1) AND (?2 OR (NOT archived AND parent_session = ''))"
                     " AND (updated_at, session_id) < (?3, ?4)"
                     " AND (?6 = '' OR instr(char(10) || tags || char(10), char(10) || ?6 || char(10)) > 0)"
                     " AND (NOT ?7 OR " LATHE_IS_UNREAD ")"
                     " ORDER BY updated_at DESC, session_id DESC LIMIT ?5",
                     query.cwd, query.archived ? 1 : 0, cursor.updated_at, cursor.session_id, limit, query.tag,
                     query.unread ? 1 : 0));
  protocol::SessionListReply reply;
  while (true) {
    TRY(const bool more, rows.next());
    if (!more) break;
    if (query.limit > 0 && reply.sessions.size() == static_cast<std::size_t>(query.limit)) {
      const SessionInfo& last = reply.sessions.back();
      reply.next_cursor = fmt::format("{}:{}", last.updated_at, last.session_id);
      break;
    }
    reply.sessions.push_back(session_of(rows, held));
  }
  return reply;
}

Result<SessionInfo> get_session(Database& database, const std::string& session_id, const Held& held) {
  TRY(Query row, database.query("SELECT " LATHE_SESSION_COLUMNS " FROM sessions WHERE session_id = ?1", session_id));
  TRY(const bool found, row.next());
  if (found) return session_of(row, held);
  return Error{.code = base::codes::kNotFound,
               .message = "there is no session " + session_id.substr(0, 80),
               .hint = "lathe session list shows those there are"};
}

Result<std::vector<SessionInfo>> get_sessions(Database& database, const std::vector<std::string>& ids,
                                              const Held& held) {
  base::Json list = base::Json::array();
  for (const std::string& id : ids) list.push_back(id);
  TRY(Query rows, database.query("SELECT " LATHE_SESSION_COLUMNS
                                 " FROM sessions WHERE session_id IN (SELECT value FROM json_each(?1))"
                                 " ORDER BY session_id",
                                 base::dump_json(list)));
  std::vector<SessionInfo> sessions;
  while (true) {
    TRY(const bool more, rows.next());
    if (!more) return sessions;
    sessions.push_back(session_of(rows, held));
  }
}

Result<std::vector<std::string>> find_sessions(Database& database, const std::string& prefix) {
  // The digits of an id are all before 'g'.
  TRY(Query rows,
      prefix == "last"
          ? database.query("SELECT session_id FROM sessions WHERE NOT archived AND parent_session = ''"
                           " AND (tasks > 0 OR task_open OR title != '' OR forked_from != '' OR damaged)"
                           " ORDER BY updated_at DESC, session_id DESC LIMIT 1")
          : database.query("SELECT session_id FROM sessions WHERE session_id >= ?1 AND session_id < ?1 || 'g'"
                           " ORDER BY updated_at DESC, session_id DESC LIMIT 10",
                           prefix));
  std::vector<std::string> ids;
  while (true) {
    TRY(const bool more, rows.next());
    if (!more) return ids;
    ids.push_back(rows.text(0));
  }
}

Result<std::string> match_expression(std::string_view words) {
  std::string expression;
  const auto add = [&](std::string_view text) {
    if (base::trim(text).empty()) return;
    if (!expression.empty()) expression += ' ';
    expression += '"' + base::replace_all(std::string(text), "\"", "\"\"") + '"';
  };
  bool in_phrase = false;
  for (const std::string_view part : base::split(words, '"')) {
    if (in_phrase) {
      add(part);
    } else {
      std::string plain(part);
      for (char& c : plain) c = c == '\t' || c == '\n' ? ' ' : c;
      for (const std::string_view word : base::split(plain, ' ')) add(word);
    }
    in_phrase = !in_phrase;
  }
  if (!expression.empty()) return expression;
  return Error{
      .code = base::codes::kInvalid, .message = "there is no word to search for", .hint = "lathe session search WORDS"};
}

Result<protocol::SessionSearchReply> search_messages(Database& database, const protocol::SessionSearch& query) {
  TRY(const std::string expression, match_expression(query.query));
  TRY(Query rows, database.query("SELECT messages.session_id, messages.seq, sessions.title, messages.type,"
                                 " snippet(messages, 0, '«', '»', '…', 16), messages.ts"
                                 " FROM messages JOIN sessions ON sessions.session_id = messages.session_id"
                                 " WHERE messages MATCH ?1 ORDER BY messages.rank LIMIT ?2",
                                 expression, query.limit));
  protocol::SessionSearchReply reply;
  while (true) {
    TRY(const bool more, rows.next());
    if (!more) return reply;
    reply.hits.push_back({.session_id = rows.text(0),
                          .seq = rows.integer(1),
                          .title = rows.text(2),
                          .type = rows.text(3),
                          .snippet = rows.text(4),
                          .ts = rows.integer(5)});
  }
}

Result<protocol::ApprovalListReply> list_questions(Database& database) {
  TRY(Query rows, database.query("SELECT id, session_id, kind, what, reason, rule, asked_at, expires_at FROM questions"
                                 " ORDER BY asked_at, session_id, seq"));
  protocol::ApprovalListReply reply;
  while (true) {
    TRY(const bool more, rows.next());
    if (!more) return reply;
    reply.questions.push_back({.id = rows.text(0),
                               .session_id = rows.text(1),
                               .kind = rows.text(2),
                               .what = rows.text(3),
                               .reason = rows.text(4),
                               .rule = rows.text(5),
                               .asked_at = rows.integer(6),
                               .expires_at = rows.maybe_integer(7)});
  }
}

Result<std::optional<ports::SettledQuestion>> find_settled(Database& database, const std::string& id) {
  TRY(Query row, database.query("SELECT session_id, answer, answered_by FROM settled WHERE id = ?1", id));
  TRY(const bool found, row.next());
  if (!found) return std::optional<ports::SettledQuestion>();
  return std::optional(ports::SettledQuestion{.session_id = row.text(0), .answer = row.text(1), .by = row.text(2)});
}

Result<protocol::SessionCounts> count_sessions(Database& database, const Held& held) {
  // Of those at work each is looked at, as it may have lost its process; the others are only counted.
  TRY(Query rows,
      database.query("SELECT task_open, damaged, CASE WHEN task_open IN (1, 3) AND NOT damaged THEN session_id"
                     " ELSE '' END AS at_work, count(*) FROM sessions GROUP BY 1, 2, 3"));
  protocol::SessionCounts counts;
  while (true) {
    TRY(const bool more, rows.next());
    if (!more) return counts;
    const std::int64_t number = rows.integer(3);
    switch (state_of(rows.integer(0), rows.integer(1) != 0, rows.text(2), held)) {
      case protocol::SessionState::kIdle:
        counts.idle += number;
        break;
      case protocol::SessionState::kRunning:
        counts.running += number;
        break;
      case protocol::SessionState::kParked:
        counts.parked += number;
        break;
      case protocol::SessionState::kInterrupted:
        counts.interrupted += number;
        break;
      case protocol::SessionState::kDamaged:
        counts.damaged += number;
        break;
    }
  }
}

#define LATHE_USAGE_BY(key)                                                                   \
  "SELECT " key                                                                               \
  ", usage.recorded, sum(usage.input_tokens), sum(usage.cached_input_tokens),"                \
  " sum(usage.cache_write_tokens), sum(usage.output_tokens), sum(usage.reasoning_tokens),"    \
  " CASE WHEN count(*) = count(usage.cost_micro_usd) THEN sum(usage.cost_micro_usd) END,"     \
  " sum(usage.tasks)"                                                                         \
  " FROM usage JOIN sessions ON sessions.session_id = usage.session_id WHERE usage.day >= ?1" \
  " GROUP BY 1, 2"

namespace {

/// A sum with an unknown cost in it is unknown.
void add_usage(protocol::UsageRow& sum, const protocol::UsageRow& more) {
  sum.usage += more.usage;
  sum.tasks += more.tasks;
  if (sum.cost_micro_usd && more.cost_micro_usd) {
    *sum.cost_micro_usd += *more.cost_micro_usd;
  } else {
    sum.cost_micro_usd.reset();
  }
}

}  // namespace

Result<protocol::UsageReply> sum_usage(Database& database, const protocol::UsageCall& query,
                                       const ProjectOf& project_of) {
  const char* sql = nullptr;
  if (query.by == "day") sql = LATHE_USAGE_BY("usage.day");
  if (query.by == "model") sql = LATHE_USAGE_BY("usage.model");
  if (query.by == "session") sql = LATHE_USAGE_BY("usage.session_id");
  if (query.by == "folder" || query.by == "project") sql = LATHE_USAGE_BY("sessions.cwd");
  if (sql == nullptr) {
    return Error{.code = base::codes::kInvalid,
                 .message = "usage by \"" + query.by + "\" is not known",
                 .hint = "one of: day, model, session, folder, project"};
  }
  TRY(Query rows, database.query(sql, query.since));
  std::map<std::string, protocol::UsageRow> sums;
  while (true) {
    TRY(const bool more, rows.next());
    if (!more) break;
    std::string key = rows.text(0);
    if (query.by == "project" && project_of) key = project_of(key);
    // What a recording answered is a row of its own.
    if (rows.integer(1) != 0) key += " (recording)";
    const protocol::UsageRow row{
        .key = key,
        .usage = {rows.integer(2), rows.integer(3), rows.integer(4), rows.integer(5), rows.integer(6)},
        .cost_micro_usd = rows.maybe_integer(7),
        .tasks = rows.integer(8)};
    const auto [sum, is_new] = sums.try_emplace(std::move(key), row);
    if (!is_new) add_usage(sum->second, row);
  }
  protocol::UsageReply reply;
  for (auto& [key, row] : sums) reply.rows.push_back(std::move(row));
  std::ranges::sort(reply.rows, std::less(), [](const protocol::UsageRow& row) {
    return std::pair(-row.usage.total(), std::string_view(row.key));
  });
  return reply;
}

}  // namespace lathe::index
