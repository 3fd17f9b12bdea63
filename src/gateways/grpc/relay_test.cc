#include "lathe/gateways/grpc/relay.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <array>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lathe/base/json.h"
#include "lathe/gateways/sqeq/peer_for_test.h"
#include "lathe/runtime/signal.h"

namespace lathe::gateways::grpc {
namespace {

using base::Error;
using base::Json;
using base::Result;
using runtime::Async;
using runtime::CancelToken;
using runtime::Deadline;

constexpr const char* kWelcome = R"({"id":"relay","reply":{"type":"hello","version":"9","features":["relay"]}})"
                                 "\n";

/// A client that a test plays.
class FakeClient final : public FrameStream {
 public:
  explicit FakeClient(runtime::Loop& loop) : said_(loop) {}

  void say(Result<std::optional<std::string>> what) {
    to_say_.push_back(std::move(what));
    said_.notify();
  }
  void close() { say(std::optional<std::string>()); }
  Async<Result<std::optional<std::string>>> read(CancelToken cancel) override {
    was_read_ = true;
    while (to_say_.empty()) CO_TRY_OK(co_await said_.wait(cancel, Deadline::never()));
    auto what = std::move(to_say_.front());
    to_say_.pop_front();
    co_return what;
  }
  Async<Result<void>> write(std::string frame, CancelToken /*cancel*/, Deadline /*deadline*/) override {
    got_.push_back(std::move(frame));
    co_return Result<void>();
  }

  bool was_read_ = false;
  std::vector<std::string> got_;

 private:
  std::deque<Result<std::optional<std::string>>> to_say_;
  runtime::Signal said_;
};

class RelayTest : public testing::Test {
 protected:
  RelayTest() : client_(loop_), running_(loop_) {
    std::array<int, 2> fds{};
    CHECK(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds.data()) == 0);
    auto stream = runtime::ByteStream::of_socket(loop_, base::UniqueFd(fds[0]));
    CHECK(stream.ok());
    relay_ = std::make_unique<Relay>(loop_, client_, *std::move(stream), stop_.token());
    daemon_ = std::make_unique<sqeq::Peer>(loop_, base::UniqueFd(fds[1]));
  }
  void TearDown() override {
    stop_.cancel(runtime::cancelled_error("the test is over"));
    loop_.block_on(running_.join());
    relay_.reset();
  }

  /// Begins, and gives what the daemon is told first.
  Json begin(std::string token) {
    running_.spawn(run(std::move(token)));
    return daemon_->answer();
  }
  Async<void> run(std::string token) { outcome_ = co_await relay_->run(std::move(token)); }
  Result<void> end() {
    loop_.block_on(running_.join());
    CHECK(outcome_);
    return *outcome_;
  }

  runtime::Loop loop_;
  FakeClient client_;
  runtime::CancelSource stop_;
  std::unique_ptr<Relay> relay_;
  std::unique_ptr<sqeq::Peer> daemon_;
  std::optional<Result<void>> outcome_;
  runtime::Scope running_;
};

TEST_F(RelayTest, FramesGoBothWaysToTheEndOfBoth) {
  const Json hello = begin("t0k3n")["call"];
  EXPECT_EQ(hello["relayed"], true);
  EXPECT_EQ(hello["token"], "t0k3n");
  daemon_->send(kWelcome);
  client_.say(std::optional<std::string>("{\"id\":\n\"1\"}"));
  client_.close();
  EXPECT_EQ(daemon_->next(), Json({{"id", "1"}}));
  EXPECT_EQ(daemon_->next(), std::nullopt);
  daemon_->send("{\"id\":\"1\",\"ack\":{}}\n{\"last\":1}\n");
  daemon_->half_close();
  EXPECT_TRUE(end().ok());
  EXPECT_EQ(client_.got_, (std::vector<std::string>{R"({"id":"1","ack":{}})", R"({"last":1})"}));
}

TEST_F(RelayTest, NothingIsReadOfAClientWhoseTokenIsRefused) {
  begin("wrong");
  daemon_->send(R"({"id":"relay","error":{"code":"permission_denied","message":"no","hint":"","retryable":false}})"
                "\n");
  EXPECT_EQ(end().error().code, "permission_denied");
  EXPECT_FALSE(client_.was_read_);
}

TEST_F(RelayTest, ADaemonThatWouldTakeTheClientForItsOwnPersonGetsNothing) {
  begin("");
  daemon_->send(R"({"id":"relay","reply":{"type":"hello","version":"0.0.9","features":["watch"]}})"
                "\n");
  const Error error = end().error();
  EXPECT_EQ(error.code, "unsupported");
  EXPECT_NE(error.message.find("0.0.9"), std::string::npos) << error.message;
  EXPECT_FALSE(client_.was_read_);
}

TEST_F(RelayTest, TheEndOfTheDaemonIsToldBehindItsLastFrame) {
  begin("");
  daemon_->send(kWelcome);
  daemon_->send("{\"last\":1}\n");
  daemon_->half_close();
  EXPECT_EQ(end().error().code, "unavailable");
  EXPECT_EQ(client_.got_, std::vector<std::string>{R"({"last":1})"});
}

TEST_F(RelayTest, AMessageThatIsNoFrameEndsIt) {
  begin("");
  daemon_->send(kWelcome);
  client_.say(Error{.code = base::codes::kInvalid, .message = "no frame"});
  EXPECT_EQ(end().error().message, "no frame");
}

}  // namespace
}  // namespace lathe::gateways::grpc
