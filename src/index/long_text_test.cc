#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>

#include "lathe/base/ids.h"
#include "lathe/index/sqlite_index.h"
#include "lathe/journal/journal_store.h"

namespace lathe::index {
namespace {

using protocol::EventMsg;

/// A session with an answer of a megabyte, and its index.
class LongTextTest : public testing::Test {
 protected:
  LongTextTest() {
    char pattern[] = "/tmp/lathe-index-XXXXXX";
    root_ = ::mkdtemp(pattern);
    store_ = *journal::JournalStore::create(loop_, pool_, {.state_dir = root_});
    index_ = *SqliteIndex::create(loop_, pool_, store_->source(), {.state_dir = root_});
    stream_ = *loop_.block_on(store_->create(session_));
  }
  ~LongTextTest() override { std::filesystem::remove_all(root_); }

  void add(EventMsg msg) {
    protocol::Event event{.session = "", .seq = {}, .id = "1", .by = "", .ts = 5, .msg = std::move(msg)};
    const auto done = loop_.block_on(stream_->append(std::move(event)));
    ASSERT_TRUE(done.ok()) << done.error().text();
  }
  std::size_t hits(const std::string& words) {
    const auto reply = loop_.block_on(index_->search({.query = words}));
    EXPECT_TRUE(reply.ok());
    return reply.ok() ? reply->hits.size() : 0;
  }

  std::string root_;
  runtime::Loop loop_;
  runtime::Pool pool_{loop_, "index", 2};
  base::SystemRandom random_;
  const std::string session_ = base::uuid7(loop_.unix_now(), random_);
  std::unique_ptr<journal::JournalStore> store_;
  std::unique_ptr<SqliteIndex> index_;
  std::unique_ptr<ports::SessionStream> stream_;
};

TEST_F(LongTextTest, ItsBeginningIsSearchedAndAllElseIsKnown) {
  add(protocol::SessionConfigured{.session_id = session_, .model = "m", .backend = "b", .cwd = "/repo"});
  add(protocol::TaskStarted{.task = "t"});
  std::string text = "zebras first";
  while (text.size() < (1U << 20)) text += " and so on\n";
  add(protocol::AgentMessage{.item = "a", .text = text + " ocelots last"});
  add(protocol::TurnComplete{.response_id = "r", .model = "m", .usage = {.input_tokens = 3, .output_tokens = 2}});
  add(protocol::TaskComplete{.task = "t", .last_agent_message = text});
  EXPECT_EQ(hits("zebras"), 1U);
  EXPECT_EQ(hits("ocelots"), 0U);
  const auto info = loop_.block_on(index_->get(session_));
  ASSERT_TRUE(info.ok()) << info.error().text();
  EXPECT_EQ(info->last_seq, 5);
  EXPECT_EQ(info->usage, (protocol::Usage{.input_tokens = 3, .output_tokens = 2}));
}

}  // namespace
}  // namespace lathe::index
