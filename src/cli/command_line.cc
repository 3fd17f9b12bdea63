#include "lathe/cli/command_line.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>

#include "lathe/base/strings.h"
#include "lathe/base/utf8.h"
#include "lathe/cli/command_tree.h"

namespace lathe::cli {

using base::Error;
using base::Result;

namespace {

/// A longer one is not shown again with what to do.
constexpr std::size_t kMostOfPrompt = 200;
constexpr std::string_view kEmbedded = "--embedded";

Error usage_error(std::string message, std::string hint) {
  return {.code = base::codes::kInvalid, .message = std::move(message), .hint = std::move(hint)};
}

/// The deepest command that was named.
CLI::App* command_met(CLI::App* app) {
  while (true) {
    const auto below = app->get_subcommands();
    const auto named = std::ranges::find_if(below, [](const CLI::App* next) { return !next->get_name().empty(); });
    if (named == below.end()) return app;
    app = *named;
  }
}

std::string full_name(const CLI::App* app) {
  std::string name = app->get_name();
  for (app = app->get_parent(); app != nullptr; app = app->get_parent()) name = app->get_name() + " " + name;
  return name;
}

/// Where an error stands, before its words, which the name of the program comes before: "session list: ", or nothing
/// for the program itself.
std::string place_of(const CLI::App* app) {
  const std::string whole = full_name(app);
  const std::size_t space = whole.find(' ');
  return space == std::string::npos ? "" : whole.substr(space + 1) + ": ";
}

std::vector<std::string> command_names(CLI::App* app) {
  std::vector<std::string> names;
  for (const CLI::App* command : app->get_subcommands([](const CLI::App*) { return true; })) {
    if (!command->get_name().empty()) names.push_back(command->get_name());
  }
  return names;
}

std::vector<std::string> option_names(const CLI::App* app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app->get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  }
  return names;
}

/// An argument that nothing takes: a mistyped command or option, or one too many. `extra` are it and those behind it.
Error unexpected(CLI::App* command, const std::vector<std::string>& extra) {
  const std::string& argument = extra.front();
  const std::string place = place_of(command);
  const std::string help = "see " + full_name(command) + " --help";
  if (argument.starts_with('-')) {
    const std::string option = argument.substr(0, argument.find('='));
    const std::string near = base::did_you_mean(option, option_names(command));
    return usage_error(fmt::format("{}there is no option {}", place, option), near.empty() ? help : near);
  }
  const auto names = command_names(command);
  if (names.empty()) {
    return usage_error(fmt::format("{}nothing takes \"{}\"", place, argument), help);
  }
  const std::string near = base::did_you_mean(argument, names);
  std::string hint = near.empty() ? "one of: " + base::join(names, ", ") + ";" : near;
  if (command->get_parent() == nullptr) {
    const bool only_words = std::ranges::none_of(extra, [](const std::string& word) { return word.starts_with('-'); });
    const std::string prompt = base::join(extra, " ");
    if (only_words && prompt.size() < kMostOfPrompt) hint += " as a prompt: lathe exec " + base::shell_quote(prompt);
  }
  if (hint.ends_with(';')) hint.pop_back();
  return usage_error(fmt::format("{}there is no command \"{}\"", place, argument), hint);
}

Error parse_error(CommandTree& tree, const CLI::ParseError& error) {
  CLI::App* command = command_met(&tree.app());
  std::vector<std::string> extra = tree.app().remaining(/*recurse=*/true);
  // What stands behind an argument that is wrong itself was not looked at, and "--" alone names nothing.
  std::erase(extra, "--");
  const bool wrong_value = dynamic_cast<const CLI::ValidationError*>(&error) != nullptr;
  if (!extra.empty() && !wrong_value) return unexpected(command, extra);
  return usage_error(error.what(), "see " + full_name(command) + " --help");
}

/// The command that the words name so far as they name one.
CLI::App* command_named(CLI::App* app, const std::vector<std::string>& args) {
  for (const std::string& word : args) {
    const auto named = app->get_subcommands([&word](const CLI::App* below) { return below->get_name() == word; });
    if (named.empty()) break;
    app = named.front();
  }
  return app;
}

/// `lathe --embedded session list` is `lathe session list --embedded`: each command has the option, or none.
std::vector<std::string> with_embedded_behind_command(CLI::App* app, std::vector<std::string> args) {
  bool embedded = false;
  auto word = args.begin();
  while (word != args.end()) {
    if (*word == kEmbedded) {
      word = args.erase(word);
      embedded = true;
      continue;
    }
    const auto named = app->get_subcommands([&word](const CLI::App* below) { return below->get_name() == *word; });
    if (named.empty()) break;
    app = named.front();
    ++word;
  }
  if (embedded && command_names(app).empty()) args.insert(word, std::string(kEmbedded));
  return args;
}

/// `--name=` names nothing, and the parser would take the next word for its value.
Result<void> check_values_given(CLI::App* app, const std::vector<std::string>& args) {
  CLI::App* command = command_named(app, args);
  if (command->get_positionals_at_end()) return {};  // the words of another program
  for (const std::string& argument : args) {
    if (argument == "--") break;
    if (!argument.starts_with("--") || argument.find('=') != argument.size() - 1) continue;
    return usage_error(fmt::format("{}: {}", argument.substr(0, argument.size() - 1), kEmptyValue),
                       "see " + full_name(command) + " --help");
  }
  return {};
}

/// Names and texts that are not UTF-8 would be others once they are sent. (Paths are bytes, a prompt is cleaned with a
/// warning, and every other kind of value has a form that such bytes do not have.)
Result<void> check_texts(CLI::App* command) {
  for (const CLI::Option* option : command->get_options()) {
    const std::string type = option->get_type_name();
    if (type != "MODEL" && type != "TEXT" && type != "QUERY") continue;
    for (const std::string& value : option->results()) {
      if (base::is_utf8(value)) continue;
      return usage_error(
          fmt::format("{}{} \"{}\" is not UTF-8 text", place_of(command), option->get_name(), base::to_utf8(value)),
          "type it in a terminal that is set to UTF-8");
    }
  }
  return {};
}

/// What the parser cannot say by itself.
Result<void> check_together(const Options& options) {
  if (const auto* exec = std::get_if<ExecOptions>(&options)) {
    if (exec->fork && exec->resume.empty()) {
      return usage_error("--fork needs the session to fork from", "add --resume ID or --last");
    }
    if (!exec->from.empty() && exec->resume.empty()) {
      return usage_error("--from needs the session to continue", "add --resume ID or --last");
    }
    if (exec->task.replay_mode != ReplayMode::kNone && exec->task.replay.empty()) {
      return usage_error("--replay-mode needs a recording", "add --replay FILE");
    }
  }
  const auto* rollback = std::get_if<SessionRollbackOptions>(&options);
  if (rollback != nullptr && rollback->to.empty() && rollback->tasks == 0) {
    return usage_error("session rollback: how far was not said", "add --to RESPONSE_ID (lathe session show " +
                                                                     base::shell_quote(rollback->session) +
                                                                     " names them), or --tasks N");
  }
  if (const auto* answer = std::get_if<ApprovalAnswerOptions>(&options)) {
    if (!answer->decision && answer->answers.empty()) {
      return usage_error("approvals answer: no answer was given",
                         "one of --approve, --session, --always, --deny, --abort, --answer TEXT");
    }
    if (answer->decision && !answer->answers.empty()) {
      return usage_error("--answer is for questions of the model, the other answers are for approvals",
                         "give one of them");
    }
  }
  return {};
}

/// `help session` and `version` are what other programs call --help and --version.
std::vector<std::string> in_our_words(std::vector<std::string> args) {
  if (args.size() == 1 && args[0] == "version") return {"--version"};
  if (args.empty() || args[0] != "help") return args;
  args.erase(args.begin());
  args.emplace_back("--help");
  return args;
}

}  // namespace

Result<CommandLine> parse(std::vector<std::string> args, const std::string& version) {
  const auto first = std::ranges::find_if(args, [](const std::string& word) { return word != kEmbedded; });
  if (first != args.end() && !first->starts_with('-') && first->find_first_of(" \t\n") != std::string::npos) {
    args.insert(first, "exec");
  }
  CommandTree tree(version);
  args = in_our_words(with_embedded_behind_command(&tree.app(), std::move(args)));
  if (args.empty()) return CommandLine{.options = PrintOptions{tree.app().help()}};
  TRY_OK(check_values_given(&tree.app(), args));
  std::ranges::reverse(args);  // CLI11 takes them from the back
  try {
    tree.app().parse(std::move(args));
  } catch (const CLI::CallForHelp&) {
    CLI::App* command = command_met(&tree.app());
    const std::vector<std::string> extra = tree.app().remaining(/*recurse=*/true);
    if (!extra.empty() && !command_names(command).empty()) return unexpected(command, extra);
    const std::string before = command->get_parent() == nullptr ? "" : full_name(command->get_parent());
    return CommandLine{.options = PrintOptions{command->help(before)}};
  } catch (const CLI::CallForVersion& version_asked) {
    return CommandLine{.options = PrintOptions{std::string(version_asked.what()) + "\n"}};
  } catch (const CLI::ParseError& error) {
    return parse_error(tree, error);
  }
  CLI::App* command = command_met(&tree.app());
  if (const auto names = command_names(command); !names.empty()) {
    return usage_error(place_of(command) + "a command is missing", "one of: " + base::join(names, ", "));
  }
  TRY_OK(check_texts(command));
  TRY_OK(check_together(tree.chosen()));
  return CommandLine{.options = std::move(tree.chosen()), .embedded = tree.embedded()};
}

}  // namespace lathe::cli
