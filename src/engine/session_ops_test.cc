#include <algorithm>

#include "lathe/engine/engine_rig.h"

// Ops and calls beside input and answers: what they record, and what stays of it in another process.

namespace lathe::engine {
namespace {

class SessionOpsTest : public EngineRig {
 protected:
  /// What the model is told beside what was said, oldest first.
  std::vector<std::string> context(const std::string& session) {
    std::vector<std::string> texts;
    for (const ports::PlacedEntry& placed : engine_->find_live(session)->state().conversation.entries) {
      const auto* user = std::get_if<ports::UserEntry>(&placed.entry);
      if (user == nullptr || user->context != protocol::ContextKind::kUserContext) continue;
      texts.push_back(std::get<protocol::TextPart>(user->content.at(0)).text);
    }
    return texts;
  }
  std::vector<std::string> listed(bool archived) {
    std::vector<std::string> ids;
    for (const auto& session : call(protocol::SessionList{.archived = archived})->sessions) {
      ids.push_back(session.session_id);
    }
    return ids;
  }
};

TEST_F(SessionOpsTest, AModelIsSetWhileATaskRunsWhichGoesOn) {
  const std::string session = configure();
  behaviour_ = wait_for_steer;
  ASSERT_TRUE(submit(input("hi")).ok());
  until("agent_message_delta");
  ASSERT_TRUE(submit(protocol::SetModel{.model = "n", .backend = {}}).ok());
  const auto updated = std::get<protocol::SessionUpdated>(until("session_updated").back().msg);
  EXPECT_EQ(updated.model, "n");
  EXPECT_EQ(updated.backend, "b");
  EXPECT_EQ(submit(protocol::SetModel{.model = "nope", .backend = {}}).error().code, base::codes::kNotFound);
  ASSERT_TRUE(submit(input("go", protocol::IfBusy::kSteer)).ok());
  until("task_complete");
  EXPECT_EQ(engine_->find_live(session)->state().config->model, "n");
  reopen();
  ASSERT_TRUE(submit(protocol::SetModel{.model = "m2", .backend = "other"}, session).ok());
  EXPECT_EQ(engine_->find_live(session)->state().config->backend, "other");
  EXPECT_EQ(call(protocol::SessionGet{.session = session})->session.model, "m2");
}

TEST_F(SessionOpsTest, AModelWithoutAKeyIsLeftOutWhereAFallbackHasOne) {
  directory_.keyless = {"locked", "locked too"};
  configure({.model = "locked", .fallback_models = {"locked too", "open"}});
  const Event configured = until("session_configured").back();
  EXPECT_EQ(std::get<protocol::SessionConfigured>(configured.msg).model, "locked");
  ASSERT_TRUE(submit(input("go")).ok());
  std::vector<std::string> skipped;
  for (const Event& event : until("task_complete")) {
    const auto* warning = std::get_if<protocol::Warning>(&event.msg);
    if (warning != nullptr) skipped.push_back(warning->code + ": " + warning->message);
  }
  EXPECT_THAT(skipped, testing::ElementsAre("model_skipped: b/locked: backend b has no key",
                                            "fallback_skipped: fallback locked too: backend b has no key"));

  for (const std::vector<std::string>& fallbacks :
       {std::vector<std::string>{}, std::vector<std::string>{"locked too"}}) {
    client_ = engine_->connect("one that has no session yet");
    const auto refused =
        submit(protocol::ConfigureSession{.model = "locked", .cwd = root_.string(), .fallback_models = fallbacks});
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().code, protocol::error_codes::kNoKey);
  }
}

TEST_F(SessionOpsTest, WhatNoClientChoseFollowsTheSettingsFromTheNextTaskOn) {
  const std::string session = configure({.network = protocol::NetworkMode::kProxy});
  ASSERT_TRUE(submit(input("one")).ok());
  until("task_complete");
  config::Config& settings = engine_->parts().config;
  settings.approval_policy = protocol::ApprovalPolicy::kUntrusted;
  settings.budget.turns = 1;
  settings.network = "open";
  settings.allow_hosts = {"example.org"};
  ASSERT_TRUE(submit(input("two")).ok());
  const std::vector<Event> events = until("task_started");
  ASSERT_EQ(types(events), (std::vector<std::string>{"session_configured", "task_started"}));
  const auto& now = std::get<protocol::SessionConfigured>(events[0].msg);
  EXPECT_EQ(now.approval_policy, protocol::ApprovalPolicy::kUntrusted);
  EXPECT_EQ(now.allow_hosts, std::vector<std::string>{"example.org"});
  EXPECT_EQ(now.network, protocol::NetworkMode::kProxy) << "a client chose it";
  EXPECT_EQ(std::get<protocol::TaskStarted>(events[1].msg).budget.turns, 1);
  until("task_complete");

  ASSERT_TRUE(submit(protocol::ConfigureSession{.approval_policy = protocol::ApprovalPolicy::kNever}).ok());
  until("session_configured");
  settings.approval_policy = protocol::ApprovalPolicy::kOnRequest;
  ASSERT_TRUE(submit(input("three")).ok());
  EXPECT_EQ(types(until("task_started")), std::vector<std::string>{"task_started"});
  until("task_complete");
  EXPECT_EQ(engine_->find_live(session)->state().config->approval_policy, protocol::ApprovalPolicy::kNever);
}

TEST_F(SessionOpsTest, ContextAndMentionsWaitForTheNextInput) {
  const std::string session = configure();
  ASSERT_TRUE(submit(protocol::AddContext{.text = "int a;", .path = "src/a.c"}).ok());
  ASSERT_TRUE(submit(protocol::AddContext{.text = "plain", .path = {}}).ok());
  ASSERT_TRUE(submit(protocol::Mention{.path = "b.c", .line_start = 3, .line_end = 9}).ok());
  ASSERT_TRUE(submit(protocol::Mention{.path = "c.c"}).ok());
  const std::vector<std::string> expected{"From src/a.c:\nint a;", "plain", "The user points at b.c, lines 3 to 9.",
                                          "The user points at c.c."};
  EXPECT_EQ(context(session), expected);
  EXPECT_FALSE(engine_->find_live(session)->running());
  reopen();
  ASSERT_TRUE(submit(input("look"), session).ok());
  EXPECT_EQ(context(session), expected);
  ASSERT_TRUE(submit(protocol::Interrupt{}, session).ok());
}

TEST_F(SessionOpsTest, EachKindOfQuestionHasAnOpOfItsOwn) {
  configure({.approval_policy = protocol::ApprovalPolicy::kUntrusted});
  behaviour_ = [](ports::TaskHost* host, ports::TaskRequest, CancelToken cancel) -> Async<TaskEnd> {
    (void)co_await host->record(protocol::ToolCalls{.calls = {{"call_1", "apply_patch", "{}"}}});
    ports::Action action;
    action.kind = ports::Action::Kind::kFileChange;
    action.call_id = "call_1";
    action.tool = "apply_patch";
    action.changes = {{.path = "a.txt", .kind = protocol::ChangeKind::kAdd}};
    const auto answer = co_await host->gate(action, cancel);
    if (!answer.ok()) co_return TaskEnd{.kind = TaskEnd::Kind::kAborted};
    const bool run = answer->verdict == ports::GateAnswer::Verdict::kRun;
    (void)co_await host->record(protocol::PatchApplyEnd{.call_id = "call_1"});
    co_return done(run ? "patched" : "not patched: " + answer->note);
  };
  const auto patched = [&](protocol::Decision decision, std::string note) {
    EXPECT_TRUE(submit(input("patch it")).ok());
    const auto asked = std::get<protocol::ApplyPatchApprovalRequest>(until("apply_patch_approval_request").back().msg);
    EXPECT_EQ(asked.changes.at(0).path, "a.txt");
    EXPECT_TRUE(submit(protocol::PatchApproval{.id = asked.id, .decision = decision, .note = std::move(note)}).ok());
    EXPECT_FALSE(submit(protocol::PatchApproval{.id = asked.id, .decision = decision}).ok());
    return std::get<protocol::TaskComplete>(until("task_complete").back().msg).last_agent_message;
  };
  EXPECT_EQ(patched(protocol::Decision::kDenied, "not there"), "not patched: not there");
  EXPECT_EQ(patched(protocol::Decision::kApproved, ""), "patched");

  behaviour_ = ask_to_run;
  ASSERT_TRUE(submit(input("run it")).ok());
  const auto asked = std::get<protocol::ExecApprovalRequest>(until("exec_approval_request").back().msg);
  ASSERT_TRUE(submit(protocol::ExecApproval{.id = asked.id, .decision = protocol::Decision::kApproved}).ok());
  EXPECT_EQ(std::get<protocol::TaskComplete>(until("task_complete").back().msg).last_agent_message, "ran");
}

TEST_F(SessionOpsTest, TasksAreTakenBackAsAPersonCountsThem) {
  const std::string session = configure();
  const auto do_one = [this](protocol::Op op) {
    ASSERT_TRUE(submit(std::move(op)).ok());
    until("task_complete");
  };
  EXPECT_EQ(submit(protocol::Rollback{.to = {.tasks = 1}}).error().message, "there is no Task to take back");
  do_one(input("one"));
  do_one(input("two"));
  do_one(protocol::Compact{});
  const base::Error refused = submit(protocol::Rollback{.to = {.tasks = 99}}).error();
  EXPECT_EQ(refused.text(), "99 Tasks cannot be taken back: the conversation has 2 (--tasks 2 takes back all of it)");
  EXPECT_EQ(submit(protocol::Rollback{.to = {.tasks = 3}}).error().code, base::codes::kInvalid);
  ASSERT_TRUE(submit(protocol::Rollback{.to = {.tasks = 1}}).ok());
  const ports::SessionState& state = engine_->find_live(session)->state();
  EXPECT_EQ(state.conversation.entries.size(), 2U) << "\"two\" went with the compaction after it";
  ASSERT_TRUE(submit(protocol::Rollback{.to = {.tasks = 1}}).ok());
  EXPECT_TRUE(state.conversation.entries.empty());
}

TEST_F(SessionOpsTest, AnArchivedSessionIsHiddenAndStaysWhole) {
  const std::string session = configure();
  ASSERT_TRUE(submit(input("hi")).ok());
  until("task_complete");
  ASSERT_TRUE(call(protocol::SessionArchive{.session = session, .archived = true}).ok());
  EXPECT_EQ(listed(false), std::vector<std::string>{});
  EXPECT_EQ(listed(true), std::vector<std::string>{session});
  EXPECT_EQ(call(protocol::SessionGet{.session = "last"}).error().code, base::codes::kNotFound);
  reopen_as_after_a_crash();  // with an index that is made anew
  EXPECT_EQ(listed(false), std::vector<std::string>{});
  EXPECT_TRUE(call(protocol::SessionGet{.session = session})->session.archived);
  ASSERT_TRUE(submit(input("more"), session).ok());
  EXPECT_EQ(engine_->find_live(session)->state().tasks, 2);
  ASSERT_TRUE(submit(protocol::Interrupt{}, session).ok());
  ASSERT_TRUE(call(protocol::SessionArchive{.session = session, .archived = false}).ok());
  EXPECT_EQ(listed(false), std::vector<std::string>{session});
  EXPECT_EQ(
      call(protocol::SessionArchive{.session = "01935a6e-7c00-7abc-8def-0123456789ab", .archived = true}).error().code,
      base::codes::kNotFound);
}

TEST_F(SessionOpsTest, TagsAndLooksStayOverACrash) {
  const std::string session = configure();
  ASSERT_TRUE(submit(input("hi")).ok());
  until("task_complete");
  EXPECT_TRUE(call(protocol::SessionGet{.session = session})->session.unread);
  ASSERT_TRUE(call(protocol::SessionTag{.session = session, .add = {"todo"}}).ok());
  ASSERT_TRUE(call(protocol::SessionMarkRead{.session = session}).ok());
  reopen_as_after_a_crash();  // with an index that is made anew
  const protocol::SessionInfo info = call(protocol::SessionGet{.session = session})->session;
  EXPECT_EQ(info.tags, std::vector<std::string>{"todo"});
  EXPECT_FALSE(info.unread);
}

TEST_F(SessionOpsTest, ASessionThatIsAtWorkIsNotArchived) {
  const std::string session = configure();
  behaviour_ = wait_forever;
  ASSERT_TRUE(submit(input("hi")).ok());
  until("agent_message_delta");
  const auto refused = call(protocol::SessionArchive{.session = session, .archived = true});
  EXPECT_EQ(refused.error().code, base::codes::kLocked);
  EXPECT_EQ(listed(false), std::vector<std::string>{session});
  ASSERT_TRUE(submit(protocol::Interrupt{}).ok());
}

}  // namespace
}  // namespace lathe::engine
