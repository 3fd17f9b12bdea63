#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "lathe/base/ids.h"
#include "lathe/journal/journal_store.h"
#include "lathe/storage/fault.h"

namespace lathe::journal {

using Stream = std::unique_ptr<ports::SessionStream>;

/// A store over real files, with a data root of its own.
class JournalFixture : public testing::Test {
 protected:
  JournalFixture() {
    char pattern[] = "/tmp/lathe-journal-XXXXXX";
    root_ = ::mkdtemp(pattern);
    reopen();
  }
  ~JournalFixture() override { std::filesystem::remove_all(root_); }

  void reopen(storage::FaultPoint* faults = nullptr, runtime::Durability durability = runtime::Durability::kProcess) {
    store_.reset();
    auto made = JournalStore::create(
        loop_, pool_,
        {.state_dir = root_, .durability = durability, .faults = faults, .on_warning = [this](const std::string& text) {
           warnings_.push_back(text);
         }});
    ASSERT_TRUE(made.ok()) << made.error().text();
    store_ = *std::move(made);
  }
  std::string new_id() { return base::uuid7(loop_.unix_now(), random_); }
  Stream create(const std::string& id) {
    auto stream = loop_.block_on(store_->create(id));
    EXPECT_TRUE(stream.ok()) << stream.error().text();
    return *std::move(stream);
  }
  base::Result<Stream> open(const std::string& id) { return loop_.block_on(store_->open(id)); }
  base::Result<ports::AppendedRecord> append(ports::SessionStream& stream, protocol::EventMsg msg) {
    protocol::Event event{.session = "", .seq = {}, .id = "1", .by = "", .ts = 5, .msg = std::move(msg)};
    return loop_.block_on(stream.append(std::move(event)));
  }
  void say(ports::SessionStream& stream, const std::string& text) {
    const auto done = append(stream, protocol::UserMessage{.item = "u", .content = {protocol::TextPart{text}}});
    ASSERT_TRUE(done.ok()) << done.error().text();
  }
  ports::SessionState peek(const std::string& id) {
    auto state = loop_.block_on(store_->peek(id));
    EXPECT_TRUE(state.ok()) << state.error().text();
    return state.ok() ? *std::move(state) : ports::SessionState{};
  }
  std::vector<std::string> read(const std::string& id, std::int64_t since = 0, std::size_t limit = 1'000'000) {
    const auto page = loop_.block_on(store_->read(id, since, limit));
    EXPECT_TRUE(page.ok() && !page->damage);
    return page.ok() ? page->records : std::vector<std::string>();
  }
  std::string folder(const std::string& id) { return root_ + "/sessions/" + id; }
  std::string journal(const std::string& id) { return folder(id) + "/journal.ndjson"; }

  std::string root_;
  runtime::Loop loop_;
  runtime::Pool pool_{loop_, "fs", 2};
  base::SystemRandom random_;
  std::vector<std::string> warnings_;
  std::unique_ptr<JournalStore> store_;
};

}  // namespace lathe::journal
