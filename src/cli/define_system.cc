#include <CLI/CLI.hpp>

#include "lathe/cli/command_tree.h"

namespace lathe::cli {

namespace {

void define_config(CommandTree& tree) {
  CLI::App* config = add_command(&tree.app(), "config", "Configuration: get, set, list, path");
  config->require_subcommand(0, 1);
  CLI::App* get = add_command(config, "get", "Print one value");
  get->add_option("key", tree.options_of<ConfigGetOptions>(get).key, "Its name")->required()->type_name("KEY");
  CLI::App* set = add_command(config, "set", "Change one value");
  auto& set_options = tree.options_of<ConfigSetOptions>(set);
  set->add_option("key", set_options.key, "Its name")->required()->type_name("KEY");
  set->add_option("value", set_options.value, "The new value")->required()->type_name("VALUE");
  CLI::App* list = add_command(config, "list", "Print all values and where each is from");
  add_json(list, tree.options_of<ConfigListOptions>(list).json);
  CLI::App* path = add_command(config, "path", "Print where the configuration file is");
  tree.options_of<ConfigPathOptions>(path);
}

void define_usage(CommandTree& tree) {
  CLI::App* command = add_command(&tree.app(), "usage", "Tokens and cost");
  auto& options = tree.options_of<UsageOptions>(command);
  command->add_option("--by", options.by, "Group by")
      ->type_name("day|model|session|folder")
      ->capture_default_str()
      ->check([](const std::string& by) {
        const bool known = by == "day" || by == "model" || by == "session" || by == "folder";
        return known ? std::string() : "\"" + by + "\" is not one of day, model, session, folder";
      });
  add_json(command, options.json);
  add_embedded(command, options.embedded);
}

void define_schema(CommandTree& tree) {
  CLI::App* command = add_command(&tree.app(), "schema", "Print the protocol's schema");
  auto& options = tree.options_of<SchemaOptions>(command);
  CLI::Option* json = command->add_flag_callback(
      "--jsonschema", [&options] { options.format = SchemaFormat::kJsonSchema; }, "As JSON Schema (default)");
  command
      ->add_flag_callback(
          "--typescript", [&options] { options.format = SchemaFormat::kTypeScript; }, "As TypeScript")
      ->excludes(json);
}

/// Text that is made from this very tree.
void define_self_description(CommandTree& tree) {
  CLI::App* completions = add_command(&tree.app(), "completions", "Print completions for a shell");
  auto& completions_text = tree.options_of<PrintOptions>(completions);
  completions
      ->add_option_function<std::string>(
          "shell",
          [&tree, &completions_text](const std::string& shell) {
            if (shell != "bash" && shell != "zsh" && shell != "fish") {
              throw CLI::ValidationError("shell", "\"" + shell + "\" is not one of bash, zsh, fish");
            }
            completions_text.text = completion_script(tree.app(), shell);
          },
          "Which shell")
      ->required()
      ->type_name("bash|zsh|fish");
  CLI::App* man = add_command(&tree.app(), "man", "Print the manual page");
  man->final_callback([&tree] { tree.chosen() = PrintOptions{man_page(tree.app(), tree.version())}; });
}

}  // namespace

void define_system_commands(CommandTree& tree) {
  define_config(tree);
  define_usage(tree);
  CLI::App* index = add_command(&tree.app(), "index", "The search index: rebuild");
  index->require_subcommand(0, 1);
  CLI::App* rebuild = add_command(index, "rebuild", "Make the index anew from the sessions");
  add_embedded(rebuild, tree.options_of<IndexRebuildOptions>(rebuild).embedded);
  define_schema(tree);

  CLI::App* doctor = add_command(&tree.app(), "doctor", "Check this installation and say how to mend it");
  auto& doctor_options = tree.options_of<DoctorOptions>(doctor);
  add_json(doctor, doctor_options.json);
  add_embedded(doctor, doctor_options.embedded);
  CLI::App* setup = add_command(&tree.app(), "setup", "Configure a first backend, step by step");
  add_embedded(setup, tree.options_of<SetupOptions>(setup).embedded);

  define_self_description(tree);
}

}  // namespace lathe::cli
