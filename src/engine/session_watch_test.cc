#include "lathe/engine/session_watch.h"

#include <set>
#include <string>

#include "lathe/engine/engine_rig.h"

// Who watches all sessions: what is there, what changes, and what another process does.

namespace lathe::engine {
namespace {

class SessionWatchTest : public EngineRig {
 protected:
  /// Rows until one of which `is_it` is true, that one included.
  template <class Is>
  std::vector<protocol::SessionChanged> rows_until(Is is_it) {
    std::vector<protocol::SessionChanged> rows;
    do {
      const std::vector<Event> events = until("session_changed");
      if (events.empty()) return rows;
      rows.push_back(std::get<protocol::SessionChanged>(events.back().msg));
    } while (!is_it(rows.back()));
    return rows;
  }
  /// From now on the events are those of a client that watches.
  void watch() {
    client_ = engine_->connect("watcher");
    seen_.clear();
    ASSERT_TRUE(call(protocol::Watch{}).ok());
  }
};

TEST_F(SessionWatchTest, ARowPerSessionThenOnePerChange) {
  const std::string first = configure();
  ASSERT_TRUE(submit(input("an old matter")).ok());
  until("task_complete");
  const std::unique_ptr<Connection> worker = std::move(client_);
  watch();
  const auto old = rows_until([](const auto&) { return true; });
  EXPECT_EQ(old.back().session.session_id, first);
  EXPECT_EQ(old.back().session.title, "an old matter");

  ASSERT_TRUE(loop_.block_on(worker->submit(first, input("more"), "again")).ok());
  const auto rows =
      rows_until([](const auto& row) { return row.session.tasks == 2 && row.session.usage.total() == 10; });
  EXPECT_EQ(rows.back().session.session_id, first);
  EXPECT_FALSE(rows.back().gone);
}

TEST_F(SessionWatchTest, QuestionsAndRemovalsAreTold) {
  const std::string session =
      configure({.approval_policy = protocol::ApprovalPolicy::kUntrusted, .ask = protocol::AskMode::kWait});
  const std::unique_ptr<Connection> worker = std::move(client_);
  watch();
  behaviour_ = ask_to_run;
  ASSERT_TRUE(loop_.block_on(worker->submit(session, input("run it"), "go")).ok());
  const auto asked = rows_until([](const auto& row) {
    return !row.open_questions.empty() && row.session.state == protocol::SessionState::kParked;
  });
  EXPECT_EQ(asked.back().session.session_id, session);
  ASSERT_TRUE(loop_.block_on(worker->call(protocol::SessionRemove{.session = session})).ok());
  const auto gone = rows_until([](const auto& row) { return row.gone; });
  EXPECT_EQ(gone.back().session.session_id, session);
}

TEST_F(SessionWatchTest, WhatAnotherProcessRemovesIsTold) {
  const std::string session = configure();
  ASSERT_TRUE(loop_.block_on(engine_->close(session)).ok());
  watch();
  (void)rows_until([&](const auto& row) { return row.session.session_id == session; });
  // Behind the engine's back.
  ASSERT_TRUE(loop_.block_on(store_->remove(session)).ok());
  ASSERT_TRUE(loop_.block_on(index_->forget(session)).ok());
  const auto gone = rows_until([](const auto& row) { return row.gone; });
  ASSERT_FALSE(gone.empty());
  EXPECT_EQ(gone.back().session.session_id, session);
}

TEST_F(SessionWatchTest, ManySessionsAreToldOnceEach) {
  constexpr std::size_t kMany = 250;
  std::set<std::string> made;
  while (made.size() < kMany) {
    const auto maker = engine_->connect("maker");
    const auto ack = loop_.block_on(maker->submit("", protocol::ConfigureSession{.cwd = root_.string()}, "1"));
    ASSERT_TRUE(ack.ok()) << ack.error().text();
    made.insert(ack->session);
  }
  watch();
  std::set<std::string> told;
  const auto rows = rows_until([&](const auto& row) {
    told.insert(row.session.session_id);
    return told.size() == kMany;
  });
  EXPECT_EQ(rows.size(), kMany);
  EXPECT_EQ(told, made);
}

}  // namespace
}  // namespace lathe::engine
