#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "lathe/base/strings.h"
#include "lathe/cli/command_tree.h"

namespace lathe::cli {

namespace {

/// Text as roff prints it: no line may look like a request, dashes stay dashes.
std::string roff(std::string_view text) {
  std::string out = base::replace_all(base::replace_all(std::string(text), "\\", "\\e"), "-", "\\-");
  out = base::replace_all(out, "…", "...");
  return out.starts_with('.') || out.starts_with('\'') ? "\\&" + out : out;
}

std::string synopsis(const CommandDoc& command) {
  std::string out = ".B lathe " + roff(base::join(command.path, " ")) + "\n";
  if (!command.commands.empty()) out += ".I COMMAND\n";
  for (const auto& option : command.options) {
    if (option.positional.empty()) continue;
    const std::string name = roff(option.value.empty() ? option.positional : option.value);
    out += option.required ? fmt::format(".I {}\n", name) : fmt::format(".RI [ {} ]\n", name);
  }
  return out + ".RI [ OPTIONS ]\n";
}

std::string options(const CommandDoc& command) {
  std::string out;
  for (const auto& option : command.options) {
    const std::string name = option.positional.empty() ? base::join(option.names, ", ") : option.positional;
    out += fmt::format(".TP\n.B {}", roff(name));
    if (!option.value.empty()) out += fmt::format(" \\fI{}\\fR", roff(option.value));
    out += "\n" + roff(option.doc) + "\n";
  }
  return out;
}

constexpr const char* kEnd =
    ".SH EXIT CODES\n"
    ".TP\n.B 0\nDone, also when a call was denied and the model finished.\n"
    ".TP\n.B 1\nUsage, or something named does not exist.\n"
    ".TP\n.B 2\nThe task failed, or a budget other than time is spent.\n"
    ".TP\n.B 3\n.B \\-\\-timeout\nended the task.\n"
    ".TP\n.B 4\nEnded by a denial, parked for a person, or cancelled from elsewhere.\n"
    ".TP\n.B 5\nLathe, a provider or an agent failed.\n"
    ".TP\n.B 130\nCtrl\\-C.\n"
    ".SH ENVIRONMENT\n"
    ".TP\n.B LATHE_HOME\nFolder that holds everything; otherwise the XDG folders.\n"
    ".TP\n.B OPENAI_API_KEY, OPENAI_BASE_URL, ANTHROPIC_API_KEY, ANTHROPIC_BASE_URL, LLMX_API_KEY, LLMX_BASE_URL\n"
    "Backends that need no configuration.\n"
    ".TP\n.B NO_COLOR\nNo colours.\n"
    ".TP\n.B EDITOR\nFor\n.B lathe chat \\-e\nand /edit.\n";

/// The beginning of every page. `name` has dashes for spaces.
std::string page_head(const std::string& name, const std::string& version, const std::string& summary) {
  return fmt::format(".TH {} 1 \"\" \"lathe {}\" \"User Commands\"\n.SH NAME\n{} \\- {}\n", roff(name), roff(version),
                     roff(name), roff(summary));
}

/// The commands that do something, of those that `name` holds, or itself.
std::vector<CommandDoc> commands_of(const CLI::App& app, const std::string& name) {
  std::vector<CommandDoc> commands = describe_commands(app);
  std::erase_if(commands, [&](const CommandDoc& command) {
    return command.path.empty() || command.path.front() != name || !command.commands.empty();
  });
  return commands;
}

}  // namespace

std::vector<std::string> man_pages(const CLI::App& app) {
  const CommandDoc lathe = describe_commands(app).front();
  std::vector<std::string> names;
  for (const auto& [name, summary] : lathe.commands) names.push_back(name);
  return names;
}

std::string man_page(const CLI::App& app, const std::string& version) {
  const CommandDoc lathe = describe_commands(app).front();
  std::string out = page_head("lathe", version, lathe.summary);
  out += ".SH SYNOPSIS\n" + synopsis(lathe) + ".br\n.B lathe\n\\(dqa prompt with a space\\(dq\n";
  out += ".SH OPTIONS\n" + options(lathe) + ".SH COMMANDS\n";
  for (const auto& [name, summary] : lathe.commands) {
    out += fmt::format(".TP\n.BR lathe\\-{} (1)\n{}\n", roff(name), roff(summary));
  }
  return out + kEnd;
}

std::string man_page_of_command(const CLI::App& app, const std::string& version, const std::string& name) {
  const std::vector<CommandDoc> commands = commands_of(app, name);
  const std::string summary = app.get_subcommand(name)->get_description();
  std::string out = page_head("lathe-" + name, version, summary) + ".SH SYNOPSIS\n";
  for (const CommandDoc& command : commands) {
    if (&command != &commands.front()) out += ".br\n";
    out += synopsis(command);
  }
  const bool alone = commands.size() == 1 && commands.front().path.size() == 1;
  out += alone ? ".SH OPTIONS\n" + options(commands.front()) : ".SH COMMANDS\n";
  for (const CommandDoc& command : commands) {
    if (alone) break;
    out += fmt::format(".SS lathe {}\n{}.\n", roff(base::join(command.path, " ")), roff(command.summary));
    out += options(command);
  }
  return out + ".SH SEE ALSO\n.BR lathe (1)\ntells of exit codes and environment variables.\n";
}

}  // namespace lathe::cli
