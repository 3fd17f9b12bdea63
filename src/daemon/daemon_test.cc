#include "lathe/daemon/daemon.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>

#include "lathe/engine/engine_rig.h"
#include "lathe/gateways/sqeq/peer_for_test.h"

namespace lathe::daemon {
namespace {

using base::Json;
using gateways::sqeq::Peer;
using testing::ElementsAre;

class DaemonTest : public engine::EngineRig {
 protected:
  DaemonTest() : running_(loop_) {}

  void start(DaemonOptions options = {}) {
    options.socket = (root_ / "daemon.sock").string();
    auto made = Daemon::create({.loop = loop_,
                                .parsing = fs_,
                                .connect = [this](std::string name) { return engine_->connect(std::move(name)); },
                                .close_forsaken = [this] { return engine_->close_forsaken(); },
                                .shut_down = [this] { return engine_->shut_down(); },
                                .log = [this](std::string_view line) { log_.emplace_back(line); },
                                .random = random_,
                                .judge = [](std::string_view) { return protocol::Scopes::all(); }},
                               std::move(options));
    ASSERT_TRUE(made.ok()) << made.error().text();
    daemon_ = *std::move(made);
    running_.spawn(run());
  }
  runtime::Async<void> run() { end_ = co_await daemon_->run(); }
  void wait_for_end() { loop_.block_on(running_.join()); }
  void TearDown() override {
    if (daemon_ && !end_) daemon_->stop("the test is over");
    wait_for_end();
    daemon_.reset();
    engine::EngineRig::TearDown();
  }
  Peer connect() {
    auto socket = runtime::connect_to((root_ / "daemon.sock").string());
    CHECK(socket.ok());
    return {loop_, *std::move(socket)};
  }
  [[nodiscard]] std::string configure_line(const std::string& id = "1") const {
    return R"({"id":")" + id + R"(","op":{"type":"configure_session","cwd":")" + root_.string() + "\"}}\n";
  }

  /// The folder of the session that was configured, or the error's code.
  static std::string configured_in(Peer& peer) {
    while (const auto frame = peer.next()) {
      if (frame->contains("error")) return (*frame)["error"]["code"];
      if (frame->contains("msg") && (*frame)["msg"]["type"] == "session_configured") return (*frame)["msg"]["cwd"];
    }
    return "the end";
  }

  std::vector<std::string> log_;
  std::unique_ptr<Daemon> daemon_;
  std::optional<Daemon::End> end_;
  runtime::Scope running_;
};

std::vector<std::string> last(std::vector<std::string> all, std::size_t count) {
  if (all.size() > count) all.erase(all.begin(), all.end() - static_cast<std::ptrdiff_t>(count));
  return all;
}

TEST_F(DaemonTest, WhenItIsStoppedEveryClientIsToldAndNothingIsLost) {
  behaviour_ = engine::wait_forever;
  start();
  Peer first = connect();
  Peer second = connect();
  first.send(configure_line());
  const std::string session = first.answer()["ack"]["session"];
  second.send(R"({"id":"s","call":{"type":"session_subscribe","session":")" + session + "\"}}\n");
  EXPECT_EQ(second.answer()["reply"]["type"], "session_subscribe");
  first.send("{\"id\":\"2\",\"op\":{\"type\":\"user_input\",\"items\":[{\"type\":\"text\",\"text\":\"hi\"}]}}\n");
  EXPECT_EQ(first.answer()["id"], "2");
  daemon_->stop("the test says so");
  wait_for_end();
  EXPECT_EQ(end_, Daemon::End::kClean);
  EXPECT_THAT(last(first.events_to_the_end(), 3), ElementsAre("turn_aborted", "error", "shutdown_complete"));
  EXPECT_THAT(last(second.events_to_the_end(), 3), ElementsAre("turn_aborted", "error", "shutdown_complete"));
  EXPECT_FALSE(std::filesystem::exists(root_ / "daemon.sock"));
  reopen();
  EXPECT_EQ(call(protocol::SessionGet{.session = session})->session.state, protocol::SessionState::kIdle);
}

TEST_F(DaemonTest, ItEndsWhenNobodyNeedsItAnyMore) {
  start({.idle_exit = std::chrono::milliseconds(200)});
  {
    Peer client = connect();
    client.send(configure_line());
    EXPECT_EQ(client.answer()["id"], "1");
  }
  wait_for_end();
  EXPECT_EQ(end_, Daemon::End::kClean);
}

TEST_F(DaemonTest, WithoutIdleTimeItEndsAfterItsFirstClient) {
  start({.idle_exit = std::chrono::milliseconds(0)});
  {
    Peer client = connect();
    client.send("{\"id\":\"1\",\"call\":{\"type\":\"session_list\"}}\n");
    EXPECT_EQ(client.answer()["id"], "1");
  }
  wait_for_end();
  EXPECT_EQ(end_, Daemon::End::kClean);
}

TEST_F(DaemonTest, OneClientTooManyIsToldSo) {
  start({.places = {.all = 1}});
  Peer first = connect();
  first.send("{\"id\":\"1\",\"call\":{\"type\":\"session_list\"}}\n");
  first.answer();
  Peer second = connect();
  EXPECT_EQ(second.answer()["error"]["code"], "limit_exceeded");
  EXPECT_EQ(second.next(), std::nullopt);
  first.send("{\"id\":\"2\",\"call\":{\"type\":\"session_list\"}}\n");
  EXPECT_EQ(first.answer()["id"], "2");
}

TEST_F(DaemonTest, TheFolderThatIsSentIsTheOneWhateverItIsCalled) {
  namespace fs = std::filesystem;
  start();
  fs::create_directory(root_ / "sent");
  const base::UniqueFd folder(::open((root_ / "sent").c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  fs::rename(root_ / "sent", root_ / "moved");
  const std::string moved = fs::canonical(root_ / "moved");
  const std::string named = fs::canonical(root_);
  Peer client = connect();
  client.send("{\"id\":\"h\",\"call\":{\"type\":\"hello\",\"client\":\"t\"}}\n");
  EXPECT_EQ(client.answer()["reply"]["features"].back(), protocol::kFolderFeature);
  const std::string line = configure_line();
  client.send(line.substr(0, 9), folder.get());
  client.send(line.substr(9));
  EXPECT_EQ(configured_in(client), moved);
  client.send(configure_line("2"));
  EXPECT_EQ(configured_in(client), named) << "it was that line's alone";
  client.send("{\"id\":\"l\",\"call\":{\"type\":\"session_list\"}}\n", folder.get());
  client.send(configure_line("3"));
  EXPECT_EQ(configured_in(client), named) << "with another frame it is nothing";
}

TEST_F(DaemonTest, WhatIsSentAndIsNoFolderIsRefused) {
  start();
  const base::UniqueFd file(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
  Peer client = connect();
  client.send(configure_line(), file.get());
  EXPECT_EQ(configured_in(client), "invalid");
  client.send(configure_line("2"));
  EXPECT_EQ(configured_in(client), std::filesystem::canonical(root_).string());
}

TEST_F(DaemonTest, WhatWhoeverSpeaksForAnotherSendsIsNothing) {
  start();
  const base::UniqueFd folder(::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
  Peer client = connect();
  client.send("{\"id\":\"h\",\"call\":{\"type\":\"hello\",\"client\":\"t\",\"relayed\":true,\"token\":\"his\"}}\n");
  EXPECT_EQ(client.answer()["reply"]["features"].back(), protocol::kRelayFeature);
  client.send(configure_line(), folder.get());
  EXPECT_EQ(configured_in(client), std::filesystem::canonical(root_).string());
}

}  // namespace
}  // namespace lathe::daemon
