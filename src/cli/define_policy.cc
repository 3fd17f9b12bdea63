#include <CLI/CLI.hpp>

#include "lathe/cli/command_tree.h"

namespace lathe::cli {

namespace {

void define_explain(CommandTree& tree, CLI::App* policy) {
  CLI::App* command = add_command(policy, "explain", "Say what the rules decide about a command or a call, and why");
  auto& options = tree.options_of<PolicyExplainOptions>(command);
  CLI::Option* text = command->add_option("command", options.command, "A shell command, as one word")->type_name("CMD");
  CLI::Option* tool = command->add_option("--tool", options.tool, "Instead: a call of this tool")->type_name("NAME");
  tool->excludes(text);
  command->add_option("--args", options.arguments, "Its arguments, a JSON object")->type_name("JSON")->needs(tool);
  command->add_option("--policy", options.policy, "Rule file, or a preset, in place of your own rules")
      ->type_name("FILE");
  add_approval_policy(command, options.approval_policy);
  add_sandbox_mode(command, options.sandbox_mode);
  add_json(command, options.json);
}

}  // namespace

void define_policy_commands(CommandTree& tree) {
  CLI::App* policy = add_command(&tree.app(), "policy", "Rules for what may run: explain, test");
  policy->require_subcommand(0, 1);
  define_explain(tree, policy);
  CLI::App* test = add_command(policy, "test", "Run the examples of a rule file");
  auto& test_options = tree.options_of<PolicyTestOptions>(test);
  test->add_option("file", test_options.file, "The rule file")->required()->type_name("FILE");
  add_json(test, test_options.json);

  CLI::App* trust = add_command(&tree.app(), "trust", "What a repository wants loaded or executed, and trusting it");
  auto& options = tree.options_of<TrustOptions>(trust);
  trust->add_option("path", options.path, "A folder in the repository (default: here)")->type_name("PATH");
  CLI::Option* yes = trust->add_flag("--yes", options.yes, "Trust all that is listed without asking");
  trust->add_flag("--revoke", options.revoke, "Take the trust back")->excludes(yes);
  add_json(trust, options.json);
}

}  // namespace lathe::cli
