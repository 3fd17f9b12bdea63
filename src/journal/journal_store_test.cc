#include "lathe/journal/journal_store.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <mutex>

#include "lathe/base/ids.h"
#include "lathe/journal/history.h"
#include "lathe/journal/journal_fixture.h"
#include "lathe/journal/snapshot.h"
#include "lathe/runtime/scope.h"
#include "lathe/storage/fault.h"

namespace lathe::journal {
namespace {

namespace fs = std::filesystem;
using namespace lathe::protocol;  // NOLINT: half of the protocol is named here
using ports::SessionStream;

using JournalStoreTest = JournalFixture;

TEST_F(JournalStoreTest, WhatIsAppendedIsThereAgainInAnyDurability) {
  for (const auto durability : {runtime::Durability::kProcess, runtime::Durability::kPower}) {
    reopen(nullptr, durability);
    const std::string id = new_id();
    ports::SessionState written;
    {
      const Stream stream = create(id);
      say(*stream, "hello");
      const auto record = append(*stream, AgentMessage{.item = "a", .text = "hi"});
      EXPECT_EQ(record->seq, 2);
      EXPECT_EQ(*record->line, read(id).back());
      EXPECT_TRUE(store_->held(id));
      written = stream->state();
    }
    EXPECT_FALSE(store_->held(id));
    EXPECT_EQ(peek(id), written);
    const auto again = open(id);
    EXPECT_EQ((*again)->state(), written);
    EXPECT_EQ(loop_.block_on((*again)->read(1, 10))->size(), 1U);
  }
}

runtime::Async<base::Result<void>> append_many(SessionStream* stream, int count) {
  for (int i = 0; i < count; ++i) {
    Event event{.session = "", .seq = {}, .id = "1", .by = "", .ts = 5, .msg = Warning{.code = "", .message = "w"}};
    CO_TRY_OK(co_await stream->append(std::move(event)));
  }
  co_return base::Result<void>();
}

TEST_F(JournalStoreTest, AppendsThatComeTogetherGetTheirOwnSeqs) {
  reopen(nullptr, runtime::Durability::kPower);
  const std::string id = new_id();
  const Stream stream = create(id);
  std::vector<runtime::Async<base::Result<void>>> writers;
  for (int i = 0; i < 5; ++i) writers.push_back(append_many(stream.get(), 10));
  for (const auto& result : loop_.block_on(runtime::when_all(std::move(writers)))) EXPECT_TRUE(result.ok());
  EXPECT_EQ(stream->state().last_seq, 50);
  EXPECT_EQ(read(id).size(), 50U);
}

TEST_F(JournalStoreTest, MissingForeignAndHeldSessionsAreErrorsThatSaySo) {
  EXPECT_EQ(open(new_id()).error().code, base::codes::kNotFound);
  EXPECT_EQ(open("../../etc").error().code, base::codes::kInvalid);
  EXPECT_EQ(loop_.block_on(store_->create("x/y")).error().code, base::codes::kInvalid);
  const std::string id = new_id();
  const Stream stream = create(id);
  EXPECT_EQ(loop_.block_on(store_->create(id)).error().code, base::codes::kExists);
  const auto second = open(id);
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().code, base::codes::kLocked);
  EXPECT_NE(second.error().message.find(fmt::format("process {}", ::getpid())), std::string::npos);
  EXPECT_EQ(second.error().hint.find("lathe session fork"), std::string::npos) << "no Turn to fork from is over";
}

/// A child process holds the session and appends until it is killed; what it was told is there is there.
TEST_F(JournalStoreTest, AnotherProcessHoldsTheSessionUntilItIsKilled) {
  const std::string id = new_id();
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    runtime::Loop loop;
    runtime::Pool pool(loop, "fs", 1);
    auto store = JournalStore::create(loop, pool, {.state_dir = root_});
    auto stream = loop.block_on((*store)->create(id));
    for (int i = 0; i < 300; ++i) {
      Event event{.session = "", .seq = {}, .id = "1", .by = "", .ts = 5, .msg = Warning{.code = "", .message = "w"}};
      const auto done = loop.block_on((*stream)->append(std::move(event)));
      if (!done.ok() || ::write(ends[1], &done->seq, sizeof done->seq) != sizeof done->seq) ::_exit(1);
    }
    while (true) ::pause();
  }
  ::close(ends[1]);
  std::int64_t acknowledged = 0;
  for (int i = 0; i < 100; ++i) {
    ASSERT_EQ(::read(ends[0], &acknowledged, sizeof acknowledged), static_cast<ssize_t>(sizeof acknowledged));
  }
  const auto refused = open(id);
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(refused.error().message.find(fmt::format("process {}", child)), std::string::npos)
      << refused.error().text();
  EXPECT_TRUE(store_->held(id));
  EXPECT_GE(peek(id).last_seq, acknowledged);
  EXPECT_EQ(loop_.block_on(store_->remove(id)).error().code, base::codes::kLocked);
  ::kill(child, SIGKILL);
  while (::read(ends[0], &acknowledged, sizeof acknowledged) == sizeof acknowledged) {
  }
  ::close(ends[0]);
  ::waitpid(child, nullptr, 0);
  const auto stream = open(id);
  ASSERT_TRUE(stream.ok()) << stream.error().text();
  EXPECT_GE((*stream)->state().last_seq, acknowledged);
}

TEST_F(JournalStoreTest, ATornRecordIsToldAndDamageStopsTheOpening) {
  const std::string id = new_id();
  {
    const Stream stream = create(id);
    for (int i = 0; i < 5; ++i) say(*stream, "text " + std::to_string(i));
  }
  std::ofstream(journal(id), std::ios::app) << R"({"v":1,"sess)";
  EXPECT_EQ(peek(id).last_seq, 5);
  EXPECT_EQ((*open(id))->state().last_seq, 5);
  ASSERT_EQ(warnings_.size(), 1U);
  EXPECT_NE(warnings_[0].find("torn"), std::string::npos);

  std::fstream file(journal(id), std::ios::in | std::ios::out);
  file.seekp(300);
  file.put('#');
  file.close();
  const auto damaged = open(id);
  ASSERT_FALSE(damaged.ok());
  EXPECT_EQ(damaged.error().code, base::codes::kCorrupt);
  EXPECT_NE(damaged.error().message.find("at byte"), std::string::npos);
}

TEST_F(JournalStoreTest, AFailedAppendChangesNothingAndALaterOneWorks) {
  class Full final : public storage::FaultPoint {
   public:
    storage::Fault before(std::string_view operation, std::size_t) override {
      return full && operation == "stream.append" ? storage::Fault{.error = ENOSPC, .written = 40} : storage::Fault{};
    }
    void after(std::string_view) override {}
    bool full = false;
  } disk;
  for (const auto durability : {runtime::Durability::kProcess, runtime::Durability::kPower}) {
    reopen(&disk, durability);
    const std::string id = new_id();
    const Stream stream = create(id);
    say(*stream, "one");
    const ports::SessionState before = stream->state();
    disk.full = true;
    const auto failed = append(*stream, Warning{.message = "lost"});
    EXPECT_EQ(failed.error().code, base::codes::kNoSpace);
    EXPECT_EQ(stream->state(), before);
    EXPECT_EQ(read(id).size(), 1U);
    disk.full = false;
    EXPECT_EQ(append(*stream, Warning{.message = "kept"})->seq, 2);
  }
}

TEST_F(JournalStoreTest, DraftsOutliveTheProcessUntilTheirRecordComes) {
  const std::string id = new_id();
  {
    const Stream stream = create(id);
    say(*stream, "go");
    ASSERT_TRUE(stream->keep_draft({ports::DraftKind::kMessage, "a", "half"}).ok());
    ASSERT_TRUE(stream->keep_draft({ports::DraftKind::kMessage, "a", "half of \"it\"\n"}).ok());
    ASSERT_TRUE(stream->keep_draft({ports::DraftKind::kReasoning, "r", "think"}).ok());
    ASSERT_TRUE(stream->keep_draft({ports::DraftKind::kMessage, "gone", "x"}).ok());
    ASSERT_TRUE(stream->keep_draft({ports::DraftKind::kMessage, "gone", ""}).ok());
    EXPECT_TRUE(stream->recovered_drafts().empty());
  }
  const std::string left = *runtime::read_file(folder(id) + "/draft.ndjson");
  {
    const auto stream = open(id);
    EXPECT_EQ((*stream)->recovered_drafts(),
              (std::vector<ports::RecoveredDraft>{{ports::DraftKind::kMessage, "a", "half of \"it\"\n"},
                                                  {ports::DraftKind::kReasoning, "r", "think"}}));
    ASSERT_TRUE(append(**stream, AgentMessage{.item = "a", .text = "half of"}).ok());
    EXPECT_EQ((*stream)->recovered_drafts().size(), 1U);
  }
  // Died between the record and the draft's end: the record counts, nothing is told twice.
  std::ofstream(folder(id) + "/draft.ndjson") << left;
  EXPECT_EQ((*open(id))->recovered_drafts().size(), 1U);
}

runtime::Async<void> append_warning(SessionStream* stream, std::string text) {
  Event event{.session = "", .seq = {}, .id = "1", .by = "", .ts = 5, .msg = Warning{.message = std::move(text)}};
  EXPECT_TRUE((co_await stream->append(std::move(event))).ok());
}

TEST_F(JournalStoreTest, LongRecordsKeepTheirPlaceAmongShortOnes) {
  const std::string id = new_id();
  const Stream stream = create(id);
  runtime::Scope scope(loop_);
  std::vector<std::string> said;
  for (int i = 0; i < 9; ++i) {
    said.push_back(std::to_string(i) + std::string(i % 3 == 0 ? 200'000 : 1, 'x'));
    scope.spawn(append_warning(stream.get(), said.back()));
  }
  loop_.block_on(scope.join());
  std::vector<std::string> recorded;
  for (const std::string& line : read(id)) {
    const auto event = protocol::decode_event(line);
    ASSERT_TRUE(event.ok());
    recorded.push_back(std::get<Warning>(event->msg).message);
  }
  EXPECT_EQ(recorded, said);
  EXPECT_EQ(stream->state().last_seq, 9);
}

TEST_F(JournalStoreTest, LongRecordsAreReadAFewAtATime) {
  const std::string id = new_id();
  const Stream stream = create(id);
  const std::string text(3U << 20, 'x');
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(append(*stream, Warning{.message = text}).ok());
  std::vector<std::int64_t> seqs;
  std::size_t pages = 0;
  while (true) {
    const auto page = loop_.block_on(stream->read(std::ssize(seqs), 100));
    ASSERT_TRUE(page.ok()) << page.error().text();
    if (page->empty()) break;
    ++pages;
    for (const ports::AppendedRecord& record : *page) {
      seqs.push_back(record.seq);
      EXPECT_EQ(protocol::encode_event(*record.event), *record.line);
    }
  }
  EXPECT_EQ(seqs, (std::vector<std::int64_t>{1, 2, 3}));
  EXPECT_GT(pages, 1U);
}

TEST_F(JournalStoreTest, ALongDraftIsKeptAsItWasLastAndGoesWithItsRecord) {
  const std::string id = new_id();
  std::string text(1U << 20, 'x');
  {
    const Stream stream = create(id);
    say(*stream, "go");
    for (int i = 0; i < 3; ++i) {
      text += "more";
      ASSERT_TRUE(stream->keep_draft({ports::DraftKind::kMessage, "a", text}).ok());
    }
    loop_.block_on(stream->close());
  }
  {
    const auto stream = open(id);
    EXPECT_EQ((*stream)->recovered_drafts(),
              (std::vector<ports::RecoveredDraft>{{ports::DraftKind::kMessage, "a", text}}));
    ASSERT_TRUE((*stream)->keep_draft({ports::DraftKind::kMessage, "a", text + "!"}).ok());
    ASSERT_TRUE(append(**stream, AgentMessage{.item = "a", .text = text}).ok());
    loop_.block_on((*stream)->close());
  }
  EXPECT_FALSE(std::filesystem::exists(folder(id) + "/draft.ndjson"));
}

TEST_F(JournalStoreTest, ForksOfForksReadTheirParentsFirstAndCopyNothing) {
  const std::string a = new_id(), b = new_id(), c = new_id();
  const Stream root = create(a);
  for (int i = 1; i <= 5; ++i) say(*root, "a" + std::to_string(i));
  auto fork = loop_.block_on(store_->fork(a, 3, "resp", b));
  ASSERT_TRUE(fork.ok()) << fork.error().text();
  EXPECT_EQ((*fork)->state().last_seq, 4);
  EXPECT_EQ((*fork)->state().conversation.entries.size(), 3U);
  say(**fork, "b5");
  say(*root, "a6");
  auto grandchild = loop_.block_on(store_->fork(b, 5, "", c));
  ASSERT_TRUE(grandchild.ok());
  say(**grandchild, "c7");

  const auto records = read(c);
  ASSERT_EQ(records.size(), 7U);
  EXPECT_EQ(records[2], read(a)[2]);
  EXPECT_NE(records[3].find("forked_from"), std::string::npos);
  EXPECT_EQ(read(c, 4), std::vector<std::string>(records.begin() + 4, records.end()));
  EXPECT_EQ(read(c, 1, 3), std::vector<std::string>(records.begin() + 1, records.begin() + 4));
  EXPECT_EQ(peek(c), (*grandchild)->state());
  EXPECT_EQ(peek(c).conversation.entries.size(), 5U);

  EXPECT_EQ(loop_.block_on(store_->fork(a, 99, "", new_id())).error().code, base::codes::kNotFound);
  EXPECT_EQ(loop_.block_on(store_->fork(new_id(), 1, "", new_id())).error().code, base::codes::kNotFound);
}

TEST_F(JournalStoreTest, RemovalIsRefusedWhileForkedFromAndAMissingParentIsTold) {
  const std::string a = new_id(), b = new_id();
  {
    const Stream root = create(a);
    say(*root, "x");
  }
  {
    const auto fork = loop_.block_on(store_->fork(a, 1, "", b));
    ASSERT_TRUE(fork.ok());
  }
  const auto refused = loop_.block_on(store_->remove(a));
  EXPECT_EQ(refused.error().code, base::codes::kExists);
  EXPECT_NE(refused.error().message.find(b), std::string::npos);
  EXPECT_EQ(peek(a).last_seq, 1);
  fs::rename(folder(a), root_ + "/aside");
  EXPECT_EQ(open(b).error().code, base::codes::kCorrupt);
  EXPECT_NE(open(b).error().message.find(a), std::string::npos);
  EXPECT_TRUE(loop_.block_on(store_->peek_whole(b))->damage);
  fs::rename(root_ + "/aside", folder(a));
  ASSERT_TRUE(loop_.block_on(store_->remove(b)).ok());
  ASSERT_TRUE(loop_.block_on(store_->remove(a)).ok());
  EXPECT_EQ(open(a).error().code, base::codes::kNotFound);
  EXPECT_TRUE(fs::is_empty(root_ + "/sessions"));
  EXPECT_TRUE(fs::is_empty(root_ + "/trash"));
}

TEST_F(JournalStoreTest, ARollbackOverACompactionBringsTheOriginalsBack) {
  const std::string a = new_id(), b = new_id();
  const Stream root = create(a);
  say(*root, "one");
  ASSERT_TRUE(append(*root, TurnComplete{.response_id = "r1", .model = "m"}).ok());
  const ports::Conversation then = root->state().conversation;
  auto fork = loop_.block_on(store_->fork(a, 2, "r1", b));
  for (SessionStream* stream : {root.get(), fork->get()}) {
    say(*stream, "two");
    ASSERT_TRUE(append(*stream, Compacted{.item = "k", .summary = "sum", .keep_from_seq = 99}).ok());
    say(*stream, "three");
    ASSERT_TRUE(append(*stream, RolledBack{.to_seq = 2}).ok());
    EXPECT_EQ(stream->state().conversation, then);
    EXPECT_EQ(peek(stream->state().session_id), stream->state());
  }
}

/// A long session: texts that a compaction replaces again and again.
void make_long(SessionStream& stream, runtime::Loop& loop, int records) {
  for (int i = 1; i <= records; ++i) {
    Event event{.session = "", .seq = {}, .id = "1", .by = "", .ts = 5, .msg = {}};
    if (i % 500 == 0) {
      event.msg = Compacted{.item = "k", .summary = "sum", .keep_from_seq = stream.state().last_seq};
    } else if (i % 500 == 250) {
      event.msg = protocol::TurnComplete{.response_id = "resp_" + std::to_string(i), .model = "b/m", .usage = {}};
    } else {
      event.msg = UserMessage{.item = "u", .content = {TextPart{std::string(400, 'x')}}};
    }
    ASSERT_TRUE(loop.block_on(stream.append(std::move(event))).ok());
    if (i % 500 == 0) loop.block_on(stream.close());
  }
}

/// Holds the writing of snapshots up until it is told to let it go on.
class HeldSnapshots final : public storage::FaultPoint {
 public:
  storage::Fault before(std::string_view operation, std::size_t) override {
    if (operation != "snapshot.write") return {};
    std::unique_lock lock(mutex_);
    waiting_ = true;
    changed_.notify_all();
    // Long enough for any machine; without an end, a broken test would never end.
    changed_.wait_for(lock, std::chrono::seconds(30), [this] { return released_; });
    return {};
  }
  void after(std::string_view) override {}
  void wait_until_held() {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, std::chrono::seconds(30), [this] { return waiting_; });
  }
  void release() {
    const std::scoped_lock lock(mutex_);
    released_ = true;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool waiting_ = false;
  bool released_ = false;
};

TEST_F(JournalStoreTest, AppendsDoNotWaitForASnapshot) {
  HeldSnapshots disk;
  reopen(&disk);
  const std::string id = new_id();
  const auto snapshots = [&] { return list_snapshots(folder(id)).size(); };
  ports::SessionState written;
  {
    const Stream stream = create(id);
    say(*stream, std::string(2U << 20, 'x'));
    disk.wait_until_held();
    EXPECT_EQ(snapshots(), 0U);
    say(*stream, "and on");
    EXPECT_EQ(read(id).size(), 2U) << "what came meanwhile is in the stream";
    EXPECT_EQ(snapshots(), 0U);
    written = stream->state();
    disk.release();
    loop_.block_on(stream->close());
    EXPECT_EQ(snapshots(), 1U);
  }
  const auto folders = SessionFolders::open(root_, storage::Disk(), runtime::Durability::kProcess);
  const auto loaded = History(*folders).load(id);
  EXPECT_GT(loaded->snapshot_offset, 0U);
  EXPECT_EQ(loaded->state, written);
}

TEST_F(JournalStoreTest, ALongSessionResumesFromItsSnapshotAndFallsBackWhenThatIsDamaged) {
  const std::string id = new_id();
  ports::SessionState written;
  {
    const Stream stream = create(id);
    make_long(*stream, loop_, 7'000);
    written = stream->state();
  }
  const auto folders = SessionFolders::open(root_, storage::Disk(), runtime::Durability::kProcess);
  auto loaded = History(*folders).load(id);
  ASSERT_TRUE(loaded.ok());
  EXPECT_EQ(loaded->state, written);
  EXPECT_EQ(loaded->state.bookmarks.size(), 14U);
  EXPECT_GT(loaded->snapshot_offset, 0U);
  EXPECT_LT(loaded->stream_bytes_read, fs::file_size(journal(id)) / 2);

  std::vector<fs::path> snapshots;
  for (const auto& entry : fs::directory_iterator(folder(id))) {
    if (entry.path().filename().string().starts_with("snapshot-")) snapshots.push_back(entry.path());
  }
  ASSERT_EQ(snapshots.size(), 2U);
  std::ranges::sort(snapshots, {}, [](const fs::path& path) { return fs::last_write_time(path); });
  fs::resize_file(snapshots[1], fs::file_size(snapshots[1]) - 5);
  loaded = History(*folders).load(id);
  EXPECT_EQ(loaded->state, written);
  EXPECT_GT(loaded->snapshot_offset, 0U) << "the older one is used";
  EXPECT_EQ(loaded->bad_snapshots.size(), 1U);
  EXPECT_EQ((*open(id))->state(), written);
  EXPECT_FALSE(fs::exists(snapshots[1])) << "whoever holds the session clears it away";
  fs::remove(snapshots[0]);
  EXPECT_EQ(peek(id), written);

  // A snapshot of a record that this stream does not have any more.
  {
    const auto stream = open(id);
    make_long(**stream, loop_, 3'000);
  }
  const std::uint64_t half = fs::file_size(journal(id)) / 2;
  const std::string text = *runtime::read_file(journal(id));
  fs::resize_file(journal(id), text.find('\n', half) + 1);
  fs::remove(folder(id) + "/recorded");
  const auto opened = open(id);
  ASSERT_FALSE(opened.ok());
  EXPECT_EQ(opened.error().code, base::codes::kCorrupt);
  EXPECT_NE(opened.error().message.find("its end is missing, it had record "), std::string::npos)
      << opened.error().text();
}

TEST_F(JournalStoreTest, StreamsAreMarkedWhileAnIndexMayHaveMissedSomething) {
  const std::string id = new_id();
  ports::SessionSource& source = store_->source();
  {
    const Stream stream = create(id);
    EXPECT_TRUE(source.unfollowed()->empty());
    say(*stream, "x");
    EXPECT_EQ(*source.unfollowed(), std::vector<std::string>{id});
    const auto page = source.read_own(id, 0, 1'000);
    EXPECT_EQ(page->lines.size(), 1U);
    ASSERT_TRUE(source.followed(id, page->next_offset).ok());
    EXPECT_EQ(source.unfollowed()->size(), 1U) << "more may come while it is held";
  }
  EXPECT_TRUE(source.unfollowed()->empty()) << "closed after it was followed";
  {
    const auto stream = open(id);
    say(**stream, "y");
  }
  EXPECT_EQ(source.unfollowed()->size(), 1U) << "closed, not followed";
  ASSERT_TRUE(source.followed(id, 5).ok());
  EXPECT_EQ(source.unfollowed()->size(), 1U) << "not to its end";
  ASSERT_TRUE(source.followed(id, fs::file_size(journal(id))).ok());
  EXPECT_TRUE(source.unfollowed()->empty());
  ASSERT_TRUE(loop_.block_on(store_->remove(id)).ok());
  EXPECT_EQ(*source.unfollowed(), std::vector<std::string>{id}) << "an index has to forget it";
}

}  // namespace
}  // namespace lathe::journal
