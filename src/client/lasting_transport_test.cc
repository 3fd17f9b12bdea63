#include "lathe/client/lasting_transport.h"

#include <gtest/gtest.h>

#include <utility>

#include "lathe/protocol/error_codes.h"
#include "lathe/runtime/signal.h"

namespace lathe::client {
namespace {

using base::Error;
using base::Result;
using runtime::Async;
using runtime::CancelToken;
using runtime::Deadline;

/// What an engine of a test says, and what it was asked.
struct Played {
  std::vector<Delivery> events = {};
  std::vector<protocol::Call> calls = {};
  int ops = 0;
  std::vector<OpenFolder> folders = {};
  /// How many ops it refuses because another one takes its place.
  int refuses = 0;
  bool ended = false;
  bool handed_over = false;
  protocol::SessionSubscribeReply subscribed = {};

  void say(std::optional<std::int64_t> seq, protocol::EventMsg msg) {
    events.push_back({.event = {.session = "s", .seq = seq, .id = "1", .ts = 1, .msg = std::move(msg)},
                      .line = std::make_shared<const std::string>("{}")});
  }
};

class PlayedTransport final : public Transport {
 public:
  explicit PlayedTransport(Played& played) : played_(played) {}

  Async<Result<protocol::Ack>> submit(std::string, protocol::Op) override {
    if (played_.refuses > 0) {
      if (--played_.refuses == 0) played_.ended = played_.handed_over = true;
      co_return Error{.code = protocol::error_codes::kHandingOver, .message = "soon", .retryable = true};
    }
    if (played_.ended) co_return gone();
    ++played_.ops;
    co_return protocol::Ack{.id = "1", .seq = 9, .session = "s"};
  }
  Async<Result<protocol::Ack>> configure(std::string session, protocol::ConfigureSession op,
                                         OpenFolder folder) override {
    played_.folders.push_back(std::move(folder));
    return submit(std::move(session), protocol::Op(std::move(op)));
  }
  Async<Result<protocol::ReplyMsg>> call(protocol::Call call) override {
    if (played_.ended) co_return gone();
    played_.calls.push_back(call);
    co_return protocol::ReplyMsg(played_.subscribed);
  }
  Async<Result<std::vector<Delivery>>> events(CancelToken, Deadline) override {
    if (!played_.events.empty()) co_return std::exchange(played_.events, {});
    co_return gone();
  }
  Async<void> close() override { co_return; }
  [[nodiscard]] bool outlives_client() const override { return true; }
  [[nodiscard]] bool handed_over() const override { return played_.handed_over; }

 private:
  static Error gone() { return {.code = base::codes::kUnavailable, .message = "it is gone"}; }

  Played& played_;
};

class LastingTransportTest : public testing::Test {
 protected:
  LastingTransportTest()
      : transport_(loop_, std::make_unique<PlayedTransport>(first_), [this] { return connect(this); }) {}
  ~LastingTransportTest() override { loop_.block_on(transport_.close()); }

  static Async<Result<std::unique_ptr<Transport>>> connect(LastingTransportTest* test) {
    // The first time it is only just starting.
    if (test->connects_++ == 0) co_return std::unique_ptr<Transport>();
    co_return std::unique_ptr<Transport>(std::make_unique<PlayedTransport>(test->second_));
  }
  Result<std::vector<Delivery>> events() { return loop_.block_on(transport_.events(CancelToken(), Deadline::never())); }
  /// Follows the session until its Task was handed over.
  void follow_to_the_end() {
    first_.subscribed = {.last_seq = 0, .state = protocol::SessionState::kRunning};
    ASSERT_TRUE(loop_.block_on(transport_.call(protocol::SessionSubscribe{.session = "s", .since = 0})).ok());
    first_.say(1, protocol::TaskStarted{.task = "t"});
    first_.say(2, protocol::TaskParked{.questions = {}, .handed_over = true});
    first_.say(std::nullopt, protocol::ShutdownComplete{.handed_over = true});
    first_.ended = first_.handed_over = true;
  }

  runtime::Loop loop_;
  Played first_;
  Played second_;
  int connects_ = 0;
  LastingTransport transport_;
};

TEST_F(LastingTransportTest, EventsGoOnFromTheEngineThatTakesThePlace) {
  follow_to_the_end();
  second_.subscribed = {.last_seq = 3, .state = protocol::SessionState::kRunning};
  second_.say(3, protocol::TaskResumed{.task = "t"});
  const auto before = events();
  ASSERT_TRUE(before.ok());
  ASSERT_EQ(before->size(), 2U) << "that the connection ends is no matter of who uses it";
  const auto after = events();
  ASSERT_TRUE(after.ok()) << after.error().text();
  ASSERT_EQ(after->size(), 1U);
  EXPECT_EQ(after->front().event.seq, 3);
  ASSERT_EQ(second_.calls.size(), 1U);
  EXPECT_EQ(second_.calls[0], protocol::Call(protocol::SessionSubscribe{.session = "s", .since = 2}));
  EXPECT_EQ(second_.ops, 0) << "it was gone on with already";
}

TEST_F(LastingTransportTest, ATaskThatNobodyWasLeftToGoesOnForWhoeverComesBack) {
  follow_to_the_end();
  second_.subscribed = {.last_seq = 2, .state = protocol::SessionState::kParked};
  second_.say(3, protocol::TaskResumed{.task = "t"});
  ASSERT_TRUE(events().ok());
  ASSERT_TRUE(events().ok());
  EXPECT_EQ(second_.ops, 1);
}

TEST_F(LastingTransportTest, WhatIsRefusedMeanwhileIsAskedOfTheNext) {
  first_.refuses = 3;
  first_.say(std::nullopt, protocol::ShutdownComplete{.handed_over = true});
  const auto ack = loop_.block_on(transport_.submit("s", protocol::Compact{}));
  ASSERT_TRUE(ack.ok()) << ack.error().text();
  EXPECT_EQ(ack->seq, 9);
  EXPECT_EQ(first_.ops, 0);
  EXPECT_EQ(second_.ops, 1);
}

TEST_F(LastingTransportTest, TheNextIsGivenTheSameFolder) {
  first_.refuses = 2;
  first_.say(std::nullopt, protocol::ShutdownComplete{.handed_over = true});
  const OpenFolder folder = std::make_shared<const base::UniqueFd>();
  ASSERT_TRUE(loop_.block_on(transport_.configure("", protocol::ConfigureSession{}, folder)).ok());
  EXPECT_EQ(first_.folders, std::vector<OpenFolder>(3, folder)) << "refused twice, and gone";
  EXPECT_EQ(second_.folders, std::vector<OpenFolder>{folder});
}

TEST_F(LastingTransportTest, AnyOtherEndIsOne) {
  first_.ended = true;
  EXPECT_EQ(events().error().code, base::codes::kUnavailable);
  EXPECT_EQ(loop_.block_on(transport_.submit("s", protocol::Compact{})).error().code, base::codes::kUnavailable);
  EXPECT_EQ(connects_, 0);
}

}  // namespace
}  // namespace lathe::client
