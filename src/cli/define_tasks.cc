#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <charconv>
#include <cmath>

#include "lathe/base/strings.h"
#include "lathe/cli/command_tree.h"

namespace lathe::cli {

namespace {

/// An option with one value that `set` reads; a wrong value is an error that names it.
void add_parsed(CLI::App* command, const std::string& name, const std::string& type, const std::string& doc,
                std::function<base::Result<void>(const std::string&)> set) {
  command
      ->add_option_function<std::string>(
          name,
          [name, set](const std::string& value) {
            if (auto read = set(value); !read.ok()) throw CLI::ValidationError(name, read.error().text());
          },
          doc)
      ->type_name(type);
}

template <class E>
void add_choice(CLI::App* command, const std::string& name, std::vector<std::pair<std::string, E>> choices,
                const std::string& doc, std::function<void(E)> set) {
  std::vector<std::string> names;
  for (const auto& [choice, value] : choices) names.push_back(choice);
  add_parsed(command, name, base::join(names, "|"), doc,
             [choices, names, set](const std::string& text) -> base::Result<void> {
               for (const auto& [choice, value] : choices) {
                 if (choice != text) continue;
                 set(value);
                 return {};
               }
               const std::string near = base::did_you_mean(text, names);
               return base::Error{.code = base::codes::kInvalid,
                                  .message = fmt::format("\"{}\" is not one of {}", text, base::join(names, ", ")),
                                  .hint = near};
             });
}

base::Result<std::int64_t> parse_count(const std::string& text, std::int64_t least = 0) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < least) {
    return base::Error{.code = base::codes::kInvalid,
                       .message = fmt::format("\"{}\" is not a whole number from {} on", text, least)};
  }
  return value;
}

base::Result<std::int64_t> parse_micro_usd(const std::string& text) {
  double usd = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), usd);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  if (!whole || !std::isfinite(usd) || usd < 0 || usd > 1e12) {
    return base::Error{.code = base::codes::kInvalid,
                       .message = fmt::format("\"{}\" is not an amount such as 0.50", text)};
  }
  return std::llround(usd * 1e6);
}

void add_count(CLI::App* command, const std::string& name, const std::string& doc, std::optional<std::int64_t>& into) {
  add_parsed(command, name, "N", doc, [&into](const std::string& text) -> base::Result<void> {
    TRY(into, parse_count(text));
    return {};
  });
}

void add_model_options(CLI::App* command, TaskOptions& task) {
  command->add_option("-m,--model", task.model, "Model, or backend/model")->type_name("MODEL");
  command->add_option("--backend", task.backend, "Configured backend")->type_name("NAME");
  command->add_option("--fallback", task.fallback_models, "Model to use when the first cannot be (repeatable)")
      ->type_name("MODEL")
      ->allow_extra_args(false);
}

void add_budget_options(CLI::App* command, TaskOptions& task) {
  add_count(command, "--max-turns", "Model requests at most (default 200)", task.budget.turns);
  add_count(command, "--max-tool-calls", "Tool calls at most (default 1000)", task.budget.tool_calls);
  add_count(command, "--max-tokens", "Input and output tokens at most", task.budget.tokens);
  add_parsed(command, "--max-usd", "USD", "Cost at most; refused when the model's price is unknown",
             [&task](const std::string& text) -> base::Result<void> {
               TRY(task.budget.micro_usd, parse_micro_usd(text));
               return {};
             });
}

void add_timeout(CLI::App* command, TaskOptions& task) {
  add_parsed(command, "--timeout", "TIME", "Interrupt the task after 15s, 5m, 1h30m; exit code 3",
             [&task](const std::string& text) -> base::Result<void> {
               TRY(task.timeout, base::parse_duration(text));
               return {};
             });
}

void add_ask_options(CLI::App* command, TaskOptions& task) {
  add_choice<Ask>(command, "--ask", {{"deny", Ask::kDeny}, {"wait", Ask::kWait}, {"tty", Ask::kTty}},
                  "What happens to a question: no at once, park the task (exit code 4), ask on the terminal",
                  [&task](Ask ask) { task.ask = ask; });
  add_approval_policy(command, task.approval_policy);
  command->add_option("--policy", task.policy, "Rule file, or a preset, in place of your own rules (lathe policy)")
      ->type_name("FILE");
}

void add_network_options(CLI::App* command, TaskOptions& task) {
  using protocol::NetworkMode;
  add_choice<NetworkMode>(command, "--network",
                          {{"none", NetworkMode::kNone}, {"proxy", NetworkMode::kProxy}, {"open", NetworkMode::kOpen}},
                          "What commands may reach: nothing (default), allowed hosts, everything",
                          [&task](NetworkMode mode) { task.network = mode; });
  command
      ->add_option("--allow-host", task.allow_hosts,
                   "Host that is reached unasked: name, *.name or address (repeatable)")
      ->type_name("HOST")
      ->allow_extra_args(false);
}

void add_cassette_options(CLI::App* command, TaskOptions& task) {
  CLI::Option* record =
      command->add_option("--record", task.record, "Record all answers from outside in this file")->type_name("FILE");
  command->add_option("--replay", task.replay, "Play a recording instead of asking a model")
      ->type_name("FILE")
      ->excludes(record);
  add_choice<ReplayMode>(command, "--replay-mode", {{"model", ReplayMode::kModel}, {"all", ReplayMode::kAll}},
                         "Replay the model's answers and run the tools (default), or replay everything",
                         [&task](ReplayMode mode) { task.replay_mode = mode; });
}

/// Options of commands that show a Task in the foreground and end with it.
void add_output_options(CLI::App* command, TaskOptions& task) {
  // A flag that may have a value, so that `--json` does not take the prompt that follows it.
  auto mode = std::make_shared<std::string>();
  command->add_flag("--json{frames}", *mode, "Print events as JSON lines; --json=codex: under the names of codex exec")
      ->check([&task, mode](const std::string& value) {
        if (value != "frames" && value != "codex") return fmt::format("\"{}\" is not one of frames, codex", value);
        task.json = value == "codex" ? JsonMode::kCodex : JsonMode::kFrames;
        return std::string();
      });
  command->add_option("-o,--output-last-message", task.output_last_message, "Write the last message to this file")
      ->type_name("FILE");
}

void add_task_options(CLI::App* command, TaskOptions& task) {
  add_model_options(command, task);
  command->add_option("-C,--cwd", task.cwd, "Folder to work in (default: here)")->type_name("DIR");
  add_sandbox_mode(command, task.sandbox_mode);
  add_network_options(command, task);
  add_ask_options(command, task);
  add_budget_options(command, task);
  add_timeout(command, task);
  add_cassette_options(command, task);
}

void add_exec_options(CLI::App* command, ExecOptions& exec) {
  add_output_options(command, exec.task);
  command->add_option("-i,--image", exec.task.images, "Image for the model (repeatable)")
      ->type_name("FILE")
      ->allow_extra_args(false);
  command->add_option("--output-schema", exec.task.output_schema, "JSON Schema of the final answer")->type_name("FILE");
  add_task_options(command, exec.task);
}

void add_from(CLI::App* command, std::string& from) {
  command->add_option("--from", from, "Continue after this turn and take back the later ones (session show names them)")
      ->type_name("RESPONSE_ID");
}

void define_exec(CommandTree& tree) {
  CLI::App* command = add_command(&tree.app(), "exec", "Run one task to its end");
  auto& exec = tree.options_of<ExecOptions>(command);
  command->add_option("prompt", exec.prompt, "What to do; \"-\" adds what stdin holds")->type_name("PROMPT");
  CLI::Option* resume =
      command->add_option("--resume", exec.resume, "Continue this session: id, start of an id, or last")
          ->type_name("ID");
  command->add_flag_callback(
             "--last", [&exec] { exec.resume = "last"; }, "Continue the newest session")
      ->excludes(resume);
  command->add_flag("--fork", exec.fork, "With --resume or --last: continue in a fork");
  add_from(command, exec.from);
  add_exec_options(command, exec);
}

void define_chat(CommandTree& tree) {
  CLI::App* command = add_command(&tree.app(), "chat", "Talk to a model, task after task");
  auto& chat = tree.options_of<ChatOptions>(command);
  CLI::Option* resume =
      command->add_option("--resume", chat.resume, "Continue this session: id, start of an id, or last")
          ->type_name("ID");
  command->add_flag_callback(
             "--last", [&chat] { chat.resume = "last"; }, "Continue the newest session")
      ->excludes(resume);
  command->add_flag("-e,--edit", chat.edit, "Write the first message in $EDITOR");
  add_task_options(command, chat.task);
}

void define_approval_answer(CommandTree& tree, CLI::App* approvals) {
  CLI::App* command = add_command(approvals, "answer", "Answer a question and let its task go on");
  auto& answer = tree.options_of<ApprovalAnswerOptions>(command);
  command->add_option("id", answer.id, "The question's id")->required()->type_name("ID");
  using protocol::Decision;
  auto* decision = command->add_option_group("decision");
  // They are read in this order, so that the widest yes counts.
  const auto add_decision = [&](const std::string& name, Decision value, const std::string& doc) {
    decision->add_flag_callback(
        name,
        [&answer, name, value] {
          if (answer.decision && (value == Decision::kDenied || value == Decision::kAbort)) {
            throw CLI::ValidationError(name, "an answer is not yes and no, or two kinds of no");
          }
          answer.decision = value;
        },
        doc);
  };
  add_decision("--approve", Decision::kApproved, "Yes, this once");
  add_decision("--session", Decision::kApprovedForSession, "Yes, and the same again in this session");
  add_decision("--always", Decision::kApprovedAlways, "Yes, and write the smallest rule for it to your own rules");
  add_decision("--deny", Decision::kDenied, "No; the task goes on");
  add_decision("--abort", Decision::kAbort, "No; the task ends");
  decision->add_option("--answer", answer.answers, "Answer to a question of the model (once for each)")
      ->type_name("TEXT")
      ->allow_extra_args(false);
  command->add_option("--note", answer.note, "Told to the model")->type_name("TEXT");
  command->add_flag("--no-run", answer.no_run, "Only record the answer");
  add_output_options(command, answer.task);
  add_ask_options(command, answer.task);
  add_timeout(command, answer.task);
}

}  // namespace

CLI::Validator whole_number_from(std::int64_t least) {
  return CLI::Validator(
      [least](std::string& text) {
        const auto read = parse_count(text, least);
        return read.ok() ? std::string() : read.error().text();
      },
      "");
}

void add_approval_policy(CLI::App* command, std::optional<protocol::ApprovalPolicy>& into) {
  using protocol::ApprovalPolicy;
  add_choice<ApprovalPolicy>(
      command, "--approval-policy,--approval",
      {{"on-request", ApprovalPolicy::kOnRequest},
       {"never", ApprovalPolicy::kNever},
       {"untrusted", ApprovalPolicy::kUntrusted}},
      "When to ask: what rules or the sandbox do not settle, never, all but what is known to be safe",
      [&into](ApprovalPolicy policy) { into = policy; });
}

void add_sandbox_mode(CLI::App* command, std::optional<protocol::SandboxMode>& into) {
  using protocol::SandboxMode;
  add_choice<SandboxMode>(command, "--sandbox",
                          {{"read-only", SandboxMode::kReadOnly},
                           {"workspace-write", SandboxMode::kWorkspaceWrite},
                           {"full-access", SandboxMode::kFullAccess}},
                          "What commands may write: nothing, the folder (default), everything, unconfined",
                          [&into](SandboxMode mode) { into = mode; });
}

void define_session_resume(CommandTree& tree, CLI::App* session) {
  CLI::App* command =
      add_command(session, "resume", "Continue a session with a new prompt, or a parked task with the answers it has");
  auto& exec = tree.options_of<ExecOptions>(command);
  command->add_option("session", exec.resume, "Id, start of an id, or last")->required()->type_name("ID");
  command->add_option("prompt", exec.prompt, "What to do; \"-\" adds what stdin holds")->type_name("PROMPT");
  add_from(command, exec.from);
  add_exec_options(command, exec);
}

void define_task_commands(CommandTree& tree) {
  define_exec(tree);
  define_chat(tree);
  CLI::App* approvals = add_command(&tree.app(), "approvals", "Questions that wait for a person");
  approvals->require_subcommand(0, 1);
  CLI::App* list = add_command(approvals, "list", "List open questions");
  auto& options = tree.options_of<ApprovalListOptions>(list);
  add_json(list, options.json);
  define_approval_answer(tree, approvals);
}

}  // namespace lathe::cli
