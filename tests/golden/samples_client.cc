#include "samples.h"

namespace lathe::golden {

using namespace protocol;

std::vector<ClientFrame> op_samples() {
  const base::Json schema{{"type", "object"}, {"required", {"answer"}}};
  const std::vector<Op> ops{
      ConfigureSession{
          .model = "claude-sonnet-5-5",
          .backend = "anthropic",
          .cwd = "/home/ada/calc",
          .approval_policy = ApprovalPolicy::kUntrusted,
          .ask = AskMode::kWait,
          .budget = Budget{.turns = 20, .tool_calls = 0, .tokens = 500'000, .micro_usd = 2'500'000, .millis = 600'000},
          .instructions = "Answer in one line.",
          .fallback_models = {"openai/gpt-5", "qwen3:8b"},
          .title = "Fix the sum",
          .sandbox_mode = SandboxMode::kReadOnly,
          .network = NetworkMode::kProxy,
          .allow_hosts = std::vector<std::string>{"*.example.com"}},
      UserInput{.items = {TextPart{"Why does the test fail? \"sum\" → 3\n"}, ImagePart{.path = "shot.png"},
                          ImagePart{.image_url = "https://example.com/a.png", .media_type = "image/png"}},
                .if_busy = IfBusy::kSteer,
                .last_response_id = "r-3f2a",
                .output_schema = schema,
                .budget = Budget{.turns = 3}},
      Interrupt{},
      Approval{
          .id = "q-1", .decision = Decision::kApprovedAlways, .note = "fine", .amended_input = base::Json{{"a", 1}}},
      ExecApproval{.id = "q-2", .decision = Decision::kApproved},
      PatchApproval{.id = "q-3", .decision = Decision::kDenied, .note = "not this file"},
      UserAnswer{.id = "q-4", .answers = {"yes", ""}},
      AddContext{.text = "int add(int a, int b);", .path = "calc.h"},
      Mention{.path = "calc.cc", .line_start = 3, .line_end = 9},
      TerminalInput{.job = "job-1", .text = "make test\n"},
      TerminalResize{.job = "job-1", .columns = 120, .rows = 40},
      SetModel{.model = "gpt-5", .backend = "openai"},
      Compact{},
      Rollback{.to = {.response_id = "", .tasks = 2}, .files = RollbackFiles::kRestore},
      Shutdown{},
  };
  std::vector<ClientFrame> frames;
  for (const Op& op : ops) frames.emplace_back(Submission{.id = "7", .session = kSession, .op = op});
  return frames;
}

std::vector<ClientFrame> call_samples() {
  const std::vector<Call> calls{
      Hello{.client = "lathe-tui",
            .client_id = "c-9d",
            .features = {"watch"},
            .token = "t0k3n",
            .environment = {"PATH=/usr/bin:/bin"},
            .relayed = true,
            .process = {"umask=027", "nofile=1024:-"}},
      SessionList{
          .limit = 20, .cursor = "20", .cwd = "/home/ada/calc", .archived = true, .tag = "todo", .unread = true},
      SessionGet{.session = "last"},
      SessionSubscribe{.session = kSession, .since = -1},
      SessionUnsubscribe{.session = kSession},
      SessionClaim{.session = kSession, .release = true},
      SessionFork{.session = kParent, .response_id = "r-3f2a"},
      SessionArchive{.session = kSession, .archived = false},
      SessionTag{.session = kSession, .add = {"todo"}, .remove = {"later"}},
      SessionMarkRead{.session = kSession, .seq = 77, .unread = true},
      SessionRemove{.session = kSession},
      SessionSearch{.query = "\"off by one\"", .limit = 0},
      SessionExport{.session = kSession, .since = 1000, .limit = 500},
      ApprovalList{},
      ApprovalAnswer{.id = "q-1",
                     .decision = Decision::kApproved,
                     .note = "go",
                     .answers = {"a"},
                     .resume = false,
                     .budget = Budget{.turns = 3}},
      ModelList{.backend = "openai"},
      BackendList{},
      BackendTest{.backend = "lab", .model = "qwen3:8b", .ask_model = true},
      UsageCall{.by = "model", .since = "2026-11-01"},
      IndexRebuild{},
      Undo{.session = kSession, .task = "t-1", .response_id = "r-1", .dry_run = true},
      PolicyExplain{.command = "rm -rf /",
                    .tool = "shell",
                    .arguments = base::Json{{"command", "ls"}},
                    .policy_file = "/home/ada/rules.yaml",
                    .cwd = "/home/ada/calc",
                    .approval_policy = ApprovalPolicy::kNever,
                    .sandbox_mode = SandboxMode::kReadOnly},
      PolicyTest{.policy_file = "/home/ada/rules.yaml"},
      ChainCheck{.file = "review.yaml", .text = "tasks: []\n", .strict = true, .variables = {"branch"}},
      ChainShow{.file = "review.yaml", .text = "id: review\n", .chain = "review", .form = ChainForm::kSvg},
      ChainSchema{},
      TrustList{.path = "/home/ada/calc"},
      TrustSet{.path = "/home/ada/calc", .sha256 = {std::string(64, 'a')}, .trusted = false},
      DaemonStatus{},
      DaemonReload{},
      DaemonStop{.if_unused = true},
      DaemonHandOver{},
      Vitals{},
      Watch{.archived = true},
  };
  std::vector<ClientFrame> frames;
  for (const Call& call : calls) frames.emplace_back(CallFrame{.id = "8", .call = call});
  return frames;
}

}  // namespace lathe::golden
