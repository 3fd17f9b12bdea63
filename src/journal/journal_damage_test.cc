#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "lathe/journal/journal_fixture.h"
#include "lathe/runtime/files.h"

// What can still be done with a session whose stream is damaged.

namespace lathe::journal {
namespace {

namespace fs = std::filesystem;
using namespace lathe::protocol;  // NOLINT: half of the protocol is named here

class JournalDamageTest : public JournalFixture {
 protected:
  /// Changes one byte of record `seq` of the session's own stream, whose first record is `first`.
  void damage(const std::string& id, std::int64_t seq, std::int64_t first = 1) {
    std::string text = *runtime::read_file(journal(id));
    std::size_t place = 0;
    for (std::int64_t i = first; i < seq; ++i) place = text.find('\n', place) + 1;
    text[place + 20] ^= 1;
    std::ofstream(journal(id), std::ios::trunc) << text;
  }
};

TEST_F(JournalDamageTest, WhatStandsBeforeDamageIsReadAndForkedFromAndTheFileStaysAsItIs) {
  const std::string a = new_id(), b = new_id();
  ports::SessionState then;
  {
    const Stream stream = create(a);
    for (int i = 1; i <= 3; ++i) say(*stream, "text " + std::to_string(i));
    ASSERT_TRUE(append(*stream, TurnComplete{.response_id = "r1", .model = "m"}).ok());
    then = stream->state();
    for (int i = 5; i <= 9; ++i) say(*stream, "text " + std::to_string(i));
  }
  const std::vector<std::string> whole = read(a);
  damage(a, 6);
  std::ofstream(journal(a), std::ios::app) << R"({"v":1,"torn)";
  const std::string bytes = *runtime::read_file(journal(a));

  auto page = loop_.block_on(store_->read(a, 0, 100));
  ASSERT_TRUE(page.ok()) << page.error().text();
  EXPECT_EQ(page->records, std::vector<std::string>(whole.begin(), whole.begin() + 5));
  ASSERT_TRUE(page->damage);
  EXPECT_EQ(page->damage->code, base::codes::kCorrupt);
  page = loop_.block_on(store_->read(a, 5, 100));
  EXPECT_TRUE(page->records.empty() && page->damage) << "reading on meets it again";
  EXPECT_FALSE(loop_.block_on(store_->read(a, 0, 5))->damage) << "what is asked for is there";
  EXPECT_EQ(loop_.block_on(store_->peek(a)).error().code, base::codes::kCorrupt);
  const auto part = loop_.block_on(store_->peek_whole(a));
  EXPECT_EQ(part->state.last_seq, 5);
  EXPECT_TRUE(part->damage);

  const auto opened = open(a);
  ASSERT_FALSE(opened.ok());
  EXPECT_NE(opened.error().message.find("session " + a), std::string::npos) << opened.error().text();
  EXPECT_NE(opened.error().hint.find("lathe session fork " + a + " --at r1"), std::string::npos);
  EXPECT_EQ(*runtime::read_file(journal(a)), bytes);

  {
    const auto fork = loop_.block_on(store_->fork(a, 4, "r1", b));
    ASSERT_TRUE(fork.ok()) << fork.error().text();
    EXPECT_EQ((*fork)->state().conversation.entries, then.conversation.entries);
    say(**fork, "elsewhere");
  }
  EXPECT_EQ(read(b).size(), 6U) << "the damage is behind the point of the fork";
  EXPECT_TRUE(open(b).ok());
  ASSERT_TRUE(loop_.block_on(store_->remove(b)).ok());
  ASSERT_TRUE(loop_.block_on(store_->remove(a)).ok());
}

TEST_F(JournalDamageTest, AForkOfAParentThatIsDamagedBeforeItReadsUpToThere) {
  const std::string a = new_id(), b = new_id();
  {
    const Stream root = create(a);
    for (int i = 1; i <= 5; ++i) say(*root, "a");
    const auto fork = loop_.block_on(store_->fork(a, 5, "", b));
    ASSERT_TRUE(fork.ok());
    say(**fork, "b");
  }
  damage(a, 4);
  const auto page = loop_.block_on(store_->read(b, 0, 100));
  ASSERT_TRUE(page.ok()) << page.error().text();
  EXPECT_EQ(page->records.size(), 3U);
  EXPECT_TRUE(page->damage);
  EXPECT_EQ(loop_.block_on(store_->peek_whole(b))->state.last_seq, 3);
  EXPECT_EQ(open(b).error().code, base::codes::kCorrupt);
  EXPECT_TRUE(store_->source().check(b).ok()) << "its own stream is whole";
  EXPECT_EQ(store_->source().check(a).error().code, base::codes::kCorrupt);
}

TEST_F(JournalDamageTest, AStreamThatLostARecordOrIsAnothersIsDamaged) {
  const std::string a = new_id(), b = new_id();
  for (const std::string& id : {a, b}) {
    const Stream stream = create(id);
    for (int i = 1; i <= 3; ++i) say(*stream, "text");
  }
  EXPECT_TRUE(store_->source().check(a).ok());
  const std::string text = *runtime::read_file(journal(a));
  const std::size_t second = text.find('\n') + 1;
  std::ofstream(journal(a), std::ios::trunc) << text.substr(0, second) << text.substr(text.find('\n', second) + 1);
  EXPECT_EQ(store_->source().check(a).error().code, base::codes::kCorrupt);
  const auto page = loop_.block_on(store_->read(a, 0, 100));
  EXPECT_EQ(page->records.size(), 1U);
  EXPECT_TRUE(page->damage);
  std::ofstream(journal(b), std::ios::trunc) << text;
  EXPECT_EQ(store_->source().check(b).error().code, base::codes::kCorrupt);
}

TEST_F(JournalDamageTest, AStreamThatEndsBeforeItDidIsDamagedWhereItEnds) {
  const std::string id = new_id();
  {
    const Stream stream = create(id);
    for (int i = 1; i <= 3; ++i) say(*stream, "text");
  }
  const std::vector<std::string> whole = read(id);
  const std::string text = *runtime::read_file(journal(id));
  // On a record's end, within a record, and within the first one.
  const std::size_t first = text.find('\n') + 1;
  for (const std::size_t left : {first, first + 9, std::size_t{9}}) {
    std::ofstream(journal(id), std::ios::trunc) << text.substr(0, left);
    EXPECT_EQ(store_->source().check(id).error().code, base::codes::kCorrupt) << left;
    EXPECT_EQ(open(id).error().code, base::codes::kCorrupt) << left;
    EXPECT_EQ(loop_.block_on(store_->peek_whole(id))->state.last_seq, left < first ? 0 : 1);
    EXPECT_EQ(fs::file_size(journal(id)), left) << "it stays as it is";
  }
  std::ofstream(journal(id), std::ios::trunc) << text.substr(0, first);
  const auto page = loop_.block_on(store_->read(id, 0, 10));
  EXPECT_EQ(page->records, std::vector<std::string>(whole.begin(), whole.begin() + 1));
  EXPECT_NE(page->damage->message.find("its end is missing"), std::string::npos) << page->damage->text();
  fs::remove(journal(id));
  EXPECT_EQ(store_->source().check(id).error().code, base::codes::kCorrupt);
  EXPECT_EQ(loop_.block_on(store_->read(id, 0, 10)).error().code, base::codes::kCorrupt);
  EXPECT_EQ(open(id).error().code, base::codes::kCorrupt);
  EXPECT_FALSE(fs::exists(journal(id)));
  ASSERT_TRUE(loop_.block_on(store_->remove(id)).ok());
  EXPECT_FALSE(fs::exists(folder(id)));
}

TEST_F(JournalDamageTest, AnEmptiedStreamIsDamagedAndOneThatWasNeverBegunIsNot) {
  const std::string a = new_id(), b = new_id();
  {
    const Stream stream = create(a);
    EXPECT_TRUE(read(a).empty()) << "its first record is still to come";
    say(*stream, "x");
    ASSERT_TRUE(stream->keep_draft({ports::DraftKind::kMessage, "a", "half"}).ok());
  }
  fs::resize_file(journal(a), 0);
  EXPECT_EQ(loop_.block_on(store_->read(a, 0, 10)).error().code, base::codes::kCorrupt);
  EXPECT_EQ(loop_.block_on(store_->peek(a)).error().code, base::codes::kCorrupt);
  EXPECT_EQ(open(a).error().code, base::codes::kCorrupt);
  EXPECT_EQ(store_->source().check(a).error().code, base::codes::kCorrupt);
  // What a process leaves that dies before its first record, which may be torn.
  fs::create_directory(folder(b));
  std::ofstream(journal(b)) << R"({"v":1)";
  EXPECT_TRUE(store_->source().check(b).ok());
  EXPECT_TRUE(read(b).empty());
  const std::string c = new_id();
  (void)create(c);
  EXPECT_FALSE(fs::exists(folder(c))) << "a session without a record goes with its stream";
}

}  // namespace
}  // namespace lathe::journal
