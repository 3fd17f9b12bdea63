#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "lathe/base/ids.h"
#include "lathe/index/sqlite_index.h"
#include "lathe/journal/journal_store.h"

namespace lathe::index {

/// Real streams and a real index in one data root.
class IndexRig : public testing::Test {
 protected:
  using Stream = std::unique_ptr<ports::SessionStream>;

  IndexRig() {
    char pattern[] = "/tmp/lathe-index-XXXXXX";
    root_ = ::mkdtemp(pattern);
    store_ = *journal::JournalStore::create(loop_, pool_, {.state_dir = root_});
    reopen();
  }
  ~IndexRig() override { std::filesystem::remove_all(root_); }

  void reopen() {
    index_.reset();
    index_ = *SqliteIndex::create(
        loop_, pool_, store_->source(),
        {.state_dir = root_, .on_warning = [this](const std::string& text) { warnings_.push_back(text); }});
  }
  void add(ports::SessionStream& stream, protocol::EventMsg msg) {
    protocol::Event event{.session = "", .seq = {}, .id = "1", .by = "", .ts = ++now_, .msg = std::move(msg)};
    const auto done = loop_.block_on(stream.append(std::move(event)));
    ASSERT_TRUE(done.ok()) << done.error().text();
  }
  void say(ports::SessionStream& stream, const std::string& text) {
    add(stream, protocol::UserMessage{.item = "u", .content = {protocol::TextPart{text}}});
  }
  Stream configured(const std::string& title = "", const std::string& cwd = "/repo") {
    const std::string id = base::uuid7(loop_.unix_now(), random_);
    Stream stream = *loop_.block_on(store_->create(id));
    add(*stream,
        protocol::SessionConfigured{.session_id = id, .model = "m", .backend = "b", .cwd = cwd, .title = title});
    return stream;
  }
  std::vector<protocol::SessionInfo> list(protocol::SessionList query = {}) {
    auto reply = loop_.block_on(index_->list(std::move(query)));
    EXPECT_TRUE(reply.ok()) << reply.error().text();
    return reply.ok() ? reply->sessions : std::vector<protocol::SessionInfo>();
  }
  protocol::SessionInfo get(const std::string& id) {
    auto info = loop_.block_on(index_->get(id));
    EXPECT_TRUE(info.ok()) << info.error().text();
    return info.ok() ? *std::move(info) : protocol::SessionInfo{};
  }
  std::vector<protocol::SearchHit> search(const std::string& words) {
    auto reply = loop_.block_on(index_->search({.query = words}));
    EXPECT_TRUE(reply.ok()) << reply.error().text();
    return reply.ok() ? reply->hits : std::vector<protocol::SearchHit>();
  }

  std::string root_;
  runtime::Loop loop_;
  runtime::Pool pool_{loop_, "index", 2};
  base::SystemRandom random_;
  base::UnixMillis now_ = 1'795'166'076'000;
  std::vector<std::string> warnings_;
  std::unique_ptr<journal::JournalStore> store_;
  std::unique_ptr<SqliteIndex> index_;
};

}  // namespace lathe::index
