#include "lathe/engine/engine.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <set>

#include "lathe/engine/recovery.h"
#include "lathe/index/sqlite_index.h"
#include "lathe/journal/journal_store.h"
#include "lathe/protocol/error_codes.h"
#include "lathe/runtime/files.h"

// The engine over real streams and a real index, with a driver that each test scripts.

namespace lathe::engine {
namespace {

using base::Result;
using ports::TaskEnd;
using protocol::Event;
using runtime::Async;
using runtime::CancelToken;
using runtime::Deadline;

class NoModel final : public ports::Model {
 public:
  [[nodiscard]] std::string_view provider() const override { return "none"; }
  Async<ports::ModelResult<std::unique_ptr<ports::ModelStream>>> open(ports::ModelRequest, CancelToken) override {
    co_return std::unexpected(ports::ModelFailure{.error = {.code = "unsupported", .message = "no model here"}});
  }
  Async<ports::ModelResult<std::vector<ports::ModelListing>>> list_models(CancelToken) override {
    co_return std::vector<ports::ModelListing>{{.model = "one", .context_window = 5}};
  }
};

class OneDirectory final : public ports::ModelDirectory {
 public:
  Async<Result<ports::ResolvedModel>> resolve(std::string backend, std::string model) override {
    if (model == "nope") co_return base::Error{.code = base::codes::kNotFound, .message = "no model nope"};
    co_return ports::ResolvedModel{.backend = backend.empty() ? "b" : backend,
                                   .model = model.empty() ? "m" : model,
                                   .connection = model_,
                                   .facts = {.context_window = 1000}};
  }
  Async<Result<std::vector<protocol::BackendInfo>>> backends() override {
    co_return std::vector<protocol::BackendInfo>{{.name = "b", .type = "t"}};
  }
  Async<Result<std::shared_ptr<ports::Model>>> connect(std::string) override { co_return model_; }
  [[nodiscard]] ports::ModelFacts facts(const std::string&, const std::string&) const override { return {}; }

 private:
  std::shared_ptr<ports::Model> model_ = std::make_shared<NoModel>();
};

/// What a driver of a test does in one run.
using Behaviour = std::function<Async<TaskEnd>(ports::TaskHost*, ports::TaskRequest, CancelToken)>;

class TestDriver final : public ports::Driver {
 public:
  explicit TestDriver(Behaviour* behaviour) : behaviour_(behaviour) {}
  Async<TaskEnd> run(ports::TaskRequest request, ports::TaskHost& host, CancelToken cancel) override {
    return (*behaviour_)(&host, std::move(request), std::move(cancel));
  }

 private:
  Behaviour* behaviour_;
};

TaskEnd done(std::string text) { return {.kind = TaskEnd::Kind::kComplete, .last_agent_message = std::move(text)}; }

/// One Turn that says something.
Async<TaskEnd> say_hello(ports::TaskHost* host, ports::TaskRequest, CancelToken) {
  (void)co_await host->record(protocol::AgentMessage{.item = host->new_id("item"), .text = "hello"});
  (void)co_await host->record(protocol::TurnComplete{
      .response_id = host->new_id("resp"), .model = "b/m", .usage = {.input_tokens = 3, .output_tokens = 2}});
  co_return done("hello");
}

class EngineTest : public ::testing::Test {
 protected:
  EngineTest() : fs_(loop_, "fs", 2), index_pool_(loop_, "index", 1) {}

  void SetUp() override {
    root_ = std::filesystem::path(::testing::TempDir()) /
            (std::string("engine_test_") + ::testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::remove_all(root_);
    open();
  }
  void TearDown() override {
    close();
    std::filesystem::remove_all(root_);
  }

  void open() {
    auto store = journal::JournalStore::create(loop_, fs_, {.state_dir = root_.string()});
    ASSERT_TRUE(store.ok()) << store.error().text();
    store_ = *std::move(store);
    auto index = index::SqliteIndex::create(loop_, index_pool_, store_->source(), {.state_dir = root_.string()});
    ASSERT_TRUE(index.ok()) << index.error().text();
    index_ = *std::move(index);
    engine_ = std::make_unique<Engine>(
        EngineParts{.loop = loop_,
                    .fs_pool = fs_,
                    .sessions = *store_,
                    .index = *index_,
                    .models = directory_,
                    .blobs = store_->blobs(),
                    .random = random_,
                    .make_driver = [this](const DriverSetup&) { return std::make_unique<TestDriver>(&behaviour_); },
                    .system_prompt = [](const std::string& extra) { return "prompt" + extra; },
                    .secrets = [] { return std::vector<std::string>{"sk-very-secret"}; },
                    .config = {},
                    .version = "test",
                    .confinement = "none"});
    client_ = engine_->connect("client");
  }
  void close() {
    if (!engine_) return;
    loop_.block_on(engine_->shut_down());
    client_.reset();
    engine_.reset();
    index_.reset();
    store_.reset();
  }

  Result<protocol::Ack> submit(protocol::Op op, const std::string& session = "") {
    return submit_as(std::to_string(next_op_++), std::move(op), session);
  }
  Result<protocol::Ack> submit_as(const std::string& op_id, protocol::Op op, const std::string& session = "") {
    return loop_.block_on(client_->submit(session, std::move(op), op_id));
  }
  std::string configure(protocol::ConfigureSession op = {}) {
    op.cwd = root_.string();
    const auto ack = submit(op);
    EXPECT_TRUE(ack.ok()) << ack.error().text();
    return ack.ok() ? ack->session : "";
  }
  static protocol::UserInput input(std::string text, protocol::IfBusy if_busy = protocol::IfBusy::kReplace) {
    return {.items = {protocol::TextPart{std::move(text)}}, .if_busy = if_busy};
  }
  /// Events until one of `type` came, that one included.
  std::vector<Event> until(std::string_view type) {
    while (true) {
      for (std::size_t i = 0; i < seen_.size(); ++i) {
        if (protocol::type_of(seen_[i].msg) != type) continue;
        std::vector<Event> out(seen_.begin(), seen_.begin() + static_cast<std::ptrdiff_t>(i) + 1);
        seen_.erase(seen_.begin(), seen_.begin() + static_cast<std::ptrdiff_t>(i) + 1);
        return out;
      }
      auto more = loop_.block_on(client_->events(CancelToken(), Deadline::after(loop_, std::chrono::seconds(20))));
      if (!more.ok()) {
        ADD_FAILURE() << "no " << type << ": " << more.error().text();
        return {};
      }
      for (Delivered& delivered : *more) seen_.push_back(std::move(delivered.event));
    }
  }
  static std::vector<std::string> types(const std::vector<Event>& events) {
    std::vector<std::string> out;
    for (const Event& event : events) out.emplace_back(protocol::type_of(event.msg));
    return out;
  }
  template <class C>
  Result<typename C::Reply> call(C request) {
    auto reply = loop_.block_on(client_->call(protocol::Call(std::move(request))));
    if (!reply.ok()) return std::move(reply).error();
    return std::get<typename C::Reply>(*std::move(reply));
  }

  runtime::Loop loop_;
  runtime::Pool fs_;
  runtime::Pool index_pool_;
  std::filesystem::path root_;
  base::SeededRandom random_{7};
  OneDirectory directory_;
  Behaviour behaviour_ = say_hello;
  std::unique_ptr<journal::JournalStore> store_;
  std::unique_ptr<index::SqliteIndex> index_;
  std::unique_ptr<Engine> engine_;
  std::unique_ptr<Connection> client_;
  std::vector<Event> seen_;
  int next_op_ = 1;
};

TEST_F(EngineTest, ATaskRunsFromInputToEnd) {
  const std::string session = configure();
  const auto ack = submit_as("42", input("hi"));
  ASSERT_TRUE(ack.ok()) << ack.error().text();
  const std::vector<Event> events = until("task_complete");
  EXPECT_EQ(types(events), (std::vector<std::string>{"session_configured", "task_started", "user_message",
                                                     "agent_message", "turn_complete", "task_complete"}));
  EXPECT_EQ(events[2].by, "client/42");
  EXPECT_EQ(events[2].seq, ack->seq);
  for (std::size_t i = 1; i < events.size(); ++i) EXPECT_EQ(events[i].id, "42");
  for (std::size_t i = 0; i < events.size(); ++i) EXPECT_EQ(events[i].seq, static_cast<std::int64_t>(i) + 1);
  const auto& end = std::get<protocol::TaskComplete>(events.back().msg);
  EXPECT_EQ(end.last_agent_message, "hello");
  EXPECT_EQ(end.usage.total(), 5);
}

TEST_F(EngineTest, RepeatedSubmissionsStartNothingAndRepeatTheAck) {
  configure();
  const auto first = submit_as("9", input("hi"));
  until("task_complete");
  const auto again = submit_as("9", input("hi"));
  EXPECT_EQ(*first, *again);
  EXPECT_EQ(engine_->find_live(first->session)->state().tasks, 1);
}

TEST_F(EngineTest, ErrorsNameWhatIsWrong) {
  EXPECT_EQ(submit(input("hi")).error().code, protocol::error_codes::kNotConfigured);
  EXPECT_EQ(submit(protocol::ConfigureSession{.cwd = "/no/such/folder"}).error().code, base::codes::kNotFound);
  EXPECT_EQ(submit(protocol::ConfigureSession{.cwd = "relative"}).error().code, base::codes::kInvalid);
  EXPECT_EQ(submit(protocol::ConfigureSession{.model = "nope", .cwd = root_.string()}).error().code,
            base::codes::kNotFound);
  EXPECT_EQ(call(protocol::SessionList{})->sessions.size(), 0U) << "a failed configure must leave nothing behind";
  configure();
  EXPECT_EQ(submit(protocol::UserInput{}).error().code, base::codes::kInvalid);
  EXPECT_EQ(submit(input("x"), "0190a5b4-0000-7000-8000-000000000000").error().code, base::codes::kNotFound);
  EXPECT_EQ(submit(protocol::Approval{.id = "ask_none"}).error().code, base::codes::kNotFound);
  EXPECT_EQ(submit(protocol::Rollback{}).error().code, base::codes::kInvalid);
}

/// Waits until it is cancelled.
Async<TaskEnd> wait_forever(ports::TaskHost* host, ports::TaskRequest, CancelToken cancel) {
  host->show(protocol::AgentMessageDelta{.item = "i1", .offset = 0, .text = "thinking"});
  runtime::Loop& loop = *const_cast<runtime::Loop*>(dynamic_cast<const runtime::Loop*>(&host->clock()));
  (void)co_await loop.sleep(std::chrono::hours(1), cancel);
  co_return TaskEnd{.kind = TaskEnd::Kind::kAborted};
}

TEST_F(EngineTest, InterruptEndsTheTaskWithAbortThenError) {
  configure();
  behaviour_ = wait_forever;
  ASSERT_TRUE(submit_as("1x", input("hi")).ok());
  until("agent_message_delta");
  ASSERT_TRUE(submit_as("2x", protocol::Interrupt{}).ok());
  const std::vector<Event> events = until("error");
  EXPECT_EQ(types(events), (std::vector<std::string>{"turn_aborted", "error"}));
  EXPECT_EQ(events[0].by, "client/2x");
  EXPECT_EQ(events[0].id, "1x");
  EXPECT_EQ(std::get<protocol::TurnAborted>(events[0].msg).reason, protocol::AbortReason::kInterrupted);
  EXPECT_EQ(std::get<protocol::ErrorEvent>(events[1].msg).code, protocol::error_codes::kInterrupted);
  EXPECT_TRUE(submit(protocol::Interrupt{}).ok()) << "nothing to interrupt is no error";
}

TEST_F(EngineTest, NewInputReplacesTheRunningTask) {
  configure();
  behaviour_ = wait_forever;
  ASSERT_TRUE(submit(input("first")).ok());
  until("agent_message_delta");
  behaviour_ = say_hello;
  ASSERT_TRUE(submit(input("second")).ok());
  const std::vector<Event> events = until("task_complete");
  EXPECT_EQ(types(events), (std::vector<std::string>{"turn_aborted", "task_started", "user_message", "agent_message",
                                                     "turn_complete", "task_complete"}));
  EXPECT_EQ(std::get<protocol::TurnAborted>(events[0].msg).reason, protocol::AbortReason::kReplaced);
}

Async<TaskEnd> wait_for_steer(ports::TaskHost* host, ports::TaskRequest, CancelToken cancel) {
  host->show(protocol::AgentMessageDelta{.item = "i1", .offset = 0, .text = "…"});
  runtime::Loop& loop = *const_cast<runtime::Loop*>(dynamic_cast<const runtime::Loop*>(&host->clock()));
  while (!host->take_steered()) (void)co_await loop.sleep(std::chrono::milliseconds(1), cancel);
  co_return done("steered");
}

TEST_F(EngineTest, SteeringReachesTheRunningTask) {
  configure();
  behaviour_ = wait_for_steer;
  ASSERT_TRUE(submit(input("first")).ok());
  until("agent_message_delta");
  ASSERT_TRUE(submit(input("also this", protocol::IfBusy::kSteer)).ok());
  const std::vector<Event> events = until("task_complete");
  EXPECT_EQ(types(events), (std::vector<std::string>{"user_message", "task_complete"}));
  EXPECT_TRUE(std::get<protocol::UserMessage>(events[0].msg).steer);
}

TEST_F(EngineTest, QueuedInputStartsWhenTheTaskIsDone) {
  const std::string session = configure();
  behaviour_ = wait_for_steer;
  ASSERT_TRUE(submit(input("first")).ok());
  until("agent_message_delta");
  runtime::Scope scope(loop_);
  struct Queue {
    static Async<void> run(Connection* client, protocol::Op op) {
      (void)co_await client->submit("", std::move(op), "q");
    }
  };
  scope.spawn(Queue::run(client_.get(), input("second", protocol::IfBusy::kQueue)));
  ASSERT_TRUE(submit(input("go", protocol::IfBusy::kSteer)).ok());
  behaviour_ = say_hello;
  until("task_complete");
  EXPECT_EQ(types(until("task_complete")), (std::vector<std::string>{"task_started", "user_message", "agent_message",
                                                                     "turn_complete", "task_complete"}));
  loop_.block_on(scope.stop());
}

/// Asks for a command, and says what the answer was.
Async<TaskEnd> ask_to_run(ports::TaskHost* host, ports::TaskRequest, CancelToken cancel) {
  const std::string call = "call_1";
  bool recorded = false;
  for (const auto& placed : host->state().conversation.entries)
    recorded |= std::holds_alternative<ports::CallEntry>(placed.entry);
  if (!recorded) (void)co_await host->record(protocol::ToolCalls{.calls = {{call, "shell", "{}"}}});
  ports::Action action;
  action.kind = ports::Action::Kind::kCommand;
  action.call_id = call;
  action.tool = "shell";
  action.command = {"rm", "x"};
  const auto answer = co_await host->gate(action, cancel);
  if (!answer.ok()) co_return TaskEnd{.kind = TaskEnd::Kind::kAborted};
  if (answer->verdict == ports::GateAnswer::Verdict::kParked) co_return TaskEnd{.kind = TaskEnd::Kind::kParked};
  if (answer->verdict == ports::GateAnswer::Verdict::kAbort) {
    co_return TaskEnd{.kind = TaskEnd::Kind::kAborted, .abort_reason = protocol::AbortReason::kApproval};
  }
  const bool run = answer->verdict == ports::GateAnswer::Verdict::kRun;
  protocol::ExecCommandEnd end{.call_id = call};
  end.outcome.status = run ? protocol::CallStatus::kCompleted : protocol::CallStatus::kDeclined;
  end.outcome.output = answer->note;
  (void)co_await host->record(end);
  co_return done(run ? "ran" : "declined");
}

TEST_F(EngineTest, ApprovalsPauseTheTaskAndSettleOnce) {
  configure({.approval_policy = protocol::ApprovalPolicy::kUntrusted});
  behaviour_ = ask_to_run;
  ASSERT_TRUE(submit(input("hi")).ok());
  const auto request = std::get<protocol::ExecApprovalRequest>(until("exec_approval_request").back().msg);
  EXPECT_EQ(request.command, (std::vector<std::string>{"rm", "x"}));
  ASSERT_TRUE(submit(protocol::ExecApproval{.id = request.id, .decision = protocol::Decision::kApproved}).ok());
  EXPECT_EQ(submit(protocol::ExecApproval{.id = request.id, .decision = protocol::Decision::kDenied}).error().code,
            base::codes::kNotFound);
  const std::vector<Event> events = until("task_complete");
  EXPECT_EQ(std::get<protocol::TaskComplete>(events.back().msg).last_agent_message, "ran");
}

TEST_F(EngineTest, ApprovedForTheSessionAsksOnlyOnce) {
  configure({.approval_policy = protocol::ApprovalPolicy::kUntrusted});
  behaviour_ = ask_to_run;
  ASSERT_TRUE(submit(input("hi")).ok());
  const auto request = std::get<protocol::ExecApprovalRequest>(until("exec_approval_request").back().msg);
  ASSERT_TRUE(submit(protocol::Approval{.id = request.id, .decision = protocol::Decision::kApprovedForSession}).ok());
  until("task_complete");
  ASSERT_TRUE(submit(input("again")).ok());
  for (const Event& event : until("task_complete")) {
    EXPECT_NE(protocol::type_of(event.msg), "exec_approval_request");
  }
}

TEST_F(EngineTest, NobodyThereMeansNo) {
  configure({.approval_policy = protocol::ApprovalPolicy::kUntrusted, .ask = protocol::AskMode::kDeny});
  behaviour_ = ask_to_run;
  ASSERT_TRUE(submit(input("hi")).ok());
  const std::vector<Event> events = until("task_complete");
  EXPECT_EQ(std::get<protocol::TaskComplete>(events.back().msg).last_agent_message, "declined");
}

TEST_F(EngineTest, AParkedTaskSurvivesARestartAndGoesOn) {
  const std::string session =
      configure({.approval_policy = protocol::ApprovalPolicy::kUntrusted, .ask = protocol::AskMode::kWait});
  behaviour_ = ask_to_run;
  ASSERT_TRUE(submit(input("hi")).ok());
  until("task_parked");
  close();
  seen_.clear();
  open();
  const auto open_questions = call(protocol::ApprovalList{});
  ASSERT_TRUE(open_questions.ok()) << open_questions.error().text();
  ASSERT_EQ(open_questions->questions.size(), 1U);
  EXPECT_EQ(open_questions->questions[0].session_id, session);
  const auto answered = call(protocol::ApprovalAnswer{
      .id = open_questions->questions[0].id, .decision = protocol::Decision::kApproved, .resume = true});
  ASSERT_TRUE(answered.ok()) << answered.error().text();
  EXPECT_TRUE(answered->resumed);
  const std::vector<Event> events = until("task_complete");
  EXPECT_EQ(types(events),
            (std::vector<std::string>{"approval_resolved", "task_resumed", "exec_command_end", "task_complete"}));
}

TEST_F(EngineTest, ReconfiguringAbortsTheRunningTaskFirst) {
  configure();
  behaviour_ = wait_forever;
  ASSERT_TRUE(submit(input("hi")).ok());
  until("agent_message_delta");
  ASSERT_TRUE(submit(protocol::ConfigureSession{.model = "other"}).ok());
  const std::vector<Event> events = until("session_configured");
  EXPECT_EQ(types(events), (std::vector<std::string>{"turn_aborted", "error", "session_configured"}));
  EXPECT_EQ(std::get<protocol::SessionConfigured>(events.back().msg).model, "other");
}

TEST_F(EngineTest, RollbackAndBookmarks) {
  const std::string session = configure();
  std::vector<std::string> marks;
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(submit(input("task " + std::to_string(i))).ok());
    for (const Event& event : until("task_complete")) {
      if (const auto* turn = std::get_if<protocol::TurnComplete>(&event.msg)) marks.push_back(turn->response_id);
    }
  }
  const ports::SessionState& state = engine_->find_live(session)->state();
  ASSERT_EQ(state.conversation.entries.size(), 6U);
  ASSERT_TRUE(submit(protocol::Rollback{.to = {.tasks = 1}}).ok());
  EXPECT_EQ(state.conversation.entries.size(), 4U);
  protocol::UserInput from_first = input("instead");
  from_first.last_response_id = marks[0];
  ASSERT_TRUE(submit(from_first).ok());
  until("task_complete");
  EXPECT_EQ(state.conversation.entries.size(), 4U);
  from_first.last_response_id = "resp_unknown";
  EXPECT_EQ(submit(from_first).error().code, base::codes::kNotFound);

  const auto forked = call(protocol::SessionFork{.session = session, .response_id = marks[0]});
  ASSERT_TRUE(forked.ok()) << forked.error().text();
  EXPECT_EQ(engine_->find_live(forked->session)->state().conversation.entries.size(), 2U);
  EXPECT_EQ(engine_->find_live(forked->session)->state().config->session_id, forked->session);
}

TEST_F(EngineTest, ALateSubscriberGetsEverythingOnceAndWhatIsInFlight) {
  const std::string session = configure();
  ASSERT_TRUE(submit(input("one")).ok());
  until("task_complete");
  behaviour_ = wait_forever;
  ASSERT_TRUE(submit(input("two")).ok());
  until("agent_message_delta");

  client_ = engine_->connect("second");
  seen_.clear();
  const auto reply = call(protocol::SessionSubscribe{.session = session, .since = 3});
  ASSERT_TRUE(reply.ok()) << reply.error().text();
  EXPECT_EQ(reply->state, protocol::SessionState::kRunning);
  ASSERT_TRUE(submit(protocol::Interrupt{}, session).ok());
  const std::vector<Event> events = until("error");
  std::vector<std::int64_t> seqs;
  for (const Event& event : events) {
    if (event.seq) seqs.push_back(*event.seq);
  }
  ASSERT_FALSE(seqs.empty());
  EXPECT_EQ(seqs.front(), 4);
  for (std::size_t i = 1; i < seqs.size(); ++i) EXPECT_EQ(seqs[i], seqs[i - 1] + 1);
  const bool in_flight = std::ranges::any_of(events, [](const Event& event) {
    const auto* delta = std::get_if<protocol::AgentMessageDelta>(&event.msg);
    return delta != nullptr && delta->offset == 0 && delta->text == "thinking";
  });
  EXPECT_TRUE(in_flight);
}

Async<TaskEnd> say_secret(ports::TaskHost* host, ports::TaskRequest, CancelToken) {
  (void)co_await host->record(protocol::AgentMessage{.item = "i", .text = "the key is sk-very-secret."});
  co_return done("said sk-very-secret");
}

TEST_F(EngineTest, KnownSecretsReachNoRecordAndNoClient) {
  const std::string session = configure();
  behaviour_ = say_secret;
  ASSERT_TRUE(submit(input("hi")).ok());
  const std::vector<Event> events = until("task_complete");
  EXPECT_EQ(std::get<protocol::AgentMessage>(events[events.size() - 2].msg).text, "the key is [secret].");
  const auto records = call(protocol::SessionExport{.session = session});
  for (const std::string& line : records->records) EXPECT_EQ(line.find("sk-very"), std::string::npos) << line;
}

TEST_F(EngineTest, ADriverThatThrowsFailsOnlyItsTask) {
  configure();
  struct Throw {
    static Async<TaskEnd> run(ports::TaskHost*, ports::TaskRequest, CancelToken) {
      throw base::RequestBug("broken driver");
      co_return TaskEnd{};
    }
  };
  behaviour_ = Throw::run;
  ASSERT_TRUE(submit(input("hi")).ok());
  const auto failed = std::get<protocol::ErrorEvent>(until("error").back().msg);
  EXPECT_EQ(failed.code, base::codes::kInternal);
  EXPECT_TRUE(failed.ends_task);
  behaviour_ = say_hello;
  ASSERT_TRUE(submit(input("again")).ok());
  until("task_complete");
}

TEST_F(EngineTest, SessionsAreListedFoundSearchedAndRemoved) {
  const std::string session = configure();
  ASSERT_TRUE(submit(input("find the walrus")).ok());
  until("task_complete");
  EXPECT_EQ(call(protocol::SessionList{})->sessions.at(0).session_id, session);
  EXPECT_EQ(call(protocol::SessionGet{.session = "last"})->session.session_id, session);
  EXPECT_EQ(call(protocol::SessionGet{.session = session.substr(0, 13)})->session.session_id, session);
  EXPECT_EQ(call(protocol::SessionGet{.session = "ffff"}).error().code, base::codes::kNotFound);
  EXPECT_EQ(call(protocol::SessionSearch{.query = "walrus"})->hits.size(), 1U);
  EXPECT_TRUE(call(protocol::SessionRemove{.session = session}).ok());
  EXPECT_EQ(call(protocol::SessionList{})->sessions.size(), 0U);
  EXPECT_EQ(call(protocol::ModelList{})->models.at(0).model, "one");
}

}  // namespace
}  // namespace lathe::engine
