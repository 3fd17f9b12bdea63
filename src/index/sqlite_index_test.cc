#include "lathe/index/sqlite_index.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "lathe/index/index_rig.h"
#include "lathe/index/queries.h"
#include "lathe/runtime/files.h"
#include "lathe/storage/sqlite.h"

namespace lathe::index {
namespace {

namespace fs = std::filesystem;
using namespace lathe::protocol;  // NOLINT: half of the protocol is named here

class SqliteIndexTest : public IndexRig {};

/// A whole session as the first version wrote it; the file is never rewritten (tests/golden).
TEST_F(SqliteIndexTest, AStreamOfVersionOneIsTakenIn) {
  const std::string id = "01a1f990-d3ca-7ed6-b72a-a1557728e2ee";
  fs::create_directories(root_ + "/sessions/" + id);
  fs::copy_file(std::string(LATHE_SOURCE_DIR) + "/tests/golden/records/v1_session.ndjson",
                root_ + "/sessions/" + id + "/journal.ndjson");
  ASSERT_TRUE(loop_.block_on(index_->rebuild()).ok());
  const SessionInfo info = get(id);
  EXPECT_EQ(info.title, "mend the parser");
  EXPECT_EQ(info.cwd, "/repo");
  EXPECT_EQ(info.model, "mock");
  EXPECT_EQ(info.state, protocol::SessionState::kIdle);
  EXPECT_EQ(info.tasks, 1);
  EXPECT_EQ(info.last_seq, 16);
  EXPECT_EQ(info.usage, (Usage{.input_tokens = 30, .output_tokens = 15}));
  EXPECT_EQ(search("greets").size(), 1U);
  const auto state = loop_.block_on(store_->peek(id));
  ASSERT_TRUE(state.ok()) << state.error().text();
  EXPECT_EQ(state->usage, info.usage);
  EXPECT_EQ(state->bookmarks.size(), 3U);
}

TEST_F(SqliteIndexTest, ListsWhatTheStreamsTell) {
  EXPECT_TRUE(list().empty());
  const Stream stream = configured();
  const std::string id = stream->state().session_id;
  add(*stream, TaskStarted{.task = "t"});
  say(*stream, "mend the parser");
  EXPECT_EQ(get(id).state, protocol::SessionState::kRunning);
  add(*stream,
      TurnComplete{
          .response_id = "r", .model = "b/m", .usage = {.input_tokens = 10, .output_tokens = 3}, .cost_micro_usd = 7});
  add(*stream, TaskComplete{.task = "t"});
  const SessionInfo info = get(id);
  const ports::SessionState& state = stream->state();
  EXPECT_EQ(info.title, state.title);
  EXPECT_EQ(info.cwd, "/repo");
  EXPECT_EQ(info.state, protocol::SessionState::kIdle);
  EXPECT_EQ(info.tasks, state.tasks);
  EXPECT_EQ(info.usage, state.usage);
  EXPECT_EQ(info.cost_micro_usd, 7);
  EXPECT_EQ(info.last_seq, state.last_seq);
  EXPECT_EQ(info.created_at, state.created_at);
  EXPECT_EQ(info.updated_at, state.updated_at);
  EXPECT_EQ(loop_.block_on(index_->get("nonsense")).error().code, base::codes::kNotFound);
}

TEST_F(SqliteIndexTest, SeveralAreGivenTogether) {
  const Stream one = configured("one");
  const Stream other = configured("other");
  const Stream two = configured("two");
  add(*two, TaskStarted{.task = "t"});
  const std::string first = one->state().session_id;
  const std::string second = two->state().session_id;
  const auto given =
      loop_.block_on(index_->get_all({second, "01a1f990-d3ca-7ed6-b72a-000000000000", "it's \"odd\"", first}));
  ASSERT_TRUE(given.ok()) << given.error().text();
  std::vector<SessionInfo> expected{get(first), get(second)};
  std::ranges::sort(expected, {}, &SessionInfo::session_id);
  EXPECT_EQ(*given, expected);
  EXPECT_TRUE(loop_.block_on(index_->get_all({}))->empty());
}

TEST_F(SqliteIndexTest, ACompactionIsNoTaskOfAPersonUntilOneSpeaksIntoIt) {
  const Stream stream = configured();
  const std::string id = stream->state().session_id;
  add(*stream, TaskStarted{.task = "t1"});
  say(*stream, "one");
  add(*stream, TaskComplete{.task = "t1"});
  add(*stream, TaskStarted{.task = "t2", .compact_only = true});
  add(*stream, TaskComplete{.task = "t2"});
  EXPECT_EQ(get(id).tasks, 1);
  add(*stream, TaskStarted{.task = "t3", .compact_only = true});
  EXPECT_EQ(get(id).tasks, 1) << "what comes later is taken in apart";
  say(*stream, "and now?");
  say(*stream, "and then?");
  EXPECT_EQ(get(id).tasks, 2);
  EXPECT_EQ(stream->state().tasks, 2);
  const auto used = loop_.block_on(index_->usage({.by = "folder"}));
  ASSERT_TRUE(used.ok()) << used.error().text();
  ASSERT_EQ(used->rows.size(), 1U);
  EXPECT_EQ(used->rows[0].tasks, 2);
}

TEST_F(SqliteIndexTest, AnIndexThatCountedCompactionsIsFilledAnewFromTheStreams) {
  const Stream stream = configured("kept");
  const std::string id = stream->state().session_id;
  add(*stream, TaskStarted{.task = "t"});
  say(*stream, "find me");
  EXPECT_EQ(get(id).tasks, 1);
  index_.reset();
  {
    auto database = storage::Database::open(root_ + "/index.db", root_ + "/index.lock", storage::Disk());
    ASSERT_TRUE(database.ok()) << database.error().text();
    const auto aged = database->execute(
        "ALTER TABLE sessions DROP COLUMN only_compacts; ALTER TABLE sessions DROP COLUMN tags;"
        " ALTER TABLE sessions DROP COLUMN ended_seq; ALTER TABLE sessions DROP COLUMN read_seq;"
        " ALTER TABLE sessions DROP COLUMN open_calls; DROP TABLE settled;"
        " UPDATE sessions SET tasks = 7; UPDATE usage SET tasks = 7;"
        " PRAGMA user_version = 5");
    ASSERT_TRUE(aged.ok()) << aged.error().text();
  }
  reopen();
  EXPECT_EQ(get(id).tasks, 1);
  EXPECT_EQ(get(id).title, "kept");
  EXPECT_EQ(search("find").size(), 1U);
  EXPECT_EQ(loop_.block_on(index_->usage({.by = "model"}))->rows[0].tasks, 1);
  EXPECT_TRUE(warnings_.empty()) << warnings_[0];
}

TEST_F(SqliteIndexTest, PagesFoldersAndPrefixes) {
  std::vector<std::string> ids;
  for (int i = 0; i < 5; ++i) ids.push_back(configured("s", i == 2 ? "/other" : "/repo")->state().session_id);
  EXPECT_EQ(list().front().session_id, ids[4]) << "newest first";
  EXPECT_EQ(list({.cwd = "/other"}).size(), 1U);
  auto page = loop_.block_on(index_->list({.limit = 3}));
  EXPECT_EQ(page->sessions.size(), 3U);
  page = loop_.block_on(index_->list({.limit = 3, .cursor = page->next_cursor}));
  EXPECT_EQ(page->sessions.size(), 2U);
  EXPECT_EQ(page->next_cursor, "");
  EXPECT_EQ(loop_.block_on(index_->list({.cursor = "x"})).error().code, base::codes::kInvalid);
  EXPECT_EQ(*loop_.block_on(index_->find("last")), std::vector<std::string>{ids[4]});
  EXPECT_EQ(*loop_.block_on(index_->find(ids[1])), std::vector<std::string>{ids[1]});
  EXPECT_EQ(loop_.block_on(index_->find(ids[1].substr(0, 6)))->size(), 5U);
  EXPECT_TRUE(loop_.block_on(index_->find("%"))->empty());
}

TEST_F(SqliteIndexTest, TheLastSessionIsOneInWhichSomethingWasSaid) {
  const Stream empty = configured();
  EXPECT_TRUE(loop_.block_on(index_->find("last"))->empty());
  const Stream used = configured();
  add(*used, TaskStarted{.task = "t"});
  add(*used, TaskComplete{.task = "t"});
  const Stream newer = configured();
  EXPECT_EQ(*loop_.block_on(index_->find("last")), std::vector<std::string>{used->state().session_id});
  say(*newer, "something");
  EXPECT_EQ(*loop_.block_on(index_->find("last")), std::vector<std::string>{newer->state().session_id});
}

TEST_F(SqliteIndexTest, FindsWordsAndPhrasesAndTakesNothingForAnOperator) {
  const Stream stream = configured("the title");
  say(*stream, "please mend the failing parser test");
  add(*stream, AgentMessage{.item = "a", .text = "The parser is mended"});
  add(*stream, ToolCalls{.calls = {{.call_id = "c", .tool = "shell"}}});
  add(*stream, ExecCommandBegin{.call_id = "c", .command = {"ctest", "--verbose"}});
  add(*stream, ExecCommandEnd{.call_id = "c", .outcome = {.output = "all zebras passed"}});
  const auto hits = search("failing parser");
  ASSERT_EQ(hits.size(), 1U);
  EXPECT_EQ(hits[0].seq, 2);
  EXPECT_EQ(hits[0].type, "user_message");
  EXPECT_EQ(hits[0].title, "the title");
  EXPECT_NE(hits[0].snippet.find("«failing» «parser»"), std::string::npos) << hits[0].snippet;
  EXPECT_EQ(search("parser").size(), 2U);
  EXPECT_EQ(search("\"parser is\"").size(), 1U);
  EXPECT_EQ(search("\"is parser\"").size(), 0U);
  EXPECT_EQ(search("zebras").size(), 1U);
  EXPECT_EQ(search("ctest").size(), 1U);
  EXPECT_EQ(search("parser AND OR NOT (").size(), 0U);
  EXPECT_EQ(search("a*\"b").size(), 0U);
  EXPECT_EQ(loop_.block_on(index_->search({.query = "  "})).error().code, base::codes::kInvalid);
}

TEST_F(SqliteIndexTest, OpenQuestionsComeAndGo) {
  const Stream stream = configured();
  add(*stream, TaskStarted{.task = "t"});
  add(*stream, ExecApprovalRequest{.id = "q1",
                                   .call_id = "c1",
                                   .command = {"rm", "a b"},
                                   .reason = "old",
                                   .rule = "command rm: ask",
                                   .expires_at = 77});
  add(*stream, UserQuestion{.id = "q2", .call_id = "c2", .questions = {{.question = "which one?"}}});
  auto open = loop_.block_on(index_->open_questions());
  ASSERT_EQ(open->questions.size(), 2U);
  EXPECT_EQ(open->questions[0].what, "rm 'a b'");
  EXPECT_EQ(open->questions[0].kind, "exec_approval_request");
  EXPECT_EQ(open->questions[0].reason, "old");
  EXPECT_EQ(open->questions[0].rule, "command rm: ask");
  EXPECT_EQ(open->questions[0].expires_at, 77);
  EXPECT_EQ(open->questions[1].expires_at, std::nullopt);
  add(*stream, ApprovalResolved{.id = "q1", .call_id = "c1"});
  open = loop_.block_on(index_->open_questions());
  ASSERT_EQ(open->questions.size(), 1U);
  EXPECT_EQ(open->questions[0].id, "q2");
  add(*stream, TurnAborted{});
  EXPECT_TRUE(loop_.block_on(index_->open_questions())->questions.empty());
}

TEST_F(SqliteIndexTest, UsageIsSummedOnceAndAnUnknownPriceStaysUnknown) {
  const Stream a = configured("", "/a");
  add(*a, TaskStarted{.task = "t"});
  add(*a, ToolCalls{.calls = {}, .model = "b/m", .usage = {.input_tokens = 100}, .cost_micro_usd = 9});
  add(*a, TurnComplete{.response_id = "r", .model = "b/m", .usage = {.input_tokens = 100}, .cost_micro_usd = 9});
  const Stream b = configured("", "/b");
  add(*b, TurnComplete{.response_id = "r", .model = "x/y", .usage = {.input_tokens = 5}});
  const auto by_model = loop_.block_on(index_->usage({.by = "model"}));
  ASSERT_EQ(by_model->rows.size(), 2U);
  EXPECT_EQ(by_model->rows[0].key, "b/m");
  EXPECT_EQ(by_model->rows[0].usage.input_tokens, 100);
  EXPECT_EQ(by_model->rows[0].cost_micro_usd, 9);
  EXPECT_EQ(by_model->rows[0].tasks, 1);
  EXPECT_EQ(by_model->rows[1].cost_micro_usd, std::nullopt);
  EXPECT_EQ(loop_.block_on(index_->usage({.by = "folder"}))->rows[0].key, "/a");
  EXPECT_EQ(loop_.block_on(index_->usage({.by = "day"}))->rows.size(), 1U);
  EXPECT_EQ(loop_.block_on(index_->usage({.by = "moon"})).error().code, base::codes::kInvalid);
}

TEST_F(SqliteIndexTest, WhatARecordingAnsweredIsCountedApartAndCostsNothing) {
  const Stream real = configured("", "/a");
  add(*real, TurnComplete{.response_id = "r", .model = "b/m", .usage = {.input_tokens = 100}, .cost_micro_usd = 9});
  const Stream recorded = configured("", "/a");
  add(*recorded, SessionConfigured{.model = "m", .backend = "cassette", .cwd = "/a", .replayed = true});
  add(*recorded, TaskStarted{.task = "t"});
  add(*recorded,
      TurnComplete{.response_id = "r", .model = "cassette/m", .usage = {.input_tokens = 5}, .cost_micro_usd = 7});
  const auto by_folder = loop_.block_on(index_->usage({.by = "folder"}));
  ASSERT_EQ(by_folder->rows.size(), 2U);
  EXPECT_EQ(by_folder->rows[0].key, "/a");
  EXPECT_EQ(by_folder->rows[0].cost_micro_usd, 9);
  EXPECT_EQ(by_folder->rows[1].key, "/a (recording)");
  EXPECT_EQ(by_folder->rows[1].usage.input_tokens, 5);
  EXPECT_EQ(by_folder->rows[1].tasks, 1);
  EXPECT_EQ(by_folder->rows[1].cost_micro_usd, 0);
  EXPECT_EQ(get(recorded->state().session_id).cost_micro_usd, 0);
}

TEST_F(SqliteIndexTest, ABackendThatIsNamedLikeARecordingIsNone) {
  const Stream own = configured("", "/a");
  add(*own, SessionConfigured{.model = "m", .backend = "cassette", .provider = "openai_chat", .cwd = "/a"});
  add(*own,
      TurnComplete{.response_id = "r", .model = "cassette/m", .usage = {.input_tokens = 100}, .cost_micro_usd = 9});
  // The same session, once played from a recording and then gone on with by the model.
  add(*own, SessionConfigured{.model = "m", .backend = "cassette", .cwd = "/a", .replayed = true});
  add(*own, TurnComplete{.response_id = "s", .model = "cassette/m", .usage = {.input_tokens = 5}, .cost_micro_usd = 7});
  add(*own, SessionUpdated{.model = "m", .backend = "cassette", .provider = "openai_chat"});
  add(*own, TurnComplete{.response_id = "t", .model = "cassette/m", .usage = {.input_tokens = 1}, .cost_micro_usd = 1});
  const auto rows = loop_.block_on(index_->usage({.by = "model"}))->rows;
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0].key, "cassette/m");
  EXPECT_EQ(rows[0].usage.input_tokens, 101);
  EXPECT_EQ(rows[0].cost_micro_usd, 10);
  EXPECT_EQ(rows[1].key, "cassette/m (recording)");
  EXPECT_EQ(rows[1].cost_micro_usd, 0);
  EXPECT_TRUE(get(own->state().session_id).replayed);
}

TEST_F(SqliteIndexTest, AForkStartsAsItsParentWasAndCountsOnlyItsOwn) {
  const Stream parent = configured("name", "/p");
  add(*parent, TaskStarted{.task = "t"});
  add(*parent, TurnComplete{.response_id = "r", .model = "b/m", .usage = {.input_tokens = 100}, .cost_micro_usd = 1});
  add(*parent, SessionUpdated{.model = "later"});
  const std::string id = base::uuid7(loop_.unix_now(), random_);
  {
    ASSERT_TRUE(loop_.block_on(store_->fork(parent->state().session_id, 3, "r", id)).ok());
  }
  const SessionInfo fork = get(id);
  EXPECT_EQ(fork.title, "name");
  EXPECT_EQ(fork.model, "m");
  EXPECT_EQ(fork.forked_from, parent->state().session_id);
  EXPECT_EQ(fork.usage, Usage{});
  EXPECT_EQ(fork.state, protocol::SessionState::kIdle);
}

TEST_F(SqliteIndexTest, DeletingOrDamagingTheFileLosesNothing) {
  std::string id;
  {
    const Stream stream = configured("kept");
    id = stream->state().session_id;
    add(*stream, TaskStarted{.task = "t"});
    add(*stream, TaskComplete{});
  }
  ASSERT_TRUE(loop_.block_on(index_->archive(id, true)).ok());
  ASSERT_TRUE(loop_.block_on(index_->tag({.session = id, .add = {"todo", "calc"}})).ok());
  ASSERT_TRUE(loop_.block_on(index_->mark_read({.session = id}, std::nullopt)).ok());
  EXPECT_TRUE(list().empty());
  const std::vector<SessionInfo> before = list({.archived = true});
  ASSERT_EQ(before.size(), 1U);
  EXPECT_EQ(before[0].tags.size(), 2U);
  EXPECT_FALSE(before[0].unread);
  const std::string file = root_ + "/index.db";
  for (const char* suffix : {"", "-wal", "-shm"}) fs::remove(file + suffix);
  EXPECT_EQ(list({.archived = true}), before) << "while it is open";
  for (const std::size_t bytes : {std::size_t{3}, std::size_t{20'000}}) {
    index_.reset();
    for (const char* suffix : {"-wal", "-shm"}) fs::remove(file + suffix);
    std::ofstream(file) << std::string(bytes, 'g');
    reopen();
    EXPECT_EQ(list({.archived = true}), before);
    ASSERT_EQ(warnings_.size(), 1U);
    EXPECT_NE(warnings_[0].find("made anew"), std::string::npos);
    warnings_.clear();
  }
  reopen();
  EXPECT_EQ(list({.archived = true}), before);
  EXPECT_TRUE(warnings_.empty());
}

TEST_F(SqliteIndexTest, RebuildReportsDamageWithItsPlaceAndKeepsTheRest) {
  const std::string good = configured("good")->state().session_id;
  std::string bad;
  {
    const Stream stream = configured("bad");
    bad = stream->state().session_id;
    for (int i = 0; i < 10; ++i) say(*stream, "text");
  }
  const std::string journal = root_ + "/sessions/" + bad + "/journal.ndjson";
  std::fstream damage(journal, std::ios::in | std::ios::out);
  damage.seekp(static_cast<std::streamoff>(fs::file_size(journal)) - 300);
  damage.put('\x01');
  damage.close();
  const auto reply = loop_.block_on(index_->rebuild());
  ASSERT_TRUE(reply.ok()) << reply.error().text();
  ASSERT_EQ(reply->problems.size(), 1U);
  EXPECT_NE(reply->problems[0].find("at byte"), std::string::npos);
  EXPECT_EQ(get(good).title, "good");
}

TEST_F(SqliteIndexTest, ADamagedSessionKeepsItsRowAndIsToldOnce) {
  std::string id;
  {
    const Stream stream = configured("kept", "/repo");
    id = stream->state().session_id;
    for (int i = 0; i < 5; ++i) say(*stream, "text");
  }
  const std::string journal = root_ + "/sessions/" + id + "/journal.ndjson";
  const std::string whole = *runtime::read_file(journal);
  const auto write = [&](const std::string& bytes) { std::ofstream(journal, std::ios::trunc) << bytes; };
  std::string first_damaged = whole;
  first_damaged[20] ^= 1;
  std::string last_damaged = whole;
  last_damaged[whole.size() - 30] ^= 1;

  write(first_damaged);
  ASSERT_EQ(list().size(), 1U);
  EXPECT_EQ(get(id).state, SessionState::kDamaged);
  EXPECT_GT(get(id).updated_at, 0) << "its id tells when it was made";
  EXPECT_EQ(*loop_.block_on(index_->find("last")), std::vector<std::string>{id});
  EXPECT_EQ(warnings_.size(), 1U);

  write(last_damaged);
  EXPECT_EQ(get(id).title, "kept");
  EXPECT_EQ(get(id).last_seq, 5);
  EXPECT_EQ(get(id).state, SessionState::kDamaged);

  write(whole);
  EXPECT_EQ(get(id).state, SessionState::kIdle) << "a backup mends it";
  EXPECT_EQ(get(id).last_seq, 6);

  // In what was read before, lists do not see it; whoever does notes it.
  write(first_damaged);
  EXPECT_EQ(get(id).state, SessionState::kIdle);
  ASSERT_TRUE(loop_.block_on(index_->check(id)).ok());
  EXPECT_EQ(get(id).state, SessionState::kDamaged);
  EXPECT_EQ(get(id).title, "kept");
  write(whole);
  ASSERT_TRUE(loop_.block_on(index_->check(id)).ok());
  EXPECT_EQ(get(id).state, SessionState::kIdle);
}

TEST_F(SqliteIndexTest, AnEmptiedSessionKeepsWhatWasKnownOfIt) {
  const Stream other = configured("other");
  std::string id;
  {
    const Stream stream = configured("kept");
    id = stream->state().session_id;
    ASSERT_TRUE(stream->keep_draft({ports::DraftKind::kMessage, "a", "half"}).ok());
    EXPECT_EQ(get(id).title, "kept");
    say(*stream, "more");
  }
  fs::resize_file(root_ + "/sessions/" + id + "/journal.ndjson", 0);
  EXPECT_EQ(get(id).state, SessionState::kDamaged);
  EXPECT_EQ(get(id).title, "kept");
  const auto reply = loop_.block_on(index_->rebuild());
  ASSERT_TRUE(reply.ok()) << reply.error().text();
  EXPECT_EQ(reply->problems.size(), 1U);
  EXPECT_EQ(get(id).state, SessionState::kDamaged);
  EXPECT_EQ(list().size(), 2U);
}

TEST_F(SqliteIndexTest, WhatItHasReadOfAStreamTellsThatTheRestIsMissing) {
  std::string id;
  {
    const Stream stream = configured("kept");
    id = stream->state().session_id;
    for (int i = 0; i < 3; ++i) say(*stream, "text");
  }
  const std::string folder = root_ + "/sessions/" + id;
  const std::string whole = *runtime::read_file(folder + "/journal.ndjson");
  const std::size_t first = whole.find('\n');
  for (const std::size_t left : {std::size_t{0}, first - 10, first + 1}) {
    ASSERT_EQ(list().size(), 1U);
    EXPECT_EQ(get(id).state, SessionState::kIdle);
    fs::remove(folder + "/recorded");  // as one of a version that noted no length
    std::ofstream(folder + "/journal.ndjson", std::ios::trunc) << whole.substr(0, left);
    ASSERT_EQ(list().size(), 1U) << left;
    EXPECT_EQ(list()[0].state, SessionState::kDamaged) << left;
    EXPECT_EQ(list()[0].title, "kept");
    EXPECT_EQ(loop_.block_on(store_->open(id)).error().code, base::codes::kCorrupt) << left;
    std::ofstream(folder + "/journal.ndjson", std::ios::trunc) << whole;
    ASSERT_TRUE(loop_.block_on(index_->check(id)).ok());
  }
  EXPECT_EQ(get(id).state, SessionState::kIdle);
  EXPECT_EQ(get(id).last_seq, 4);
}

TEST_F(SqliteIndexTest, AFolderInThePlaceOfTheFileIsMovedAside) {
  const std::string id = configured("kept")->state().session_id;
  fs::create_directories(root_ + "/index.db/inner");
  ASSERT_TRUE(loop_.block_on(index_->rebuild()).ok());
  EXPECT_EQ(get(id).title, "kept");
  EXPECT_TRUE(fs::exists(root_ + "/index.db.aside/inner"));
  ASSERT_FALSE(warnings_.empty());
  EXPECT_NE(warnings_.back().find("index.db.aside"), std::string::npos);
}

TEST_F(SqliteIndexTest, ARemovedSessionIsForgottenWhoeverRemovedIt) {
  const std::string id = configured("x")->state().session_id;
  EXPECT_EQ(list().size(), 1U);
  ASSERT_TRUE(loop_.block_on(store_->remove(id)).ok());
  EXPECT_TRUE(list().empty());
  EXPECT_TRUE(store_->source().unfollowed()->empty());
}

TEST_F(SqliteIndexTest, FollowTakesInAStreamAndClosingThenLeavesNothingToDo) {
  {
    const Stream stream = configured("x");
    ASSERT_TRUE(loop_.block_on(index_->follow(stream->state().session_id)).ok());
  }
  EXPECT_TRUE(fs::is_empty(root_ + "/unfollowed"));
  EXPECT_EQ(list().size(), 1U);
}

TEST_F(SqliteIndexTest, SeveralProcessesFollowTheSameStreams) {
  for (int i = 0; i < 20; ++i) (void)configured("s" + std::to_string(i));
  std::vector<pid_t> children;
  for (int i = 0; i < 3; ++i) {
    const pid_t child = ::fork();
    if (child == 0) {
      runtime::Loop loop;
      runtime::Pool pool(loop, "index", 1);
      auto store = journal::JournalStore::create(loop, pool, {.state_dir = root_});
      auto index = SqliteIndex::create(loop, pool, (*store)->source(), {.state_dir = root_});
      const auto reply = loop.block_on((*index)->list({}));
      ::_exit(reply.ok() && reply->sessions.size() == 20 ? 0 : 1);
    }
    children.push_back(child);
  }
  EXPECT_EQ(list().size(), 20U);
  for (const pid_t child : children) {
    int status = 0;
    ::waitpid(child, &status, 0);
    EXPECT_EQ(status, 0);
  }
  EXPECT_TRUE(fs::is_empty(root_ + "/unfollowed"));
}

}  // namespace
}  // namespace lathe::index
