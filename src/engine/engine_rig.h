#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "lathe/engine/engine.h"
#include "lathe/fakes/fake_catalog.h"
#include "lathe/index/sqlite_index.h"
#include "lathe/journal/journal_store.h"
#include "lathe/protocol/error_codes.h"

// The engine over real streams and a real index, with a driver that each test scripts.

namespace lathe::engine {

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
    if (keyless.contains(model)) co_return no_key();
    if (model == "nope") co_return base::Error{.code = base::codes::kNotFound, .message = "no model nope"};
    co_return ports::ResolvedModel{.backend = backend.empty() ? "b" : backend,
                                   .model = model.empty() ? "m" : model,
                                   .connection = model_,
                                   .facts = {.context_window = 1000}};
  }
  Async<Result<ports::ResolvedModel>> resolve_again(std::string backend, std::string model) override {
    if (!has_key) co_return no_key();
    if (hold) co_return co_await resolve_held(std::exchange(hold, nullptr), std::move(backend), std::move(model));
    co_return co_await resolve(std::move(backend), std::move(model));
  }
  Async<Result<ports::ModelName>> full_name(std::string backend, std::string model) override {
    co_return ports::ModelName{.backend = backend.empty() ? "b" : backend, .model = model.empty() ? "m" : model};
  }
  Async<Result<std::vector<protocol::BackendInfo>>> backends() override {
    co_return std::vector<protocol::BackendInfo>{{.name = "b", .type = "t"}};
  }
  Async<Result<std::shared_ptr<ports::Model>>> connect(std::string) override { co_return model_; }
  [[nodiscard]] ports::ModelFacts facts(const std::string&, const std::string&) const override { return {}; }

  bool has_key = true;
  /// Says that it was reached, and waits until it is let on.
  struct Hold {
    explicit Hold(runtime::Loop& loop) : begun(loop), let_on(loop) {}
    runtime::Signal begun;
    runtime::Signal let_on;
  };
  /// For the next resolve_again().
  Hold* hold = nullptr;
  std::set<std::string> keyless;

 private:
  Async<Result<ports::ResolvedModel>> resolve_held(Hold* held, std::string backend, std::string model) {
    held->begun.notify();
    (void)co_await held->let_on.wait(CancelToken(), Deadline::never());
    co_return co_await resolve(std::move(backend), std::move(model));
  }
  static base::Error no_key() { return {.code = protocol::error_codes::kNoKey, .message = "backend b has no key"}; }
  std::shared_ptr<ports::Model> model_ = std::make_shared<NoModel>();
};

/// What a driver of a test does in one run.
using Behaviour = std::function<Async<TaskEnd>(ports::TaskHost*, ports::TaskRequest, CancelToken)>;

class TestDriver final : public ports::Driver {
 public:
  TestDriver(Behaviour* behaviour, int* stopped) : behaviour_(behaviour), stopped_(stopped) {}
  Async<TaskEnd> run(ports::TaskRequest request, ports::TaskHost& host, CancelToken cancel) override {
    return (*behaviour_)(&host, std::move(request), std::move(cancel));
  }
  Async<void> stop() override {
    ++*stopped_;
    co_return;
  }

 private:
  Behaviour* behaviour_;
  int* stopped_;
};

inline TaskEnd done(std::string text) {
  return {.kind = TaskEnd::Kind::kComplete, .last_agent_message = std::move(text)};
}

/// One Turn that says something.
inline Async<TaskEnd> say_hello(ports::TaskHost* host, ports::TaskRequest, CancelToken) {
  (void)co_await host->record(protocol::AgentMessage{.item = host->new_id("item"), .text = "hello"});
  (void)co_await host->record(protocol::TurnComplete{
      .response_id = host->new_id("resp"), .model = "b/m", .usage = {.input_tokens = 3, .output_tokens = 2}});
  co_return done("hello");
}

/// Waits until it is cancelled.
inline Async<TaskEnd> wait_forever(ports::TaskHost* host, ports::TaskRequest, CancelToken cancel) {
  host->show(protocol::AgentMessageDelta{.item = "i1", .offset = 0, .text = "thinking"});
  runtime::Loop& loop = *const_cast<runtime::Loop*>(dynamic_cast<const runtime::Loop*>(&host->clock()));
  (void)co_await loop.sleep(std::chrono::hours(1), cancel);
  co_return TaskEnd{.kind = TaskEnd::Kind::kAborted};
}

/// Ends once input was steered in, and leaves it to the next run.
inline Async<TaskEnd> wait_for_steer_left(ports::TaskHost* host, CancelToken cancel) {
  host->show(protocol::AgentMessageDelta{.item = "i1", .offset = 0, .text = "…"});
  runtime::Loop& loop = *const_cast<runtime::Loop*>(dynamic_cast<const runtime::Loop*>(&host->clock()));
  const std::size_t before = host->state().conversation.entries.size();
  while (host->state().conversation.entries.size() == before) {
    (void)co_await loop.sleep(std::chrono::milliseconds(1), cancel);
  }
  co_return done("compacted");
}

/// Takes the steered input itself.
inline Async<TaskEnd> wait_for_steer(ports::TaskHost* host, ports::TaskRequest, CancelToken cancel) {
  host->show(protocol::AgentMessageDelta{.item = "i1", .offset = 0, .text = "…"});
  runtime::Loop& loop = *const_cast<runtime::Loop*>(dynamic_cast<const runtime::Loop*>(&host->clock()));
  while (!host->take_steered()) (void)co_await loop.sleep(std::chrono::milliseconds(1), cancel);
  co_return done("steered");
}

/// Asks for a command, and says what the answer was.
inline Async<TaskEnd> ask_to_run(ports::TaskHost* host, ports::TaskRequest, CancelToken cancel) {
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

class EngineRig : public ::testing::Test {
 public:
  /// What the session may spawn agents with; null when it may have none.
  ports::SessionHost* agents_of(const std::string& session) { return agents_[session]; }

 protected:
  EngineRig() : fs_(loop_, "fs", 2), index_pool_(loop_, "index", 1) {}

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
    auto store = journal::JournalStore::create(
        loop_, fs_, {.state_dir = root_.string(), .durability = durability_, .faults = faults_});
    ASSERT_TRUE(store.ok()) << store.error().text();
    store_ = *std::move(store);
    auto index = index::SqliteIndex::create(loop_, index_pool_, store_->source(), {.state_dir = root_.string()});
    ASSERT_TRUE(index.ok()) << index.error().text();
    index_ = *std::move(index);
    auto policy =
        PolicyBook::read({.folder = (root_ / "policies").string(),
                          .policy = {},
                          .only = {},
                          .trust_file = (root_ / "trust.json").string(),
                          .on_warning = [this](const std::string& warning) { warnings_.push_back(warning); }});
    ASSERT_TRUE(policy.ok()) << policy.error().text();
    policy_ = *std::move(policy);
    engine_ =
        std::make_unique<Engine>(EngineParts{.loop = loop_,
                                             .fs_pool = fs_,
                                             .sessions = *store_,
                                             .index = *index_,
                                             .models = directory_,
                                             .blobs = store_->blobs(),
                                             .policy = *policy_,
                                             .catalog = catalog_,
                                             .random = random_,
                                             .make_driver =
                                                 [this](const DriverSetup& setup) {
                                                   agents_[setup.session_id] = setup.agents;
                                                   ++drivers_made_;
                                                   return std::make_unique<TestDriver>(&behaviour_, &drivers_stopped_);
                                                 },
                                             .make_history = make_history_,
                                             .system_prompt = [](const std::string& extra) { return "prompt" + extra; },
                                             .secrets = [] { return std::vector<std::string>{"sk-very-secret"}; },
                                             .config = config_,
                                             .version = "test"});
    client_ = engine_->connect("client");
  }
  void close() {
    if (!engine_) return;
    loop_.block_on(engine_->shut_down());
    drop();
  }
  /// Of an engine that was shut down.
  void drop() {
    client_.reset();
    engine_.reset();
    index_.reset();
    store_.reset();
  }
  /// Another process on the same data root.
  void reopen() {
    close();
    seen_.clear();
    open();
  }
  /// Another process on what this one would have left if it died now.
  void reopen_as_after_a_crash() {
    const std::filesystem::path here = root_;
    root_ += "_after";
    std::filesystem::remove_all(root_);
    std::filesystem::copy(here, root_, std::filesystem::copy_options::recursive);
    for (const char* file : {"index.db", "index.db-wal", "index.db-shm"}) std::filesystem::remove(root_ / file);
    close();
    seen_.clear();
    std::filesystem::remove_all(here);
    open();
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
      for (Delivered& delivered : *more) seen_.push_back(*delivered.event);
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
  fakes::FakeCatalog catalog_;
  config::Config config_;
  runtime::Durability durability_ = runtime::Durability::kProcess;
  /// What befalls the disk that streams are on, from the next open() on. Outlives the store.
  storage::FaultPoint* faults_ = nullptr;
  std::map<std::string, ports::SessionHost*> agents_;
  Behaviour behaviour_ = say_hello;
  int drivers_made_ = 0;
  int drivers_stopped_ = 0;
  /// None is kept unless a test says so, before it opens again.
  std::function<std::unique_ptr<ports::WorkspaceHistory>(const std::string&, const std::string&)> make_history_;
  std::unique_ptr<journal::JournalStore> store_;
  std::unique_ptr<index::SqliteIndex> index_;
  std::vector<std::string> warnings_;
  std::unique_ptr<PolicyBook> policy_;
  std::unique_ptr<Engine> engine_;
  std::unique_ptr<Connection> client_;
  std::vector<Event> seen_;
  int next_op_ = 1;
};

}  // namespace lathe::engine
