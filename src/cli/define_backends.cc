#include <CLI/CLI.hpp>

#include "lathe/base/strings.h"
#include "lathe/cli/command_tree.h"
#include "lathe/config/backend_types.h"

namespace lathe::cli {

namespace {

void define_add(CommandTree& tree, CLI::App* backend) {
  CLI::App* command = add_command(backend, "add", "Configure a backend");
  auto& options = tree.options_of<BackendAddOptions>(command);
  command->add_option("name", options.backend.name, "Name for it")->required()->type_name("NAME");
  command->add_option("--type", options.backend.type, base::join(config::backend_type_names(), ", "))
      ->required()
      ->type_name("TYPE");
  command->add_option("--url", options.backend.url, "Base URL (default: the type's)")->type_name("URL");
  CLI::Option* variable =
      command->add_option("--api-key-env", options.backend.api_key_env, "Environment variable that holds the key")
          ->type_name("VAR");
  command->add_option("--api-key-command", options.backend.api_key_command, "Command that prints the key")
      ->type_name("CMD")
      ->excludes(variable);
  command->add_option("--model", options.backend.default_model, "Its default model")->type_name("MODEL");
  command->add_flag("--default", options.make_default, "Make it the default backend");
}

void define_test(CommandTree& tree, CLI::App* backend) {
  CLI::App* command = add_command(backend, "test", "Ask a backend for its models");
  auto& options = tree.options_of<BackendTestOptions>(command);
  command->add_option("name", options.name, "The backend")->required()->type_name("NAME");
  command->add_flag("--ask", options.ask_model, "Also ask a model for one short answer (may be billed)");
  command->add_option("-m,--model", options.model, "The model to ask")->type_name("MODEL");
}

}  // namespace

void define_backend_commands(CommandTree& tree) {
  CLI::App* backend = add_command(&tree.app(), "backend", "Backends: add, list, remove, test");
  backend->require_subcommand(0, 1);
  define_add(tree, backend);

  CLI::App* list = add_command(backend, "list", "List backends: configured, from the environment, found");
  auto& list_options = tree.options_of<BackendListOptions>(list);
  add_json(list, list_options.json);

  CLI::App* remove = add_command(backend, "remove", "Forget a configured backend");
  remove->add_option("name", tree.options_of<BackendRemoveOptions>(remove).name, "The backend")
      ->required()
      ->type_name("NAME");
  define_test(tree, backend);

  CLI::App* model = add_command(&tree.app(), "model", "Models: list");
  model->require_subcommand(0, 1);
  CLI::App* models = add_command(model, "list", "Ask the backends for their models");
  auto& model_options = tree.options_of<ModelListOptions>(models);
  models->add_option("--backend", model_options.backend, "Only this one")->type_name("NAME");
  add_json(models, model_options.json);
}

}  // namespace lathe::cli
