#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lathe/cli/options.h"

// The one definition of all commands: help, completions and man pages are made by walking it. The only files that
// include CLI11 are those that include this one.

namespace lathe::cli {

/// The tree of commands and, once it has parsed, what it read. Not moved: options point into it.
class CommandTree final {
 public:
  explicit CommandTree(std::string version);
  CommandTree(const CommandTree&) = delete;
  CommandTree& operator=(const CommandTree&) = delete;

  [[nodiscard]] CLI::App& app() { return *app_; }
  [[nodiscard]] const std::string& version() const { return version_; }
  /// The options of the command that was chosen.
  [[nodiscard]] Options& chosen() { return chosen_; }

  /// Whether the engine is to run in this process, whatever the command.
  [[nodiscard]] bool embedded() const { return embedded_; }

  /// Gives a command its options struct, kept here, and makes it the chosen one when the command is met.
  template <class T>
  T& options_of(CLI::App* command, T initial = {}) {
    auto kept = std::make_shared<T>(std::move(initial));
    T& options = *kept;
    command->final_callback([this, kept] { chosen_ = *kept; });
    return options;
  }

 private:
  void define_other();

  std::string version_;
  std::unique_ptr<CLI::App> app_;
  Options chosen_;
  bool embedded_ = false;
};

void define_task_commands(CommandTree& tree);
void define_session_commands(CommandTree& tree);
/// `session resume` has the options of exec.
void define_session_resume(CommandTree& tree, CLI::App* session);
void define_backend_commands(CommandTree& tree);
void define_policy_commands(CommandTree& tree);
void define_chain_commands(CommandTree& tree);
void define_system_commands(CommandTree& tree);

/// What is wrong with the value of an option that names something, when it is "".
inline constexpr std::string_view kEmptyValue = "its value is empty; is a variable not set?";

/// A command below `parent`.
CLI::App* add_command(CLI::App* parent, const std::string& name, const std::string& summary);
void add_json(CLI::App* command, bool& json);
/// --approval-policy and its short form --approval.
void add_approval_policy(CLI::App* command, std::optional<protocol::ApprovalPolicy>& into);
void add_sandbox_mode(CLI::App* command, std::optional<protocol::SandboxMode>& into);

/// Refuses what is no whole number, or one below `least`, and says so.
CLI::Validator whole_number_from(std::int64_t least);

/// What help, completions and man pages need to know about one command.
struct CommandDoc {
  struct Option {
    /// With dashes; empty for a positional.
    std::vector<std::string> names;
    /// "FILE", "deny|wait|tty"; empty for a flag.
    std::string value;
    std::string doc;
    /// Name of a positional.
    std::string positional;
    bool required = false;
  };
  /// The words after "lathe"; empty for lathe itself.
  std::vector<std::string> path;
  std::string summary;
  std::vector<Option> options;
  /// Names and summaries of the commands below it.
  std::vector<std::pair<std::string, std::string>> commands;
};
/// Every command, each before those below it.
[[nodiscard]] std::vector<CommandDoc> describe_commands(const CLI::App& app);

/// A script that completes `lathe` in that shell: "bash", "zsh" or "fish".
[[nodiscard]] std::string completion_script(const CLI::App& app, const std::string& shell);
/// lathe(1) in roff: what holds for all commands, and their pages.
[[nodiscard]] std::string man_page(const CLI::App& app, const std::string& version);
/// The commands of lathe, each of which has a page lathe-NAME(1).
[[nodiscard]] std::vector<std::string> man_pages(const CLI::App& app);
/// The page of one of these, with all commands below it.
[[nodiscard]] std::string man_page_of_command(const CLI::App& app, const std::string& version, const std::string& name);

}  // namespace lathe::cli
