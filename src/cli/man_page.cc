#include <fmt/format.h>

#include <CLI/CLI.hpp>

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

}  // namespace

std::string man_page(const CLI::App& app, const std::string& version) {
  const std::vector<CommandDoc> commands = describe_commands(app);
  std::string out = fmt::format(".TH LATHE 1 \"\" \"lathe {}\" \"User Commands\"\n.SH NAME\nlathe \\- {}\n",
                                roff(version), roff(commands.front().summary));
  out += ".SH SYNOPSIS\n" + synopsis(commands.front()) + ".br\n.B lathe\n\\(dqa prompt with a space\\(dq\n";
  out += ".SH OPTIONS\n" + options(commands.front()) + ".SH COMMANDS\n";
  for (const CommandDoc& command : commands) {
    if (command.path.empty()) continue;
    out += fmt::format(".SS lathe {}\n{}.PP\n{}.\n", roff(base::join(command.path, " ")), synopsis(command),
                       roff(command.summary));
    out += options(command);
  }
  return out + kEnd;
}

}  // namespace lathe::cli
