#include "samples.h"

namespace lathe::golden {

using namespace protocol;

namespace {

const Usage kUsage{.input_tokens = 5'120,
                   .cached_input_tokens = 4'096,
                   .cache_write_tokens = 512,
                   .output_tokens = 230,
                   .reasoning_tokens = 64};

std::vector<EventMsg> conversation_events() {
  const base::Json opaque{{"signature", "EqQB"}};
  return {
      SessionConfigured{.session_id = kSession,
                        .model = "claude-sonnet-5-5",
                        .backend = "anthropic",
                        .provider = "anthropic",
                        .cwd = "/home/ada/calc",
                        .approval_policy = ApprovalPolicy::kNever,
                        .ask = AskMode::kDeny,
                        .budget = Budget{.turns = 200},
                        .system_prompt = "You work on code.",
                        .fallback_models = {"openai/gpt-5"},
                        .title = "Fix the sum",
                        .sandbox = "none",
                        .driver = "native",
                        .replayed = true},
      ForkedFrom{.session_id = kParent, .seq = 41, .response_id = "r-3f2a"},
      TaskStarted{.task = kTask, .context_window = 1'000'000},
      UserMessage{.item = "i-1",
                  .content = {TextPart{"Why does the test fail?"},
                              ImagePart{.blob = std::string(64, 'a'), .media_type = "image/png"}},
                  .steer = true},
      ContextAdded{.item = "i-2", .kind = ContextKind::kProjectDocs, .text = "# AGENTS.md\nUse ninja."},
      AgentMessage{.item = "i-3", .text = "The sum starts at 1 — *off by one*.", .status = ItemStatus::kIncomplete},
      AgentMessageDelta{.item = "i-3", .offset = 8, .text = "starts"},
      AgentReasoning{.item = "i-4", .text = "Look at calc.cc first.", .provider = "anthropic", .opaque = opaque},
      AgentReasoningDelta{.item = "i-4", .offset = 0, .text = "Look"},
      ItemReset{.item = "i-3"},
      ToolCalls{.calls = {ToolCall{.call_id = "c-1", .tool = "shell", .arguments = R"({"command":["ctest"]})"},
                          ToolCall{.call_id = "c-2", .tool = "read_file", .arguments = R"({"path":"calc.cc")"}},
                .provider_response_id = "msg_01",
                .model = "anthropic/claude-sonnet-5-5",
                .usage = kUsage,
                .cost_micro_usd = 4'630,
                .finish_reason = "tool_calls"},
      UserQuestion{.id = "q-4", .call_id = "c-6", .questions = {Question{.question = "Which?", .options = {"a", "b"}}}},
      UserQuestionAnswered{.id = "q-4", .call_id = "c-6", .answers = {"a"}, .by = "lathe-tui"},
      PlanUpdate{.explanation = "found it",
                 .plan = {PlanStep{.step = "read", .status = PlanStatus::kCompleted, .id = "r"},
                          PlanStep{.step = "fix", .status = PlanStatus::kInProgress, .depends_on = {"r"}},
                          PlanStep{.step = "test"}}},
      Compacted{.item = "i-9",
                .summary = "The bug is in sum().",
                .keep_from_seq = 30,
                .tokens_before = 90'000,
                .tokens_after = 12'000,
                .usage = kUsage,
                .cost_micro_usd = 900},
  };
}

std::vector<EventMsg> tool_events() {
  const std::vector<FileChange> changes{
      FileChange{.path = "calc.cc", .kind = ChangeKind::kUpdate, .diff = "--- a/calc.cc\n+++ b/calc.cc\n"},
      FileChange{.path = "old.cc", .kind = ChangeKind::kMove, .move_path = "new.cc"}};
  const CallOutcome outcome{.status = CallStatus::kFailed,
                            .output = "1 test failed\n",
                            .output_blob = std::string(64, 'b'),
                            .output_bytes = 1'048'576,
                            .duration_ms = 85,
                            .images = {ImagePart{.blob = std::string(64, 'c'), .media_type = "image/gif"}}};
  return {
      ExecCommandBegin{.call_id = "c-1", .command = {"bash", "-lc", "ctest"}, .cwd = "/home/ada/calc"},
      ExecCommandOutputDelta{.call_id = "c-1", .offset = 0, .stream = OutputStream::kStderr, .text = "boom\n"},
      ExecCommandEnd{.call_id = "c-1", .exit_code = 137, .outcome = outcome},
      PatchApplyBegin{.call_id = "c-3", .changes = changes},
      PatchApplyEnd{.call_id = "c-3", .outcome = {.status = CallStatus::kCompleted, .output = "Done."}},
      ToolCallBegin{.call_id = "c-2", .tool = "read_file", .title = "calc.cc"},
      ToolCallEnd{
          .call_id = "c-2", .tool = "read_file", .outcome = {.status = CallStatus::kInterrupted, .output = "?"}},
      ExecApprovalRequest{.id = "q-2",
                          .call_id = "c-4",
                          .command = {"rm", "-r", "build"},
                          .cwd = "/home/ada/calc",
                          .input = "y\n",
                          .terminal = true,
                          .background = true,
                          .timeout_ms = 120'000,
                          .environment = {"CC=clang"},
                          .files = {BoundFile{.path = "/home/ada/calc/build.sh", .sha256 = std::string(64, '0')}},
                          .reason = "a clean build",
                          .rule = "approval-policy untrusted"},
      ApplyPatchApprovalRequest{
          .id = "q-3",
          .call_id = "c-3",
          .changes = changes,
          .cwd = "/home/ada/calc",
          .paths = {"/home/ada/calc/calc.cc", "/home/ada/calc/src/old.cc", "/home/ada/calc/new.cc"},
          .reason = "fix",
          .rule = "untrusted"},
      ApprovalRequest{.id = "q-1",
                      .call_id = "c-5",
                      .tool = "fetch",
                      .arguments = "{}",
                      .paths = {"/data/docs"},
                      .reason = "docs",
                      .rule = "network"},
      ApprovalResolved{.id = "q-2",
                       .call_id = "c-4",
                       .decision = Decision::kApprovedForSession,
                       .by = "lathe-exec",
                       .note = "go on",
                       .amended_input = base::Json{{"command", {"rm", "-r", "build/x"}}}},
  };
}

std::vector<EventMsg> task_events() {
  return {
      TurnComplete{.response_id = "r-3f2a",
                   .provider_response_id = "msg_01",
                   .model = "anthropic/claude-sonnet-5-5",
                   .usage = kUsage,
                   .cost_micro_usd = 4'630,
                   .finish_reason = "stop"},
      TurnAborted{.reason = AbortReason::kBudget, .detail = "turns: 20 of 20"},
      TurnDiff{.unified_diff = "--- a/calc.cc\n+++ b/calc.cc\n@@ -1 +1 @@\n-int s = 1;\n+int s = 0;\n"},
      TaskParked{.questions = {"q-2"}, .active_ms = 1'234},
      TaskResumed{.task = kTask},
      TaskComplete{.task = kTask,
                   .last_agent_message = "Fixed.",
                   .usage = kUsage,
                   .cost_micro_usd = 9'260,
                   .turns = 4,
                   .tool_calls = 6,
                   .duration_ms = 12'345},
      TokenCount{.total = kUsage, .last = kUsage, .context_tokens = 5'350, .context_window = 1'000'000},
      BudgetStatus{.kind = "tokens", .used = 400'000, .limit = 500'000},
      StreamError{.message = "the stream ended early", .code = "stream_error", .attempt = 1, .of = 5, .wait_ms = 200},
      SessionUpdated{.model = "gpt-5", .backend = "openai", .provider = "openai_responses", .title = "Sum"},
      RolledBack{.to_seq = 12, .response_id = "r-1", .tasks = 1},
      Warning{.code = "wire_switched", .message = "the server has no Responses API; Chat Completions is used"},
      ErrorEvent{.code = "rate_limit", .message = "429", .hint = "wait a minute", .retryable = true, .ends_task = true},
      Lagged{.last_seq = 77},
      ShutdownComplete{},
  };
}

SessionInfo session_info() {
  return {.session_id = kSession,
          .title = "Fix the sum",
          .cwd = "/home/ada/calc",
          .model = "gpt-5",
          .backend = "openai",
          .state = SessionState::kParked,
          .created_at = 1'795'166'000'000,
          .updated_at = 1'795'166'076'124,
          .tasks = 2,
          .last_seq = 77,
          .usage = kUsage,
          .cost_micro_usd = 9'260,
          .forked_from = kParent,
          .archived = true,
          .replayed = true,
          .tags = {"calc", "todo"},
          .unread = true};
}

std::vector<EventMsg> containment_events() {
  return {
      JobEnd{.job = "job-1",
             .call_id = "c-1",
             .state = JobState::kKilled,
             .exit_code = 137,
             .tail = "listening\n",
             .output_blob = std::string(64, 'b'),
             .output_bytes = 10},
      AgentStarted{.session = kParent, .call_id = "c-2", .agent = "reviewer", .background = true},
      AgentEnded{.session = kParent,
                 .call_id = "c-2",
                 .status = CallStatus::kFailed,
                 .last_agent_message = "no finding",
                 .usage = kUsage,
                 .cost_micro_usd = 12,
                 .turns = 3,
                 .tool_calls = 5},
      NetworkDecision{.host = "example.com",
                      .port = 443,
                      .address = "203.0.113.7",
                      .allowed = true,
                      .rule = "allow-hosts: *.example.com"},
      WorkspaceSnapshot{.snapshot = "s-1", .task = "t-1", .files = 12, .not_covered = {"build/"}},
      FilesRestored{.to = "t-1", .restored = {"a.cc"}, .removed = {"b.cc"}, .conflicts = {"c.cc"}},
  };
}

}  // namespace

std::vector<ServerFrame> event_samples() {
  std::vector<ServerFrame> frames;
  std::int64_t seq = 0;
  const std::vector<EventMsg> watch{SessionChanged{.session = session_info(), .open_questions = {"q-2"}, .gone = true}};
  for (const auto& group : {conversation_events(), tool_events(), task_events(), containment_events(), watch}) {
    for (const EventMsg& msg : group) {
      Event event{.session = kSession, .seq = std::nullopt, .id = "7", .by = "", .ts = 1'795'166'076'124, .msg = msg};
      if (is_durable(msg)) event.seq = ++seq;
      if (std::holds_alternative<UserMessage>(msg)) event.by = "lathe-tui/7";
      frames.emplace_back(std::move(event));
    }
  }
  return frames;
}

std::vector<ServerFrame> answer_samples() {
  const SessionInfo info = session_info();
  const std::vector<ReplyMsg> replies{
      OkReply{},
      HelloReply{.version = "0.1.0", .features = {"watch"}},
      SessionListReply{.sessions = {info}, .next_cursor = "20"},
      SessionGetReply{.session = info,
                      .open_questions = {"q-2"},
                      .folder = "/home/ada/.local/state/lathe/sessions/s",
                      .journal = "/home/ada/.local/state/lathe/sessions/s/journal.ndjson"},
      SessionSubscribeReply{.last_seq = 77, .state = SessionState::kRunning},
      SessionForkReply{.session = kSession},
      SessionTagReply{.tags = {"needs-review", "todo"}},
      SessionSearchReply{.hits = {SearchHit{.session_id = kSession,
                                            .seq = 12,
                                            .title = "Fix the sum",
                                            .type = "agent_message",
                                            .snippet = "an «off by one»",
                                            .ts = 1'795'166'076'124}}},
      SessionExportReply{.records = {R"({"v":1})"}, .next = 1000},
      ApprovalListReply{.questions = {OpenQuestion{.id = "q-2",
                                                   .session_id = kSession,
                                                   .kind = "exec_approval_request",
                                                   .what = "rm -r build",
                                                   .reason = "a clean build",
                                                   .rule = "command rm: ask (rules.yaml:3)",
                                                   .asked_at = 1'795'166'076'124,
                                                   .expires_at = 1'795'166'676'124}}},
      ApprovalAnswerReply{.session = kSession, .resumed = true},
      ModelListReply{.models = {ModelInfo{.backend = "openai",
                                          .model = "gpt-5",
                                          .context_window = 400'000,
                                          .input_micro_usd_per_mtok = 1'250'000,
                                          .output_micro_usd_per_mtok = 10'000'000,
                                          .is_default = true}},
                     .problems = {"lab: no answer"}},
      BackendListReply{.backends = {BackendInfo{.name = "openai",
                                                .type = "openai",
                                                .provider = "openai_responses",
                                                .url = "https://api.openai.com/v1",
                                                .key_source = "OPENAI_API_KEY",
                                                .origin = "environment",
                                                .is_default = true}}},
      BackendTestReply{.model = "gpt-5", .models = 40, .latency_ms = 120, .answer = "ok"},
      UsageReply{.rows = {UsageRow{.key = "2026-11-20", .usage = kUsage, .cost_micro_usd = 9'260, .tasks = 2}}},
      IndexRebuildReply{.sessions = 3, .records = 400, .problems = {"s.ndjson: line 7 is torn"}},
      UndoReply{.to = "t-1",
                .restored = {"a.cc"},
                .removed = {"b.cc"},
                .conflicts = {"c.cc"},
                .not_covered = {"build/"},
                .done = true},
      PolicyExplainReply{.decision = "deny",
                         .rule = "command: [mkfs]",
                         .source = "/home/ada/rules.yaml:3",
                         .reason = "formats a disk",
                         .commands = {"mkfs.ext4 /dev/sda"},
                         .warnings = {"p.yaml is not trusted"}},
      PolicyTestReply{.rules = 2, .examples = 3, .failures = {"rules.yaml:7: \"ls\" should match"}},
      ChainCheckReply{.findings = {{.id = "unknown-goto",
                                    .severity = FindingSeverity::kWarning,
                                    .line = 7,
                                    .column = 13,
                                    .message = "there is no task \"reveiw\"",
                                    .hint = "did you mean \"review\"?"}},
                      .bounds = {{.chain = "review", .text = "steps: 12\n"}}},
      ChainShowReply{.text = "start -> review -> end\n"},
      ChainSchemaReply{.schema = base::Json{{"type", "object"}}},
      TrustListReply{.root = "/home/ada/calc",
                     .items = {{.path = ".lathe/config.yaml",
                                .kind = "config",
                                .sha256 = std::string(64, 'a'),
                                .trusted = false,
                                .changed = true}}},
      DaemonHandOverReply{.state = "{}", .listen = "127.0.0.1:8090"},
      VitalsReply{.process = {.uptime_ms = 60'000,
                              .cpu_ms = 1'200,
                              .memory_bytes = 18'000'000,
                              .open_files = 40,
                              .disk_free_bytes = 5'000'000'000,
                              .disk_size_bytes = 9'000'000'000},
                  .sessions = {.idle = 3, .running = 1, .parked = 1, .interrupted = 1, .damaged = 1},
                  .open_sessions = 2,
                  .open_questions = 1,
                  .keepers = 1,
                  .clients = 2,
                  .queues = {.events = 4, .bytes = 900, .deepest_bytes = 800, .lagging = 1},
                  .longest_block_us = 4'100,
                  .long_blocks = 1},
      DaemonStatusReply{.version = "0.1.0", .clients = 2, .sessions = {info}, .listen = "127.0.0.1:8090"},
  };
  std::vector<ServerFrame> frames;
  for (const ReplyMsg& reply : replies) frames.emplace_back(ReplyFrame{.id = "8", .reply = reply});
  frames.emplace_back(Ack{.id = "7", .seq = 3, .session = kSession});
  frames.emplace_back(ErrorFrame{
      .id = "7",
      .error = {
          .code = "unknown_op", .message = "op: unknown type \"user_inptu\"", .hint = "did you mean \"user_input\"?"}});
  return frames;
}

}  // namespace lathe::golden
