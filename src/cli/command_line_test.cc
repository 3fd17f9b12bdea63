#include "lathe/cli/command_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "lathe/base/strings.h"
#include "lathe/cli/command_tree.h"

namespace lathe::cli {
namespace {

using protocol::ApprovalPolicy;
using protocol::Decision;

template <class T>
T options_of(std::vector<std::string> args) {
  auto parsed = parse(std::move(args), "1.2.3");
  EXPECT_TRUE(parsed.ok()) << (parsed.ok() ? "" : parsed.error().text());
  if (!parsed.ok() || !std::holds_alternative<T>(parsed->options)) {
    ADD_FAILURE() << "another command";
    return T{};
  }
  return std::get<T>(parsed->options);
}

std::string error_of(std::vector<std::string> args) {
  auto parsed = parse(std::move(args), "1.2.3");
  return parsed.ok() ? "no error" : parsed.error().text();
}

TEST(CommandLine, ExecTakesEveryOption) {
  const auto exec = options_of<ExecOptions>({"exec",
                                             "--json=codex",
                                             "-m",
                                             "big",
                                             "--backend",
                                             "b",
                                             "-C",
                                             "/x",
                                             "--output-schema",
                                             "s.json",
                                             "-o",
                                             "out.txt",
                                             "--resume",
                                             "abc",
                                             "--fork",
                                             "--max-turns",
                                             "0",
                                             "--max-tool-calls",
                                             "7",
                                             "--max-tokens",
                                             "900",
                                             "--max-usd",
                                             "0.25",
                                             "--timeout",
                                             "1h30m",
                                             "--image",
                                             "a.png",
                                             "--image",
                                             "b.png",
                                             "--ask",
                                             "wait",
                                             "--approval-policy",
                                             "untrusted",
                                             "--replay",
                                             "c.jsonl",
                                             "--replay-mode",
                                             "all",
                                             "--fallback",
                                             "small",
                                             "fix",
                                             "it"});
  ExecOptions expected;
  expected.prompt = {"fix", "it"};
  expected.resume = "abc";
  expected.fork = true;
  expected.task.model = "big";
  expected.task.backend = "b";
  expected.task.cwd = "/x";
  expected.task.json = JsonMode::kCodex;
  expected.task.ask = Ask::kWait;
  expected.task.approval_policy = ApprovalPolicy::kUntrusted;
  expected.task.budget = {.turns = 0, .tool_calls = 7, .tokens = 900, .micro_usd = 250'000};
  expected.task.timeout = std::chrono::minutes(90);
  expected.task.output_schema = "s.json";
  expected.task.output_last_message = "out.txt";
  expected.task.images = {"a.png", "b.png"};
  expected.task.fallback_models = {"small"};
  expected.task.replay = "c.jsonl";
  expected.task.replay_mode = ReplayMode::kAll;
  EXPECT_EQ(exec, expected);
}

TEST(CommandLine, JsonDoesNotTakeThePromptBehindIt) {
  const auto exec = options_of<ExecOptions>({"exec", "--json", "fix it"});
  EXPECT_EQ(exec.task.json, JsonMode::kFrames);
  EXPECT_EQ(exec.prompt, std::vector<std::string>{"fix it"});
}

TEST(CommandLine, DashIsAPromptWordAndDoubleDashEndsOptions) {
  EXPECT_EQ(options_of<ExecOptions>({"exec", "sum up", "-"}).prompt, (std::vector<std::string>{"sum up", "-"}));
  EXPECT_EQ(options_of<ExecOptions>({"exec", "--", "--help me"}).prompt, std::vector<std::string>{"--help me"});
}

TEST(CommandLine, APromptWithASpaceNeedsNoCommand) {
  EXPECT_EQ(options_of<ExecOptions>({"why does it fail?"}).prompt, std::vector<std::string>{"why does it fail?"});
  const auto limited = options_of<ExecOptions>({"why does it fail?", "--max-turns", "3"});
  EXPECT_EQ(limited.prompt, std::vector<std::string>{"why does it fail?"});
  EXPECT_EQ(limited.task.budget.turns, 3);
}

TEST(CommandLine, TagsAreNamedOneByOne) {
  const auto options =
      options_of<SessionTagOptions>({"session", "tag", "last", "--add", "todo", "--add", "v2", "--remove", "later"});
  EXPECT_EQ(options, (SessionTagOptions{.session = "last", .add = {"todo", "v2"}, .remove = {"later"}}));
  EXPECT_THAT(error_of({"session", "tag", "last", "--add", "todo", "v2"}), testing::HasSubstr("v2"));
}

TEST(CommandLine, AMistypedCommandIsNeverAPrompt) {
  EXPECT_EQ(error_of({"exce"}), "there is no command \"exce\" (did you mean \"exec\"? as a prompt: lathe exec exce)");
  EXPECT_EQ(error_of({"sesion", "list"}),
            "there is no command \"sesion\" (did you mean \"session\"? as a prompt: lathe exec 'sesion list')");
  EXPECT_EQ(error_of({"sesion", "list", "--json"}), "there is no command \"sesion\" (did you mean \"session\"?)");
  EXPECT_EQ(error_of({"session", "lst"}), "session: there is no command \"lst\" (did you mean \"list\"?)");
}

TEST(CommandLine, ErrorsNameTheArgument) {
  EXPECT_EQ(error_of({"exec", "--modle", "x", "hi"}), "exec: there is no option --modle (did you mean \"--model\"?)");
  EXPECT_THAT(error_of({"exec", "--timeout", "5", "hi"}), testing::HasSubstr("--timeout"));
  EXPECT_THAT(error_of({"exec", "--max-turns", "-1", "hi"}), testing::HasSubstr("\"-1\" is not a whole number"));
  EXPECT_THAT(error_of({"exec", "--max-usd", "cheap", "hi"}), testing::HasSubstr("\"cheap\" is not an amount"));
  EXPECT_THAT(error_of({"exec", "--ask", "wiat", "hi"}), testing::HasSubstr("did you mean \"wait\"?"));
  EXPECT_THAT(error_of({"exec", "--json=xml", "hi"}), testing::HasSubstr("\"xml\" is not one of frames, codex"));
  EXPECT_THAT(error_of({"sandbox", "run", "--mode", "bogus", "--", "true"}),
              testing::HasSubstr("\"bogus\" is not one of read-only"));
  EXPECT_THAT(error_of({"sandbox", "run", "--level", "bogus", "--", "true"}),
              testing::HasSubstr("\"bogus\" is not one of full"));
  EXPECT_THAT(error_of({"sandbox", "run", "--"}), testing::HasSubstr("command"));
  EXPECT_THAT(error_of({"exec", "--fork", "hi"}), testing::HasSubstr("--fork needs"));
  EXPECT_THAT(error_of({"exec", "--last", "--resume", "x", "hi"}), testing::HasSubstr("excludes"));
  EXPECT_EQ(error_of({"session"}),
            "session: a command is missing (one of: list, show, resume, fork, rollback, search, export, archive, tag, "
            "mark-read, rm)");
  for (const std::vector<std::string>& words :
       std::vector<std::vector<std::string>>{{"session", "list", "--limit"},
                                             {"session", "rollback", "x", "--tasks"},
                                             {"session", "search", "w", "--limit"}}) {
    std::vector<std::string> wrong = words;
    wrong.emplace_back("-1");
    EXPECT_THAT(error_of(wrong), testing::HasSubstr("\"-1\" is not a whole number from"));
  }
  EXPECT_THAT(error_of({"usage", "--by", "moon"}), testing::HasSubstr("\"moon\" is not one of"));
  EXPECT_THAT(error_of({"doctor", "now"}), testing::StartsWith("doctor: nothing takes \"now\""));
}

TEST(CommandLine, AnEmptyValueIsNeverAnOptionThatWasNotGiven) {
  const std::vector<std::vector<std::string>> wrong{
      {"exec", "--replay", "", "hi"},
      {"exec", "--record", "", "hi"},
      {"exec", "-o", "", "hi"},
      {"exec", "--output-schema", "", "hi"},
      {"exec", "--policy", "", "hi"},
      {"exec", "--last", "--from", "", "hi"},
      {"exec", "-C", "", "hi"},
      {"exec", "-m", "", "hi"},
      {"exec", "--backend", "", "hi"},
      {"exec", "--fallback", "", "hi"},
      {"exec", "--image", "", "hi"},
      {"exec", "--replay=", "hi"},
      {"exec", "--resume", "", "hi"},
      {"chat", "--model="},
      {"session", "fork", "last", "--at", ""},
      {"session", "show", ""},
      {"undo", "--task", ""},
      {"backend", "add", "b", "--type", "openai", "--url", ""},
      {"backend", "add", "b", "--type", "openai", "--api-key-env", ""},
      {"backend", "add", "", "--type", "openai"},
      {"policy", "explain", "ls", "--policy", ""},
      {"sandbox", "run", "--allow-host", "", "--", "ls"},
  };
  for (const std::vector<std::string>& args : wrong) {
    EXPECT_THAT(error_of(args), testing::HasSubstr("its value is empty")) << testing::PrintToString(args);
  }
  EXPECT_EQ(error_of({"exec", "--replay", "", "hi"}),
            "--replay: its value is empty; is a variable not set? (see lathe exec --help)");
}

TEST(CommandLine, WordsMayBeEmpty) {
  EXPECT_EQ(options_of<ConfigSetOptions>({"config", "set", "default-model", ""}).value, "");
  EXPECT_EQ(options_of<ApprovalAnswerOptions>({"approvals", "answer", "q1", "--deny", "--note", ""}).note, "");
  EXPECT_EQ(options_of<SandboxRunOptions>({"sandbox", "run", "--", "printf", "", "--x="}).argv,
            (std::vector<std::string>{"printf", "", "--x="}));
  EXPECT_EQ(options_of<SandboxRunOptions>({"sandbox", "run", "env", "--unset="}).argv,
            (std::vector<std::string>{"env", "--unset="}));
  EXPECT_EQ(options_of<ExecOptions>({"exec", "--", "--replay="}).prompt, std::vector<std::string>{"--replay="});
}

TEST(CommandLine, NoErrorNamesTheProgramThatIsNamedBeforeIt) {
  const std::vector<std::vector<std::string>> wrong{{"exce"},
                                                    {"--modle"},
                                                    {"session"},
                                                    {"session", "lst"},
                                                    {"session", "list", "--al"},
                                                    {"session", "rollback", "x"},
                                                    {"approvals", "answer", "q1"},
                                                    {"doctor", "now"},
                                                    {"help", "sesion"}};
  for (const std::vector<std::string>& args : wrong) {
    const std::string error = error_of(args);
    EXPECT_FALSE(error.starts_with("lathe")) << error;
  }
}

TEST(CommandLine, ApprovalAnswers) {
  const auto answer =
      options_of<ApprovalAnswerOptions>({"approvals", "answer", "q1", "--session", "--note", "ok", "--no-run"});
  EXPECT_EQ(answer.id, "q1");
  EXPECT_EQ(answer.decision, Decision::kApprovedForSession);
  EXPECT_EQ(answer.note, "ok");
  EXPECT_TRUE(answer.no_run);
  EXPECT_EQ(options_of<ApprovalAnswerOptions>({"approvals", "answer", "q1", "--answer", "a", "--answer", "b"}).answers,
            (std::vector<std::string>{"a", "b"}));
  EXPECT_THAT(error_of({"approvals", "answer", "q1"}), testing::HasSubstr("no answer was given"));
  EXPECT_THAT(error_of({"approvals", "answer", "q1", "--deny", "--answer", "x"}), testing::HasSubstr("give one"));
  EXPECT_EQ(options_of<ApprovalAnswerOptions>({"approvals", "answer", "q1", "--always", "--approve"}).decision,
            Decision::kApprovedAlways);
  for (const char* no : {"--deny", "--abort"}) {
    for (const char* other : {"--approve", "--session", "--always"}) {
      EXPECT_THAT(error_of({"approvals", "answer", "q1", other, no}), testing::HasSubstr("yes and no")) << other;
    }
  }
  EXPECT_THAT(error_of({"approvals", "answer", "q1", "--deny", "--abort"}), testing::HasSubstr("--abort"));
}

TEST(CommandLine, OtherCommands) {
  EXPECT_EQ(options_of<SessionListOptions>({"session", "list", "--limit", "5", "--all", "--json"}),
            (SessionListOptions{.limit = 5, .all = true, .json = true}));
  EXPECT_EQ(options_of<ExecOptions>({"session", "resume", "last", "go on"}).resume, "last");
  EXPECT_EQ(options_of<SessionExportOptions>({"session", "export", "x", "--format", "md"}).format,
            ExportFormat::kMarkdown);
  EXPECT_EQ(options_of<SessionRemoveOptions>({"session", "rm", "a", "b"}).sessions,
            (std::vector<std::string>{"a", "b"}));
  const auto add = options_of<BackendAddOptions>(
      {"backend", "add", "local", "--type", "vllm", "--url", "http://127.0.0.1:8000/v1", "--default"});
  EXPECT_EQ(add.backend.name, "local");
  EXPECT_EQ(add.backend.type, "vllm");
  EXPECT_TRUE(add.make_default);
  EXPECT_EQ(options_of<ConfigSetOptions>({"config", "set", "default-model", "m"}),
            (ConfigSetOptions{.key = "default-model", .value = "m"}));
  EXPECT_EQ(options_of<SchemaOptions>({"schema", "--typescript"}).format, SchemaFormat::kTypeScript);
  EXPECT_EQ(options_of<SchemaOptions>({"schema", "--openapi"}).format, SchemaFormat::kOpenApi);
}

TEST(CommandLine, EmbeddedIsForEveryCommandThatTouchesTheDataRoot) {
  EXPECT_TRUE(parse({"session", "list", "--embedded"}, "1.2.3")->embedded);
  EXPECT_FALSE(parse({"session", "list"}, "1.2.3")->embedded);
  EXPECT_TRUE(parse({"--embedded", "session", "list"}, "1.2.3")->embedded);
  EXPECT_TRUE(parse({"session", "--embedded", "list"}, "1.2.3")->embedded);
  const auto prompt = parse({"--embedded", "fix the test"}, "1.2.3");
  ASSERT_TRUE(prompt.ok());
  EXPECT_TRUE(prompt->embedded);
  EXPECT_EQ(std::get<ExecOptions>(prompt->options).prompt, std::vector<std::string>{"fix the test"});
  EXPECT_THAT(error_of({"--embedded", "session"}), testing::HasSubstr("a command is missing"));
  EXPECT_THAT(error_of({"--embedded", "daemon", "status"}), testing::HasSubstr("no option --embedded"));
  const std::set<std::string> without{"daemon", "schema", "completions", "man"};
  CommandTree tree("1.2.3");
  for (const CommandDoc& command : describe_commands(tree.app())) {
    if (!command.commands.empty()) continue;  // it only holds others
    const auto takes = std::ranges::count_if(command.options, [](const CommandDoc::Option& option) {
      return option.names == std::vector<std::string>{"--embedded"};
    });
    EXPECT_EQ(takes, without.contains(command.path.front()) ? 0 : 1) << base::join(command.path, " ");
  }
}

TEST(CommandLine, HelpVersionAndWhatIsMadeFromTheTree) {
  EXPECT_EQ(options_of<PrintOptions>({"--version"}).text, "lathe 1.2.3\n");
  EXPECT_THAT(options_of<PrintOptions>({}).text, testing::HasSubstr("exec"));
  EXPECT_THAT(options_of<PrintOptions>({"session", "fork", "--help"}).text,
              testing::AllOf(testing::HasSubstr("--at"), testing::HasSubstr("lathe session fork [OPTIONS]")));
  EXPECT_THAT(options_of<PrintOptions>({"backend", "add", "--help"}).text, testing::HasSubstr("compatible"));
  const std::string bash = options_of<PrintOptions>({"completions", "bash"}).text;
  EXPECT_THAT(bash, testing::HasSubstr("complete -o default -F _lathe lathe"));
  EXPECT_THAT(bash, testing::HasSubstr("--approval-policy"));
  EXPECT_THAT(bash, testing::HasSubstr("'exec --ask') words='deny wait tty'"));
  EXPECT_THAT(options_of<PrintOptions>({"completions", "fish"}).text, testing::HasSubstr("-l output-schema"));
  EXPECT_THAT(options_of<PrintOptions>({"completions", "zsh"}).text, testing::HasSubstr("#compdef lathe"));
  EXPECT_THAT(error_of({"completions", "tcsh"}), testing::HasSubstr("tcsh"));
}

TEST(CommandLine, EveryCommandHasAManualPage) {
  CommandTree tree("1.2.3");
  const std::string lathe = options_of<PrintOptions>({"man"}).text;
  std::string names;
  for (const std::string& name : man_pages(tree.app())) {
    names += name + "\n";
    EXPECT_THAT(lathe, testing::HasSubstr(".BR lathe\\-" + name + " (1)\n"));
    const std::string page = options_of<PrintOptions>({"man", name}).text;
    EXPECT_THAT(page, testing::HasSubstr(".SH NAME\nlathe\\-" + name + " \\- "));
  }
  EXPECT_EQ(options_of<PrintOptions>({"man", "--list"}).text, names);
  EXPECT_THAT(options_of<PrintOptions>({"man", "session"}).text, testing::HasSubstr(".SS lathe session export\n"));
  EXPECT_THAT(options_of<PrintOptions>({"man", "exec"}).text, testing::HasSubstr("\\-\\-output\\-schema"));
  EXPECT_THAT(error_of({"man", "sesion"}), testing::HasSubstr("sesion"));
}

}  // namespace
}  // namespace lathe::cli
