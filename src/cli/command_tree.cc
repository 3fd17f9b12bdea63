#include "lathe/cli/command_tree.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

namespace lathe::cli {

CLI::App* add_command(CLI::App* parent, const std::string& name, const std::string& summary) {
  CLI::App* command = parent->add_subcommand(name, summary);
  command->set_help_flag("-h,--help", "Show this help");
  return command;
}

void add_json(CLI::App* command, bool& json) { command->add_flag("--json", json, "Print one JSON document"); }

namespace {

/// Commands without --embedded: those about the daemon itself, and those that print what the program knows by itself.
/// All others touch the data root, the configuration or a session's state.
constexpr std::array<std::string_view, 4> kNotEmbeddable = {"daemon", "schema", "completions", "man"};

std::vector<CLI::App*> commands_below(CLI::App* app) {
  // Those without a name are groups of options.
  return app->get_subcommands([](const CLI::App* below) { return !below->get_name().empty(); });
}

void add_embedded(CLI::App* command, bool& embedded) {
  const std::vector<CLI::App*> below = commands_below(command);
  for (CLI::App* one : below) add_embedded(one, embedded);
  if (below.empty()) command->add_flag("--embedded", embedded, "Run the engine in this process");
}

/// Words for a model, a program or a person, which may be empty. Every other value names something.
bool is_free_text(const CLI::Option& option) {
  const std::string type = option.get_type_name();
  if (option.nonpositional()) return type == "TEXT";
  return type == "PROMPT" || type == "CMD" || type == "VALUE" || type == "QUERY";
}

/// An unset variable leaves "" of "$TAPE": taken for an option that was not given, it would silently do something else.
void refuse_empty_values(CLI::App* app) {
  for (CLI::Option* option : app->get_options()) {
    if (is_free_text(*option)) continue;
    option->check([](const std::string& value) { return std::string(value.empty() ? kEmptyValue : ""); });
  }
  for (CLI::App* below : app->get_subcommands([](const CLI::App*) { return true; })) refuse_empty_values(below);
}

}  // namespace

CommandTree::CommandTree(std::string version)
    : version_(std::move(version)),
      app_(std::make_unique<CLI::App>("Runs AI coding work that you can run, review and own.", "lathe")) {
  app_->set_help_flag("-h,--help", "Show this help");
  app_->set_version_flag("-V,--version", "lathe " + version_, "Show the version");
  app_->require_subcommand(0, 1);
  app_->footer("lathe \"a prompt with a space\" is short for lathe exec \"…\".");
  define_task_commands(*this);
  define_session_commands(*this);
  define_backend_commands(*this);
  define_chain_commands(*this);
  define_policy_commands(*this);
  define_system_commands(*this);
  for (CLI::App* command : commands_below(app_.get())) {
    if (std::ranges::find(kNotEmbeddable, command->get_name()) == kNotEmbeddable.end()) {
      add_embedded(command, embedded_);
    }
  }
  refuse_empty_values(app_.get());
}

namespace {

CommandDoc::Option describe(const CLI::Option& option) {
  CommandDoc::Option doc{.value = option.get_type_size_max() == 0 ? "" : option.get_type_name(),
                         .doc = option.get_description(),
                         .required = option.get_required()};
  for (const std::string& name : option.get_snames()) doc.names.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) doc.names.push_back("--" + name);
  if (doc.names.empty()) doc.positional = option.get_name();
  return doc;
}

void describe(const CLI::App& app, std::vector<std::string> path, std::vector<CommandDoc>& out) {
  CommandDoc doc{.path = path, .summary = app.get_description()};
  for (const CLI::Option* option : app.get_options()) doc.options.push_back(describe(*option));
  std::vector<const CLI::App*> below;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    if (command->get_name().empty()) {  // a group of options
      for (const CLI::Option* option : command->get_options()) doc.options.push_back(describe(*option));
      continue;
    }
    doc.commands.emplace_back(command->get_name(), command->get_description());
    below.push_back(command);
  }
  out.push_back(std::move(doc));
  for (const CLI::App* command : below) {
    path.push_back(command->get_name());
    describe(*command, path, out);
    path.pop_back();
  }
}

}  // namespace

std::vector<CommandDoc> describe_commands(const CLI::App& app) {
  std::vector<CommandDoc> out;
  describe(app, {}, out);
  return out;
}

}  // namespace lathe::cli
