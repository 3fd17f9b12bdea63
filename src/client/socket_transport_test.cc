#include "lathe/client/socket_transport.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <string>

#include "lathe/base/json.h"

namespace lathe::client {
namespace {

using base::UniqueFd;
using runtime::Async;
using runtime::CancelToken;
using runtime::Deadline;

/// A daemon that a test plays, line by line.
class SocketTransportTest : public testing::Test {
 public:
  SocketTransportTest() {
    std::array<int, 2> fds{};
    CHECK(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds.data()) == 0);
    theirs_.reset(fds[1]);
    auto made = SocketTransport::create(loop_, UniqueFd(fds[0]), {.client = "test", .client_id = "c1"});
    CHECK(made.ok());
    transport_ = *std::move(made);
  }
  ~SocketTransportTest() override { loop_.block_on(transport_->close()); }

  void say(const std::string& line) const {
    const std::string bytes = line + "\n";
    ASSERT_EQ(::send(theirs_.get(), bytes.data(), bytes.size(), 0), static_cast<ssize_t>(bytes.size()));
  }
  /// The next line of the client; it has been sent already.
  std::string heard() {
    while (text_.find('\n') == std::string::npos) {
      std::array<char, 4096> buffer{};
      const ssize_t got = ::recv(theirs_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
      if (got > 0) text_.append(buffer.data(), static_cast<std::size_t>(got));
      if (got <= 0) loop_.block_on(loop_.yield());
    }
    const std::string line = text_.substr(0, text_.find('\n'));
    text_.erase(0, line.size() + 1);
    return line;
  }

  runtime::Loop loop_;
  UniqueFd theirs_;
  std::unique_ptr<SocketTransport> transport_;
  std::string text_;
};

TEST_F(SocketTransportTest, SaysHelloAndGivesEachItsAnswer) {
  const auto hello = base::parse_json(heard());
  ASSERT_TRUE(hello.ok());
  EXPECT_EQ(base::json_string(hello->at("call"), "type"), "hello");
  EXPECT_EQ(base::json_string(hello->at("call"), "client_id"), "c1");
  say(R"({"id":"1","reply":{"type":"hello","version":"9","features":[],"news":1}})");
  struct Play {
    static Async<base::Result<protocol::ReplyMsg>> ask(SocketTransport* transport) {
      co_return co_await transport->call(protocol::SessionArchive{.session = "s", .archived = true});
    }
    static Async<base::Result<protocol::ReplyMsg>> answer(SocketTransportTest* test, SocketTransport* transport) {
      auto ack = co_await transport->submit("s", protocol::Interrupt{});
      EXPECT_TRUE(ack.ok());
      if (ack.ok()) EXPECT_EQ(ack->seq, 7);
      test->say(R"({"id":"2","reply":{"type":"ok"}})");
      co_return protocol::ReplyMsg();
    }
  };
  // The answer to the op comes before the one to the call.
  say(R"({"id":"3","ack":{"seq":7,"session":"s"}})");
  std::vector<Async<base::Result<protocol::ReplyMsg>>> both;
  both.push_back(Play::ask(transport_.get()));
  both.push_back(Play::answer(this, transport_.get()));
  const auto results = loop_.block_on(runtime::when_all(std::move(both)));
  ASSERT_TRUE(results[0].ok()) << results[0].error().text();
  EXPECT_TRUE(std::holds_alternative<protocol::OkReply>(*results[0]));
}

/// What a daemon of these features gets along with the line that configures a session.
class SentFolderTest : public SocketTransportTest {
 public:
  /// Whether it is the folder that was open.
  bool comes(const std::string& features) {
    (void)heard();
    say(R"({"id":"1","reply":{"type":"hello","version":"9","features":[)" + features + "]}}");
    EXPECT_TRUE(loop_.block_on(transport_->greeted(Deadline::never())).ok());
    std::vector<Async<bool>> both;
    both.push_back(configure(transport_.get(), folder_));
    both.push_back(look(this));
    return loop_.block_on(runtime::when_all(std::move(both)))[1];
  }

 private:
  static Async<bool> configure(SocketTransport* transport, OpenFolder folder) {
    co_return (co_await transport->configure("", protocol::ConfigureSession{.cwd = "/"}, std::move(folder))).ok();
  }
  static Async<bool> look(SentFolderTest* test) {
    auto stream = runtime::ByteStream::of_socket(test->loop_, UniqueFd(::dup(test->theirs_.get())),
                                                 runtime::ByteStream::Carries::kDescriptors);
    CHECK(stream.ok());
    std::string buffer(4096, '\0');
    CHECK((co_await (*stream)->read(buffer, CancelToken(), Deadline::never())).ok());
    const UniqueFd came = (*stream)->take_descriptor();
    test->say(R"({"id":"2","ack":{"seq":7,"session":"s"}})");
    struct stat sent{};
    struct stat got{};
    co_return came&& ::fstat(came.get(), &got) == 0 && ::fstat(test->folder_->get(), &sent) == 0 &&
        got.st_dev == sent.st_dev&& got.st_ino == sent.st_ino;
  }

  const OpenFolder folder_ = std::make_shared<const UniqueFd>(::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
};

TEST_F(SentFolderTest, GoesToADaemonThatTakesIt) { EXPECT_TRUE(comes(R"("sessions","folder")")); }
TEST_F(SentFolderTest, DoesNotGoToOneThatDoesNot) { EXPECT_FALSE(comes(R"("sessions")")); }

TEST_F(SocketTransportTest, EventsKeepTheirBytesAndErrorsTheirHints) {
  const std::string line =
      R"({"session":"s","id":"1","ts":5,"msg":{"type":"agent_message_delta","item":"i","offset":0,)"
      R"("text":"hi"}})";
  say(line);
  say(R"({"id":"2","error":{"code":"not_found","message":"no such","hint":"look","retryable":true}})");
  const auto failed = loop_.block_on(transport_->call(protocol::SessionGet{.session = "s"}));
  ASSERT_FALSE(failed.ok());
  EXPECT_EQ(failed.error(),
            (base::Error{.code = "not_found", .message = "no such", .hint = "look", .retryable = true}));
  const auto events = loop_.block_on(transport_->events(CancelToken(), Deadline::never()));
  ASSERT_TRUE(events.ok() && events->size() == 1);
  EXPECT_EQ(*events->front().line, line);
}

TEST_F(SocketTransportTest, AnEndOfWhichNothingWasSaidIsNotCalledAStop) {
  // One session was closed, and the daemon went on.
  say(R"({"session":"s","id":"1","ts":5,"msg":{"type":"shutdown_complete"}})");
  say(R"({"session":"t","id":"1","ts":6,"msg":{"type":"agent_message_delta","item":"i","offset":0,"text":"hi"}})");
  theirs_.reset();
  const auto failed = loop_.block_on(transport_->call(protocol::SessionGet{.session = "s"}));
  ASSERT_FALSE(failed.ok());
  EXPECT_EQ(failed.error().message, "the connection to the daemon has ended: it ended without a word");
}

TEST_F(SocketTransportTest, WhenTheDaemonEndsEveryoneIsToldAfterTheLastEvent) {
  say(R"({"session":"s","id":"1","ts":5,"msg":{"type":"shutdown_complete"}})");
  theirs_.reset();
  const auto failed = loop_.block_on(transport_->call(protocol::SessionGet{.session = "s"}));
  ASSERT_FALSE(failed.ok());
  EXPECT_EQ(failed.error().code, base::codes::kUnavailable);
  EXPECT_EQ(failed.error().message, "the connection to the daemon has ended: it was stopped");
  EXPECT_TRUE(loop_.block_on(transport_->events(CancelToken(), Deadline::never())).ok());
  EXPECT_EQ(loop_.block_on(transport_->events(CancelToken(), Deadline::never())).error().code,
            base::codes::kUnavailable);
}

TEST_F(SocketTransportTest, EventsThatNobodyTakesStopTheReadingUntilSomeoneWaits) {
  (void)heard();
  say(R"({"id":"1","reply":{"type":"hello","version":"9","features":[],"news":1}})");
  const std::string line =
      R"({"session":"s","id":"1","ts":5,"msg":{"type":"agent_message_delta","item":"i","offset":0,"text":")" +
      std::string(1'000, 'x') + "\"}}\n";
  std::size_t sent = 0;
  // More than the socket and the transport take.
  for (int idle = 0; idle < 200 && sent < 100 * line.size() * 1'000;) {
    const ssize_t took = ::send(theirs_.get(), line.data() + sent % line.size(), line.size() - sent % line.size(),
                                MSG_DONTWAIT | MSG_NOSIGNAL);
    sent += took > 0 ? static_cast<std::size_t>(took) : 0;
    idle = took > 0 ? 0 : idle + 1;
    if (took <= 0) loop_.block_on(loop_.yield());
  }
  EXPECT_LT(sent, 10'000 * line.size());
  const auto events = loop_.block_on(transport_->events(CancelToken(), Deadline::never()));
  ASSERT_TRUE(events.ok());
  EXPECT_GE(events->size(), 4'096U);
  EXPECT_TRUE(loop_.block_on(transport_->events(CancelToken(), Deadline::never())).ok()) << "it reads on";
}

TEST_F(SocketTransportTest, ALineThatIsNoJsonEndsIt) {
  say("what?");
  const auto failed = loop_.block_on(transport_->call(protocol::SessionGet{.session = "s"}));
  ASSERT_FALSE(failed.ok());
  EXPECT_EQ(failed.error().code, base::codes::kUnavailable);
}

}  // namespace
}  // namespace lathe::client
