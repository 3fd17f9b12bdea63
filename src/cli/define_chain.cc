#include <CLI/CLI.hpp>
#include <map>

#include "lathe/cli/command_tree.h"

namespace lathe::cli {

namespace {

using Format = ChainValidateOptions::Format;
using protocol::ChainForm;

void define_chain_validate(CommandTree& tree, CLI::App* chain) {
  CLI::App* command =
      add_command(chain, "validate", "Say all that is wrong with workflow files, and what they may spend");
  auto& options = tree.options_of<ChainValidateOptions>(command);
  command->add_option("files", options.files, "Workflow files: ours, contenox's or vix's")
      ->required()
      ->type_name("FILE");
  const std::map<std::string, Format> formats{
      {"text", Format::kText}, {"json", Format::kJson}, {"sarif", Format::kSarif}};
  command->add_option("--format", options.format, "How it is told")
      ->transform(CLI::CheckedTransformer(formats).description(""))
      ->type_name("text|json|sarif");
  command->add_flag("--strict", options.strict, "Fields that no dialect has are errors");
  command->add_option("--var", options.variables, "A variable that runs will have (repeatable)")->type_name("NAME");
}

void define_chain_graph(CommandTree& tree, CLI::App* chain) {
  CLI::App* command = add_command(chain, "graph", "Draw a workflow file");
  auto& options = tree.options_of<ChainShowOptions>(command);
  command->add_option("file", options.file, "The workflow file")->required()->type_name("FILE");
  command->add_option("--chain", options.chain, "One of its chains, where it has several")->type_name("ID");
  const std::map<std::string, ChainForm> forms{
      {"text", ChainForm::kText}, {"mermaid", ChainForm::kMermaid}, {"dot", ChainForm::kDot}, {"svg", ChainForm::kSvg}};
  command->add_option("--format", options.form, "As what")
      ->transform(CLI::CheckedTransformer(forms).description(""))
      ->type_name("text|mermaid|dot|svg");
}

void define_chain_show(CommandTree& tree, CLI::App* chain) {
  CLI::App* command = add_command(chain, "show", "Print a workflow file with all that its tasks inherit");
  auto& options = tree.options_of<ChainShowOptions>(command);
  options.form = ChainForm::kYaml;
  command->add_option("file", options.file, "The workflow file")->required()->type_name("FILE");
  command->add_option("--chain", options.chain, "One of its chains, where it has several")->type_name("ID");
}

}  // namespace

void define_chain_commands(CommandTree& tree) {
  CLI::App* chain = add_command(&tree.app(), "chain", "Workflow files: validate, graph, show, schema");
  chain->require_subcommand(0, 1);
  define_chain_validate(tree, chain);
  define_chain_graph(tree, chain);
  define_chain_show(tree, chain);
  (void)tree.options_of<ChainSchemaOptions>(
      add_command(chain, "schema", "Print the JSON Schema of workflow files, for editors"));
}

}  // namespace lathe::cli
