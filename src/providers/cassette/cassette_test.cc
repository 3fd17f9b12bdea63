#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "lathe/base/strings.h"
#include "lathe/protocol/error_codes.h"
#include "lathe/providers/cassette/model.h"
#include "lathe/providers/cassette/normalise.h"
#include "lathe/providers/cassette/tool.h"
#include "lathe/runtime/files.h"
#include "lathe/runtime/loop.h"

namespace lathe::providers::cassette {
namespace {

using base::Result;
using ports::ModelFailure;
using ports::ModelResult;
using runtime::Async;
using runtime::CancelToken;
using runtime::Deadline;
using testing::HasSubstr;
using testing::Not;

TEST(Normalise, RewritesWhatMayDiffer) {
  const Places places{.cwd = "/repo/demo", .temp_dir = "/tmp"};
  const auto all = [&](std::string_view text) { return normalise(text, places, all_normalisers()); };
  EXPECT_EQ(all("cd /repo/demo/src && ls /repo/demo-2"), "cd {cwd}/src && ls {cwd}-2");
  EXPECT_EQ(all("in /tmp/pytest-of-x.1/a"), "in {tmp}/a");
  EXPECT_EQ(all("at 2026-11-20T11:05:15.123Z, 2026-11-20 and 11:05:15"), "at {time}, {time} and {time}");
  EXPECT_EQ(all("Fri Nov 20 11:05:15 UTC 2026; Nov 20 11:05 x"), "{time}; {time} x");
  EXPECT_EQ(all("1 passed in 0.03s, 12 ms, 3m12s"), "1 passed in {duration}, {duration}, {duration}");
  EXPECT_EQ(all("call_a1B2c3D4 and 018f3c5e-7b1a-7c3d-9e2f-0123456789ab"), "{id} and {id}");
  EXPECT_EQ(all("utf8 x86_64 v1.2.3 line 12 call_me_maybe"), "utf8 x86_64 v1.2.3 line 12 call_me_maybe");
  EXPECT_EQ(normalise("/repo/demo in 3s", places, {"durations"}), "/repo/demo in {duration}");
}

/// Answers every request with the same events, then a failure when there is one.
class FakeModel final : public ports::Model {
 public:
  std::vector<ports::ModelEvent> events;
  std::optional<ModelFailure> failure;

  [[nodiscard]] std::string_view provider() const override { return "fake"; }
  Async<ModelResult<std::unique_ptr<ports::ModelStream>>> open(ports::ModelRequest, CancelToken) override {
    co_return std::make_unique<Stream>(events, failure);
  }
  Async<ModelResult<std::vector<ports::ModelListing>>> list_models(CancelToken) override {
    co_return std::vector<ports::ModelListing>{{.model = "fake-1", .context_window = 7}};
  }

 private:
  class Stream final : public ports::ModelStream {
   public:
    Stream(std::vector<ports::ModelEvent> events, std::optional<ModelFailure> failure)
        : events_(std::move(events)), failure_(std::move(failure)) {}
    Async<ModelResult<std::vector<ports::ModelEvent>>> next(CancelToken, Deadline) override {
      if (!events_.empty()) co_return std::exchange(events_, {});
      if (failure_) co_return std::unexpected(*failure_);
      co_return events_;
    }

   private:
    std::vector<ports::ModelEvent> events_;
    std::optional<ModelFailure> failure_;
  };
};

struct Answer {
  std::vector<ports::ModelEvent> events;
  std::optional<ModelFailure> failure;
  friend bool operator==(const Answer&, const Answer&) = default;
};

Async<Answer> ask(ports::Model* model, ports::ModelRequest request) {
  Answer answer;
  auto stream = co_await model->open(std::move(request), CancelToken());
  if (!stream) {
    answer.failure = stream.error();
    co_return answer;
  }
  while (true) {
    auto events = co_await (*stream)->next(CancelToken(), Deadline::never());
    if (!events) answer.failure = events.error();
    if (!events || events->empty()) co_return answer;
    answer.events.insert(answer.events.end(), events->begin(), events->end());
  }
}

class CassetteTest : public testing::Test {
 protected:
  CassetteTest() { std::filesystem::create_directories(folder_); }
  ~CassetteTest() override { std::filesystem::remove_all(folder_); }

  std::unique_ptr<TapeWriter> writer(std::vector<std::string> secrets = {}) {
    TapeHeader header{.created = 1, .cwd = "/repo/a", .normalisers = all_normalisers()};
    auto tape = *TapeWriter::create(path_, std::move(header), [secrets = std::move(secrets)] { return secrets; });
    EXPECT_TRUE(tape->begin().ok());
    return tape;
  }
  static ports::ModelRequest request(std::string cwd) {
    ports::ModelRequest request{.model = "m", .cache_key = "session of " + cwd};
    request.items = {ports::UserInputItem{{ports::ModelText{"look in " + cwd}}},
                     ports::AssistantReasoningItem{.text = "hm", .provider = cwd, .opaque = base::Json{{"a", 1}}},
                     ports::AssistantCallItem{{"call_1", "shell", "{}"}},
                     ports::ToolResultItem{.call_id = "call_1", .tool = "shell", .output = "done in 0.3s"}};
    return request;
  }
  /// Records one answer to request("/repo/a").
  Answer record(FakeModel fake, std::vector<std::string> secrets = {}) {
    const auto tape = writer(std::move(secrets));
    RecordingModel model(std::make_shared<FakeModel>(std::move(fake)), *tape);
    return loop_.block_on(ask(&model, request("/repo/a")));
  }
  Answer replay(ReplayMode mode, ports::ModelRequest asked, std::string cwd) {
    const auto tape = *Tape::open(path_);
    ReplayModel model(*tape, mode, Places{.cwd = std::move(cwd)});
    return loop_.block_on(ask(&model, std::move(asked)));
  }

  runtime::Loop loop_;
  const std::string folder_ = testing::TempDir() + "cassette_" + std::to_string(getpid());
  const std::string path_ = folder_ + "/tape.ndjson";
};

FakeModel talkative() {
  FakeModel fake;
  fake.events = {ports::ReasoningDelta{"hm"},
                 ports::ReasoningDone{.text = "Hm.", .opaque = base::Json{{"sig", "x"}}},
                 ports::TextDelta{"hello"},
                 ports::TextDone{},
                 ports::CallDone{{"call_9", "shell", "{oops"}},
                 ports::ModelNotice{"n", "note"},
                 ports::Finished{.reason = ports::FinishReason::kToolCalls,
                                 .usage = protocol::Usage{.input_tokens = 5, .output_tokens = 2},
                                 .provider_response_id = "r"}};
  return fake;
}

TEST_F(CassetteTest, AReplayGivesWhatWasRecordedInAnotherFolder) {
  const Answer recorded = record(talkative());
  EXPECT_EQ(recorded.events, talkative().events);
  ports::ModelRequest asked = request("/home/b");
  std::get<ports::ToolResultItem>(asked.items[3]).output = "done in 12ms";
  EXPECT_EQ(replay(ReplayMode::kModel, asked, "/home/b"), recorded);
  EXPECT_EQ(replay(ReplayMode::kAll, request("/repo/a"), "/repo/a"), recorded);
  EXPECT_EQ((*Tape::open(path_))->model_name(), "m");
}

TEST_F(CassetteTest, ADifferentRequestShowsTheFirstDifference) {
  (void)record(talkative());
  ports::ModelRequest asked = request("/repo/a");
  std::get<ports::ToolResultItem>(asked.items[3]).output = "failed in 0.3s";
  const Answer got = replay(ReplayMode::kModel, asked, "/repo/a");
  ASSERT_TRUE(got.failure.has_value());
  EXPECT_EQ(got.failure->error.code, protocol::error_codes::kCassette);
  EXPECT_THAT(got.failure->error.message, HasSubstr("items[3].output"));
  EXPECT_THAT(got.failure->error.message, HasSubstr("done in"));
  EXPECT_THAT(got.failure->error.message, HasSubstr("failed in"));
  // Byte for byte, a duration counts.
  ports::ModelRequest later = request("/repo/a");
  std::get<ports::ToolResultItem>(later.items[3]).output = "done in 0.4s";
  EXPECT_TRUE(replay(ReplayMode::kAll, later, "/repo/a").failure.has_value());
}

TEST_F(CassetteTest, EachRequestFindsItsAnswerInWhateverOrderTheyAreAsked) {
  FakeModel other;
  other.events = {ports::TextDelta{"from b"}, ports::TextDone{},
                  ports::Finished{.reason = ports::FinishReason::kStop, .usage = std::nullopt}};
  {
    const auto tape = writer();
    RecordingModel first(std::make_shared<FakeModel>(talkative()), *tape);
    RecordingModel second(std::make_shared<FakeModel>(other), *tape);
    (void)loop_.block_on(ask(&first, request("/repo/a")));
    (void)loop_.block_on(ask(&second, request("/repo/b")));
  }
  const auto tape = *Tape::open(path_);
  ReplayModel model(*tape, ReplayMode::kAll, Places{});
  EXPECT_EQ(loop_.block_on(ask(&model, request("/repo/b"))).events, other.events);
  EXPECT_EQ(loop_.block_on(ask(&model, request("/repo/a"))).events, talkative().events);
}

TEST_F(CassetteTest, FailuresAreAnswersTooAndTheEndIsSaid) {
  FakeModel fake;
  fake.events = {ports::TextDelta{"half"}};
  fake.failure = ModelFailure{.error = {.code = "stream_error", .message = "cut", .retryable = true},
                              .retry = ports::RetryClass::kStream,
                              .retry_after = std::chrono::milliseconds(5)};
  const Answer recorded = record(fake);
  EXPECT_EQ(recorded.failure, fake.failure);
  const auto tape = *Tape::open(path_);
  ReplayModel model(*tape, ReplayMode::kModel, Places{.cwd = "/repo/a"});
  EXPECT_EQ(loop_.block_on(ask(&model, request("/repo/a"))), recorded);
  const Answer more = loop_.block_on(ask(&model, request("/repo/a")));
  EXPECT_THAT(more.failure->error.message, HasSubstr("no more model answers after 1"));
}

TEST_F(CassetteTest, SecretsDoNotReachTheTape) {
  FakeModel fake = talkative();
  fake.events[2] = ports::TextDelta{"the key is sk-\"very\"-secret"};
  (void)record(fake, {"sk-\"very\"-secret"});
  const std::string text = *runtime::read_file(path_);
  EXPECT_THAT(text, Not(HasSubstr("-secret")));
  EXPECT_THAT(text, HasSubstr("[secret]"));
}

TEST_F(CassetteTest, WhatIsNoCassetteIsSaidWithItsLine) {
  EXPECT_THAT(Tape::parse("{\"a\":1}\n", "x").error().message, HasSubstr("line 1"));
  EXPECT_THAT(Tape::parse("", "x").error().message, HasSubstr("not the header"));
  EXPECT_THAT(Tape::parse("{\"cassette\":1}\n{torn", "x").error().message, HasSubstr("line 2"));
  EXPECT_EQ(Tape::open(folder_ + "/none").error().code, base::codes::kNotFound);
}

/// Says "out" and "err", and fails to prepare when its arguments are "bad".
class FakeTool final : public ports::Tool {
 public:
  explicit FakeTool(int& runs) : runs_(runs) { spec_.name = "shell"; }
  [[nodiscard]] const ports::ToolSpec& spec() const override { return spec_; }
  [[nodiscard]] bool read_only() const override { return false; }
  Async<Result<std::unique_ptr<ports::PreparedCall>>> prepare(const protocol::ToolCall& call,
                                                              const ports::ToolEnvironment&) override {
    if (call.arguments == "bad") co_return base::Error{.code = "invalid", .message = "bad arguments"};
    co_return std::make_unique<Call>(runs_);
  }

 private:
  class Call final : public ports::PreparedCall {
   public:
    explicit Call(int& runs) : runs_(runs) {}
    [[nodiscard]] const ports::Action& action() const override { return action_; }
    [[nodiscard]] std::string title() const override { return "run it"; }
    Async<Result<ports::RunResult>> run(ports::OutputSink& out, CancelToken) override {
      ++runs_;
      out.write(protocol::OutputStream::kStdout, "out");
      out.write(protocol::OutputStream::kStderr, "\xff");
      co_return ports::RunResult{.status = protocol::CallStatus::kFailed,
                                 .exit_code = 3,
                                 .header = "Exit code: 3",
                                 .events = {protocol::Warning{.message = "careful"}},
                                 .diff = "d"};
    }

   private:
    int& runs_;
    ports::Action action_;
  };
  int& runs_;
  ports::ToolSpec spec_;
};

class TextSink final : public ports::OutputSink {
 public:
  void write(protocol::OutputStream stream, std::string_view bytes) override {
    text += std::string(protocol::name_of(stream)) + ":" + std::string(bytes) + ";";
  }
  std::string text;
};

/// Prepares and runs one call, and tells everything that came of it.
Async<std::string> use(ports::Tool* tool, protocol::ToolCall call) {
  const ports::ToolEnvironment environment;
  auto prepared = co_await tool->prepare(call, environment);
  if (!prepared.ok()) co_return prepared.error().text();
  TextSink sink;
  auto result = co_await (*prepared)->run(sink, CancelToken());
  if (!result.ok()) co_return result.error().text();
  co_return (*prepared)->title() + " " + sink.text + " " + result->header + " " + std::to_string(*result->exit_code) +
      " " + std::get<protocol::Warning>(result->events.at(0)).message + " " + result->diff;
}

TEST_F(CassetteTest, ToolsAnswerFromTheTapeWithoutRunning) {
  int runs = 0;
  std::string first;
  std::string refused;
  {
    const auto tape = writer();
    RecordingTool tool(std::make_unique<FakeTool>(runs), *tape);
    first = loop_.block_on(use(&tool, {"call_1", "shell", "{}"}));
    refused = loop_.block_on(use(&tool, {"call_2", "shell", "bad"}));
  }
  EXPECT_EQ(runs, 1);
  const auto tape = *Tape::open(path_);
  ReplayTool tool(std::make_unique<FakeTool>(runs), *tape);
  EXPECT_EQ(loop_.block_on(use(&tool, {"call_2", "shell", "bad"})), refused);
  EXPECT_EQ(loop_.block_on(use(&tool, {"call_1", "shell", "{}"})), first);
  EXPECT_THAT(loop_.block_on(use(&tool, {"call_1", "shell", "{}"})), HasSubstr("no more runs of shell"));
  EXPECT_EQ(runs, 1);
}

TEST_F(CassetteTest, ACallThatWasNotLetThroughIsOnTheTapeAndOneThatAPersonChangedTwice) {
  int runs = 0;
  std::string changed;
  {
    const auto tape = writer();
    RecordingTool tool(std::make_unique<FakeTool>(runs), *tape);
    const ports::ToolEnvironment environment;
    ASSERT_TRUE(loop_.block_on(tool.prepare({"call_1", "shell", "{}"}, environment)).ok()) << "and is not run";
    changed = loop_.block_on(use(&tool, {"call_1", "shell", R"({"changed":1})"}));
  }
  EXPECT_EQ(runs, 1);
  const auto tape = *Tape::open(path_);
  ReplayTool tool(std::make_unique<FakeTool>(runs), *tape);
  EXPECT_EQ(loop_.block_on(use(&tool, {"call_1", "shell", R"({"changed":1})"})), changed);
  EXPECT_THAT(loop_.block_on(use(&tool, {"call_1", "shell", "{}"})), HasSubstr("it was not let through"));
}

TEST_F(CassetteTest, ACallThatWaitedForAPersonIsReplayedAsItRan) {
  int runs = 0;
  std::string ran;
  {
    const auto tape = writer();
    RecordingTool tool(std::make_unique<FakeTool>(runs), *tape);
    const ports::ToolEnvironment environment;
    ASSERT_TRUE(loop_.block_on(tool.prepare({"call_1", "shell", "{}"}, environment)).ok()) << "and is parked";
    ran = loop_.block_on(use(&tool, {"call_1", "shell", "{}"}));
  }
  const auto tape = *Tape::open(path_);
  ReplayTool tool(std::make_unique<FakeTool>(runs), *tape);
  EXPECT_EQ(loop_.block_on(use(&tool, {"call_1", "shell", "{}"})), ran);
  EXPECT_EQ(runs, 1);
}

/// Runs one call, then once more outside of the sandbox that stopped it.
Async<std::string> use_outside(ports::Tool* tool) {
  const ports::ToolEnvironment environment;
  auto prepared = co_await tool->prepare({"call_1", "shell", "{}"}, environment);
  if (!prepared.ok()) co_return prepared.error().text();
  TextSink sink;
  const auto inside = co_await (*prepared)->run(sink, CancelToken());
  if (!inside.ok()) co_return inside.error().text();
  const auto outside = (*prepared)->outside_sandbox(inside->refused);
  if (!outside) co_return sink.text + "no way out";
  EXPECT_TRUE(outside->action().outside_sandbox);
  EXPECT_EQ(outside->action().refused, inside->refused);
  const auto result = co_await outside->run(sink, CancelToken());
  co_return result.ok() ? sink.text + result->header : result.error().text();
}

/// Is stopped by its sandbox, and runs outside of it.
class StoppedTool final : public ports::Tool {
 public:
  StoppedTool() { spec_.name = "shell"; }
  [[nodiscard]] const ports::ToolSpec& spec() const override { return spec_; }
  [[nodiscard]] bool read_only() const override { return false; }
  Async<Result<std::unique_ptr<ports::PreparedCall>>> prepare(const protocol::ToolCall&,
                                                              const ports::ToolEnvironment&) override {
    co_return std::make_unique<Call>(ports::Action{});
  }

 private:
  class Call final : public ports::PreparedCall {
   public:
    explicit Call(ports::Action action) : action_(std::move(action)) {}
    [[nodiscard]] const ports::Action& action() const override { return action_; }
    [[nodiscard]] std::string title() const override { return "reach out"; }
    Async<Result<ports::RunResult>> run(ports::OutputSink& out, CancelToken) override {
      out.write(protocol::OutputStream::kStdout, action_.outside_sandbox ? "out there" : "stopped");
      if (action_.outside_sandbox) co_return ports::RunResult{.header = "free"};
      co_return ports::RunResult{.status = protocol::CallStatus::kFailed, .refused = "Permission denied"};
    }
    [[nodiscard]] std::unique_ptr<ports::PreparedCall> outside_sandbox(const std::string& refused) const override {
      return std::make_unique<Call>(ports::Action{.outside_sandbox = true, .refused = refused});
    }

   private:
    ports::Action action_;
  };
  ports::ToolSpec spec_;
};

TEST_F(CassetteTest, ARunOutsideOfTheSandboxIsRecordedAndReplayed) {
  std::string recorded;
  {
    const auto tape = writer();
    RecordingTool tool(std::make_unique<StoppedTool>(), *tape);
    recorded = loop_.block_on(use_outside(&tool));
  }
  EXPECT_EQ(recorded, "stdout:stopped;stdout:out there;free");
  const auto tape = *Tape::open(path_);
  ReplayTool tool(std::make_unique<StoppedTool>(), *tape);
  EXPECT_EQ(loop_.block_on(use_outside(&tool)), recorded);
}

/// Writes 50 MiB.
class FloodingTool final : public ports::Tool {
 public:
  FloodingTool() { spec_.name = "shell"; }
  [[nodiscard]] const ports::ToolSpec& spec() const override { return spec_; }
  [[nodiscard]] bool read_only() const override { return false; }
  Async<Result<std::unique_ptr<ports::PreparedCall>>> prepare(const protocol::ToolCall&,
                                                              const ports::ToolEnvironment&) override {
    co_return std::make_unique<Call>();
  }

 private:
  class Call final : public ports::PreparedCall {
   public:
    [[nodiscard]] const ports::Action& action() const override { return action_; }
    [[nodiscard]] std::string title() const override { return "flood"; }
    Async<Result<ports::RunResult>> run(ports::OutputSink& out, CancelToken) override {
      out.write(protocol::OutputStream::kStderr, "the beginning");
      for (char letter = 'a'; letter < 'a' + 25; ++letter) {
        out.write(protocol::OutputStream::kStdout, std::string(2U << 20, letter));
      }
      out.write(protocol::OutputStream::kStderr, "the end");
      co_return ports::RunResult{};
    }

   private:
    ports::Action action_;
  };
  ports::ToolSpec spec_;
};

class BytesSink final : public ports::OutputSink {
 public:
  void write(protocol::OutputStream, std::string_view bytes) override { all += bytes; }
  std::string all;
};

Async<std::string> output_of(ports::Tool* tool) {
  const ports::ToolEnvironment environment;
  auto prepared = co_await tool->prepare({"call_1", "shell", "{}"}, environment);
  if (!prepared.ok()) co_return prepared.error().text();
  BytesSink sink;
  const auto result = co_await (*prepared)->run(sink, CancelToken());
  co_return result.ok() ? sink.all : result.error().text();
}

TEST_F(CassetteTest, OfAVeryLongOutputBeginningEndAndLengthAreKept) {
  std::string written;
  {
    const auto tape = writer();
    RecordingTool tool(std::make_unique<FloodingTool>(), *tape);
    written = loop_.block_on(output_of(&tool));
  }
  ASSERT_TRUE(written.starts_with("the beginningaaa") && written.ends_with("the end"));
  EXPECT_LT(std::filesystem::file_size(path_), 34U << 20);
  const auto tape = *Tape::open(path_);
  ReplayTool tool(std::make_unique<FloodingTool>(), *tape);
  const std::string replayed = loop_.block_on(output_of(&tool));
  constexpr std::size_t kEach = 16U << 20;
  ASSERT_EQ(replayed.size(), written.size());
  EXPECT_TRUE(replayed.substr(0, kEach) == written.substr(0, kEach));
  EXPECT_TRUE(replayed.substr(replayed.size() - kEach) == written.substr(written.size() - kEach));
  EXPECT_FALSE(replayed == written);
}

}  // namespace
}  // namespace lathe::providers::cassette
