#include "lathe/index/schema.h"

namespace lathe::index {
namespace {

constexpr storage::Migration kSchema[] = {
    {1, R"sql(
      CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

      CREATE TABLE sessions (
        session_id TEXT PRIMARY KEY,
        position INTEGER NOT NULL DEFAULT 0,      -- byte of the stream up to which its records are in here
        last_seq INTEGER NOT NULL DEFAULT 0,
        title TEXT NOT NULL DEFAULT '',
        cwd TEXT NOT NULL DEFAULT '',
        model TEXT NOT NULL DEFAULT '',
        backend TEXT NOT NULL DEFAULT '',
        created_at INTEGER NOT NULL DEFAULT 0,
        updated_at INTEGER NOT NULL DEFAULT 0,
        tasks INTEGER NOT NULL DEFAULT 0,
        task_open INTEGER NOT NULL DEFAULT 0,     -- 0 none, 1 at work, 2 parked, 3 at work and waits for a person alone
        answer_counted INTEGER NOT NULL DEFAULT 0,-- the open Turn's tokens were counted with its tool_calls
        input_tokens INTEGER NOT NULL DEFAULT 0,
        cached_input_tokens INTEGER NOT NULL DEFAULT 0,
        cache_write_tokens INTEGER NOT NULL DEFAULT 0,
        output_tokens INTEGER NOT NULL DEFAULT 0,
        reasoning_tokens INTEGER NOT NULL DEFAULT 0,
        cost_micro_usd INTEGER DEFAULT 0,         -- null once any price is unknown
        forked_from TEXT NOT NULL DEFAULT '',
        archived INTEGER NOT NULL DEFAULT 0,
        replayed INTEGER NOT NULL DEFAULT 0
      ) WITHOUT ROWID;
      CREATE INDEX sessions_by_time ON sessions (updated_at DESC, session_id DESC);

      CREATE VIRTUAL TABLE messages USING fts5 (
        text, session_id UNINDEXED, seq UNINDEXED, type UNINDEXED, ts UNINDEXED);
      CREATE TABLE message_rows (session_id TEXT NOT NULL, message INTEGER NOT NULL,
        PRIMARY KEY (session_id, message)) WITHOUT ROWID;

      CREATE TABLE questions (
        session_id TEXT NOT NULL, id TEXT NOT NULL, call_id TEXT NOT NULL, seq INTEGER NOT NULL, kind TEXT NOT NULL,
        what TEXT NOT NULL, reason TEXT NOT NULL, asked_at INTEGER NOT NULL,
        PRIMARY KEY (session_id, id)) WITHOUT ROWID;

      CREATE TABLE usage (
        session_id TEXT NOT NULL, day TEXT NOT NULL, model TEXT NOT NULL,
        input_tokens INTEGER NOT NULL DEFAULT 0, cached_input_tokens INTEGER NOT NULL DEFAULT 0,
        cache_write_tokens INTEGER NOT NULL DEFAULT 0, output_tokens INTEGER NOT NULL DEFAULT 0,
        reasoning_tokens INTEGER NOT NULL DEFAULT 0, cost_micro_usd INTEGER DEFAULT 0, tasks INTEGER NOT NULL DEFAULT 0,
        PRIMARY KEY (session_id, day, model)) WITHOUT ROWID;
    )sql"},
    {2, R"sql(
      ALTER TABLE sessions ADD COLUMN parent_session TEXT NOT NULL DEFAULT '';  -- whose sub-agent it is
    )sql"},
    {3, R"sql(
      ALTER TABLE sessions ADD COLUMN replays INTEGER NOT NULL DEFAULT 0;  -- the answers that come now are recorded ones
      UPDATE sessions SET replays = replayed AND backend = 'cassette';
      UPDATE sessions SET cost_micro_usd = 0 WHERE replays;

      CREATE TABLE usage_apart (
        session_id TEXT NOT NULL, day TEXT NOT NULL, model TEXT NOT NULL,
        input_tokens INTEGER NOT NULL DEFAULT 0, cached_input_tokens INTEGER NOT NULL DEFAULT 0,
        cache_write_tokens INTEGER NOT NULL DEFAULT 0, output_tokens INTEGER NOT NULL DEFAULT 0,
        reasoning_tokens INTEGER NOT NULL DEFAULT 0, cost_micro_usd INTEGER DEFAULT 0, tasks INTEGER NOT NULL DEFAULT 0,
        recorded INTEGER NOT NULL DEFAULT 0,      -- a recording answered, for which nothing is paid
        PRIMARY KEY (session_id, day, model, recorded)) WITHOUT ROWID;
      -- Until now the name of the backend was all that told.
      INSERT INTO usage_apart
        SELECT usage.session_id, day, usage.model, usage.input_tokens, usage.cached_input_tokens,
          usage.cache_write_tokens, usage.output_tokens, usage.reasoning_tokens,
          CASE WHEN replayed AND usage.model LIKE 'cassette/%' THEN 0 ELSE usage.cost_micro_usd END, usage.tasks,
          replayed AND usage.model LIKE 'cassette/%'
        FROM usage JOIN sessions ON sessions.session_id = usage.session_id;
      DROP TABLE usage;
      ALTER TABLE usage_apart RENAME TO usage;
    )sql"},
    {4, R"sql(
      ALTER TABLE questions ADD COLUMN rule TEXT NOT NULL DEFAULT '';  -- what made it a question
      ALTER TABLE questions ADD COLUMN expires_at INTEGER;
    )sql"},
    {5, R"sql(
      ALTER TABLE sessions ADD COLUMN damaged INTEGER NOT NULL DEFAULT 0;  -- its stream cannot be read to its end
      CREATE INDEX damaged_sessions ON sessions (session_id) WHERE damaged;
    )sql"},
    {6, R"sql(
      ALTER TABLE sessions ADD COLUMN only_compacts INTEGER NOT NULL DEFAULT 0;  -- the open Task is none of a person's
      -- Compactions were counted as Tasks, which the rows do not tell any more: every stream is taken in anew.
      DELETE FROM messages;
      DELETE FROM message_rows;
      DELETE FROM questions;
      DELETE FROM usage;
      DELETE FROM sessions;
      DELETE FROM facts WHERE name = 'complete_in_boot';
    )sql"},
    {7, R"sql(
      -- Every stream is looked at once, so that its length is noted beside it.
      DELETE FROM facts WHERE name = 'complete_in_boot';
    )sql"},
    {8, R"sql(
      ALTER TABLE sessions ADD COLUMN tags TEXT NOT NULL DEFAULT '';          -- lines, in order
      ALTER TABLE sessions ADD COLUMN ended_seq INTEGER NOT NULL DEFAULT 0;   -- where its last Task ended or parked
      ALTER TABLE sessions ADD COLUMN read_seq INTEGER NOT NULL DEFAULT 0;    -- the last record a person looked at
      -- Where Tasks ended the rows do not tell: every stream is taken in anew.
      DELETE FROM messages;
      DELETE FROM message_rows;
      DELETE FROM questions;
      DELETE FROM usage;
      DELETE FROM sessions;
      DELETE FROM facts WHERE name = 'complete_in_boot';
    )sql"},
    {9, R"sql(
      ALTER TABLE sessions ADD COLUMN open_calls TEXT NOT NULL DEFAULT '';  -- by call id, of the open Task (CallSigns)
      -- What open Tasks wait for the rows do not tell: their streams are taken in anew.
      DELETE FROM messages WHERE rowid IN (SELECT message FROM message_rows JOIN sessions USING (session_id)
        WHERE task_open = 1);
      DELETE FROM message_rows WHERE session_id IN (SELECT session_id FROM sessions WHERE task_open = 1);
      DELETE FROM questions WHERE session_id IN (SELECT session_id FROM sessions WHERE task_open = 1);
      DELETE FROM usage WHERE session_id IN (SELECT session_id FROM sessions WHERE task_open = 1);
      DELETE FROM sessions WHERE task_open = 1;
      DELETE FROM facts WHERE name = 'complete_in_boot';
    )sql"},
    {10, R"sql(
      CREATE TABLE settled (          -- questions that were answered
        id TEXT NOT NULL, session_id TEXT NOT NULL, answer TEXT NOT NULL, answered_by TEXT NOT NULL,
        PRIMARY KEY (id, session_id)) WITHOUT ROWID;
      CREATE INDEX settled_of_sessions ON settled (session_id);
    )sql"},
};

}  // namespace

std::span<const storage::Migration> schema() { return kSchema; }

}  // namespace lathe::index
