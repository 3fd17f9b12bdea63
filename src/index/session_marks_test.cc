#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "lathe/base/ids.h"
#include "lathe/index/index_rig.h"

// What people put on sessions: tags, and how far they looked.

namespace lathe::index {
namespace {

using namespace lathe::protocol;  // NOLINT: half of the protocol is named here

class SessionMarksTest : public IndexRig {};

TEST_F(SessionMarksTest, ASessionIsUnreadUntilItsLastEndIsLookedAt) {
  const Stream stream = configured("t");
  const std::string id = stream->state().session_id;
  const auto mark = [&](SessionMarkRead call) {
    call.session = id;
    const auto done = loop_.block_on(index_->mark_read(std::move(call), std::nullopt));
    EXPECT_TRUE(done.ok()) << done.error().text();
    return get(id).unread;
  };
  add(*stream, TaskStarted{.task = "t1"});
  EXPECT_FALSE(get(id).unread) << "nothing has ended";
  add(*stream, TaskComplete{});  // record 3
  EXPECT_TRUE(get(id).unread);
  EXPECT_EQ(list({.unread = true}).size(), 1U);
  EXPECT_TRUE(mark({.seq = 2})) << "the end was not seen";
  EXPECT_FALSE(mark({.seq = 99})) << "what comes later is not looked at by that";
  EXPECT_TRUE(list({.unread = true}).empty());
  add(*stream, TaskStarted{.task = "t2"});
  add(*stream, TaskParked{});
  EXPECT_TRUE(get(id).unread) << "it waits for a person";
  EXPECT_FALSE(mark({}));
  EXPECT_FALSE(mark({.seq = 1})) << "what was looked at stays so";
  EXPECT_TRUE(mark({.unread = true}));
  const auto unknown =
      loop_.block_on(index_->mark_read({.session = "01935a6e-7c00-7abc-8def-0123456789ab"}, std::nullopt));
  EXPECT_EQ(unknown.error().code, base::codes::kNotFound);
}

TEST_F(SessionMarksTest, WhoHoldsASessionMarksItWithoutAnIndex) {
  const Stream stream = configured("t");
  const std::string id = stream->state().session_id;
  add(*stream, TaskStarted{.task = "t1"});
  add(*stream, TaskComplete{});
  EXPECT_TRUE(get(id).unread);
  index_.reset();
  std::filesystem::remove(root_ + "/index.db");
  reopen();
  const auto done = loop_.block_on(index_->mark_read({.session = id, .seq = 99}, stream->state().last_seq));
  ASSERT_TRUE(done.ok()) << done.error().text();
  EXPECT_FALSE(std::filesystem::exists(root_ + "/index.db"));
  EXPECT_FALSE(get(id).unread);
  add(*stream, TaskStarted{.task = "t2"});
  add(*stream, TaskComplete{});
  EXPECT_TRUE(get(id).unread) << "what comes later is not looked at by that";
}

TEST_F(SessionMarksTest, AMarkOfAnotherProcessComesWithTheRecordsBehindIt) {
  const Stream stream = configured("t");
  const std::string id = stream->state().session_id;
  EXPECT_FALSE(get(id).unread);
  add(*stream, TaskStarted{.task = "t1"});
  add(*stream, TaskComplete{});
  ASSERT_TRUE(store_->source().set_read(id, stream->state().last_seq).ok());
  EXPECT_FALSE(get(id).unread);
}

TEST_F(SessionMarksTest, ACompactionAndASubAgentLeaveNothingUnread) {
  const Stream compacted = configured("compacted");
  add(*compacted, TaskStarted{.task = "t", .compact_only = true});
  add(*compacted, TaskComplete{});
  const std::string child = base::uuid7(loop_.unix_now(), random_);
  const Stream agent = *loop_.block_on(store_->create(child));
  add(*agent, SessionConfigured{.session_id = child,
                                .model = "m",
                                .backend = "b",
                                .cwd = "/repo",
                                .parent_session = compacted->state().session_id});
  add(*agent, TaskStarted{.task = "t"});
  add(*agent, TaskComplete{});
  EXPECT_TRUE(list({.archived = true, .unread = true}).empty());
}

TEST_F(SessionMarksTest, TagsAreAddedTakenAwayAndAskedFor) {
  const std::string one = configured("one")->state().session_id;
  const std::string other = configured("other")->state().session_id;
  const auto tag = [&](SessionTag call) { return loop_.block_on(index_->tag(std::move(call))); };
  EXPECT_EQ(tag({.session = one, .add = {"todo", "calc", "todo"}})->tags, (std::vector<std::string>{"calc", "todo"}));
  EXPECT_EQ(tag({.session = other, .add = {"tod"}})->tags, std::vector<std::string>{"tod"});
  ASSERT_EQ(list({.tag = "todo"}).size(), 1U);
  EXPECT_EQ(list({.tag = "todo"})[0].session_id, one);
  EXPECT_TRUE(list({.tag = "to"}).empty());
  EXPECT_EQ(tag({.session = one, .add = {"x"}, .remove = {"todo", "never"}})->tags,
            (std::vector<std::string>{"calc", "x"}));
  EXPECT_EQ(get(one).tags, (std::vector<std::string>{"calc", "x"}));
  EXPECT_EQ(tag({.session = one})->tags.size(), 2U);
  EXPECT_EQ(tag({.session = one, .add = {"../x"}}).error().code, base::codes::kInvalid);
  EXPECT_EQ(tag({.session = one, .remove = {"../journal.ndjson"}}).error().code, base::codes::kInvalid);
  EXPECT_EQ(tag({.session = "../sessions", .add = {"x"}}).error().code, base::codes::kNotFound);
  SessionTag many{.session = one};
  for (int i = 0; i < 31; ++i) many.add.push_back("t" + std::to_string(i));
  EXPECT_EQ(tag(many).error().code, base::codes::kLimit);
  EXPECT_EQ(get(one).tags.size(), 2U) << "all or nothing";
}

}  // namespace
}  // namespace lathe::index
