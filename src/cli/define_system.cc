#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "lathe/base/strings.h"
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
      ->type_name("day|model|session|folder|project")
      ->capture_default_str()
      ->check([](const std::string& by) {
        const bool known = by == "day" || by == "model" || by == "session" || by == "folder" || by == "project";
        return known ? std::string() : "\"" + by + "\" is not one of day, model, session, folder, project";
      });
  command->add_option("--since", options.since, "From this day on, or the last so many: 2026-11-01, 7d")
      ->type_name("DAY");
  add_json(command, options.json);
}

void define_schema(CommandTree& tree) {
  CLI::App* command = add_command(&tree.app(), "schema", "Print the protocol's schema");
  auto& options = tree.options_of<SchemaOptions>(command);
  CLI::Option* json = command->add_flag_callback(
      "--jsonschema", [&options] { options.format = SchemaFormat::kJsonSchema; }, "As JSON Schema (default)");
  CLI::Option* typescript = command->add_flag_callback(
      "--typescript", [&options] { options.format = SchemaFormat::kTypeScript; }, "As TypeScript");
  CLI::Option* openapi = command->add_flag_callback(
      "--openapi", [&options] { options.format = SchemaFormat::kOpenApi; }, "The HTTP wire, as OpenAPI 3.1");
  typescript->excludes(json);
  openapi->excludes(json)->excludes(typescript);
}

void define_daemon_tokens(CommandTree& tree, CLI::App* daemon) {
  CLI::App* token = add_command(daemon, "token", "What lets a client in over TCP: create, list, remove");
  token->require_subcommand(0, 1);
  CLI::App* create = add_command(token, "create", "Give one out; it is printed once");
  create
      ->add_option("--scope", tree.options_of<DaemonTokenCreateOptions>(create).scopes,
                   "What its holder may ask: read, prompt, approve, admin, with commas between them")
      ->capture_default_str()
      ->type_name("SCOPES");
  CLI::App* list = add_command(token, "list", "Those that were given out, without themselves");
  add_json(list, tree.options_of<DaemonTokenListOptions>(list).json);
  CLI::App* remove = add_command(token, "remove", "Take one back");
  remove->add_option("id", tree.options_of<DaemonTokenRemoveOptions>(remove).id, "As the list has it")
      ->required()
      ->type_name("ID");
}

void define_daemon(CommandTree& tree) {
  CLI::App* daemon = add_command(
      &tree.app(), "daemon", "Sessions that outlive a terminal: start, stop, restart, install, status, logs, token");
  daemon->require_subcommand(0, 1);
  CLI::App* start = add_command(daemon, "start", "Start it; done when it takes clients");
  auto& start_options = tree.options_of<DaemonStartOptions>(start);
  start->add_flag("--foreground", start_options.foreground, "Be it, until it is stopped");
  start->add_option("--listen", start_options.listen, "Also take clients with a token there, over TCP and HTTP")
      ->type_name("127.0.0.1:PORT");
  CLI::App* stop = add_command(daemon, "stop", "End it and what runs in it; everything is kept");
  tree.options_of<DaemonStopOptions>(stop);
  CLI::App* restart = add_command(daemon, "restart", "Start it anew: tasks and jobs that run go on");
  tree.options_of<DaemonRestartOptions>(restart);
  CLI::App* install = add_command(daemon, "install", "Write systemd units that start it for the first client");
  tree.options_of<DaemonInstallOptions>(install);
  CLI::App* status = add_command(daemon, "status", "Whether it runs, and where; exit code 1 when it does not");
  add_json(status, tree.options_of<DaemonStatusOptions>(status).json);
  CLI::App* logs = add_command(daemon, "logs", "Print what it said");
  auto& logs_options = tree.options_of<DaemonLogsOptions>(logs);
  logs->add_flag("-f,--follow", logs_options.follow, "Go on with what it says next");
  logs->add_flag("--json", logs_options.json, "The lines as they are written, one JSON document each");
  define_daemon_tokens(tree, daemon);
}

std::string check_level(const std::string& level) {
  const bool known = level == "full" || level == "namespaces" || level == "landlock" || level == "none";
  return known ? std::string() : "\"" + level + "\" is not one of full, namespaces, landlock, none";
}

void define_sandbox(CommandTree& tree) {
  CLI::App* sandbox = add_command(&tree.app(), "sandbox", "Confinement of commands: run one, test the guarantees");
  sandbox->require_subcommand(0, 1);
  CLI::App* run = add_command(sandbox, "run", "Run a command as a session's commands are run");
  auto& options = tree.options_of<SandboxRunOptions>(run);
  run->add_option_function<std::string>(
         "--mode",
         [&options](const std::string& mode) {
           using protocol::SandboxMode;
           if (mode == "read-only") {
             options.mode = SandboxMode::kReadOnly;
           } else if (mode == "workspace-write") {
             options.mode = SandboxMode::kWorkspaceWrite;
           } else if (mode == "full-access") {
             options.mode = SandboxMode::kFullAccess;
           } else {
             throw CLI::ValidationError("--mode",
                                        "\"" + mode + "\" is not one of read-only, workspace-write, full-access");
           }
         },
         "What it may write: nothing, the working folder (default), everything")
      ->type_name("read-only|workspace-write|full-access");
  run->add_option("--level", options.level, "Exactly this level of confinement")
      ->type_name("full|namespaces|landlock|none")
      ->check(check_level);
  run->add_option("--allow-host", options.allow_hosts, "A host that it may reach (repeatable)")
      ->type_name("HOST")
      ->allow_extra_args(false);
  run->add_option("command", options.argv, "The command, after --")->required()->type_name("CMD");
  run->positionals_at_end();

  CLI::App* test = add_command(sandbox, "test", "Try from inside what each level has to refuse");
  auto& test_options = tree.options_of<SandboxTestOptions>(test);
  test->add_option("--level", test_options.level, "This level instead of the strongest")
      ->type_name("full|namespaces|landlock|none")
      ->check(check_level);
  add_json(test, test_options.json);

  CLI::App* tainted = add_command(sandbox, "tainted", "What commands left here that is not to be trusted");
  auto& tainted_options = tree.options_of<SandboxTaintedOptions>(tainted);
  tainted->add_flag("--clear", tainted_options.clear, "You have looked at it: tell of it no more");
  add_json(tainted, tainted_options.json);
}

void define_man(CommandTree& tree) {
  CLI::App* man = add_command(&tree.app(), "man", "Print a manual page");
  auto name = std::make_shared<std::string>();
  auto list = std::make_shared<bool>(false);
  CLI::Option* command = man->add_option("command", *name, "The command that it is about (default: lathe itself)");
  command->type_name("COMMAND")->check([&tree](const std::string& asked) {
    const std::vector<std::string> names = man_pages(tree.app());
    const bool known = std::ranges::find(names, asked) != names.end();
    return known ? std::string() : "\"" + asked + "\" is not one of " + base::join(names, ", ");
  });
  man->add_flag("--list", *list, "Print the commands that have one")->excludes(command);
  man->final_callback([&tree, name, list] {
    if (*list) {
      tree.chosen() = PrintOptions{base::join(man_pages(tree.app()), "\n") + "\n"};
    } else if (name->empty()) {
      tree.chosen() = PrintOptions{man_page(tree.app(), tree.version())};
    } else {
      tree.chosen() = PrintOptions{man_page_of_command(tree.app(), tree.version(), *name)};
    }
  });
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
  define_man(tree);
}

}  // namespace

void define_system_commands(CommandTree& tree) {
  define_config(tree);
  define_usage(tree);
  CLI::App* index = add_command(&tree.app(), "index", "The search index: rebuild");
  index->require_subcommand(0, 1);
  CLI::App* rebuild = add_command(index, "rebuild", "Make the index anew from the sessions");
  tree.options_of<IndexRebuildOptions>(rebuild);
  define_schema(tree);
  CLI::App* proto =
      add_command(&tree.app(), "proto", "Speak the protocol on stdin and stdout, one JSON frame per line");
  tree.options_of<ProtoOptions>(proto);
  define_sandbox(tree);
  define_daemon(tree);

  CLI::App* doctor = add_command(&tree.app(), "doctor", "Check this installation and say how to mend it");
  auto& doctor_options = tree.options_of<DoctorOptions>(doctor);
  doctor->add_flag("--deep", doctor_options.deep, "Read all sessions, not only the newest 256 MiB of them");
  add_json(doctor, doctor_options.json);
  CLI::App* setup = add_command(&tree.app(), "setup", "Configure a first backend, step by step");
  tree.options_of<SetupOptions>(setup);

  define_self_description(tree);
}

}  // namespace lathe::cli
