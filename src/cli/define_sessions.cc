#include <CLI/CLI.hpp>

#include "lathe/cli/command_tree.h"

namespace lathe::cli {

namespace {

constexpr const char* kSessionDoc = "Id, start of an id, or last";
constexpr const char* kUnreadDoc = "Only those in which a Task ended that nobody looked at";

void define_attach(CommandTree& tree) {
  CLI::App* command = add_command(&tree.app(), "attach", "Join a session: see what happens in it, and steer it");
  auto& options = tree.options_of<AttachOptions>(command);
  command->add_option("session", options.session, kSessionDoc)->required()->type_name("ID");
  CLI::Option* since = command->add_option("--since", options.since, "Show what was recorded after this record");
  since->type_name("N")->capture_default_str()->check(whole_number_from(0));
  command->add_flag("--no-replay", options.no_replay, "Show only what comes")->excludes(since);
  command->add_flag("--claim", options.claim, "Let nobody else steer it or answer its questions meanwhile");
}

void define_watch(CommandTree& tree) {
  CLI::App* command = add_command(&tree.app(), "watch", "Show all sessions as they change");
  auto& options = tree.options_of<WatchOptions>(command);
  command->add_flag("--all", options.all, "Archived ones and those of sub-agents too");
  command->add_flag("--unread", options.unread, kUnreadDoc);
  command->add_flag("--json", options.json, "Print a JSON line per change");
}

void define_list(CommandTree& tree, CLI::App* session) {
  CLI::App* command = add_command(session, "list", "List sessions, newest first");
  auto& options = tree.options_of<SessionListOptions>(command);
  command->add_option("--limit", options.limit, "At most this many; 0: all")
      ->type_name("N")
      ->capture_default_str()
      ->check(whole_number_from(0));
  command->add_flag("--all", options.all, "Archived ones and those of sub-agents too");
  command->add_option("--tag", options.tag, "Only those with this tag")->type_name("TAG");
  command->add_flag("--unread", options.unread, kUnreadDoc);
  add_json(command, options.json);
}

void define_show(CommandTree& tree, CLI::App* session) {
  CLI::App* command = add_command(session, "show", "Show what was said and done");
  auto& options = tree.options_of<SessionShowOptions>(command);
  command->add_option("session", options.session, kSessionDoc)->required()->type_name("ID");
  add_json(command, options.json);
}

void define_fork(CommandTree& tree, CLI::App* session) {
  CLI::App* command = add_command(session, "fork", "Make a new session that continues from a point of another");
  auto& options = tree.options_of<SessionForkOptions>(command);
  command->add_option("session", options.session, kSessionDoc)->required()->type_name("ID");
  command->add_option("--at", options.at, "Turn to continue from (default: the last; session show names them)")
      ->type_name("RESPONSE_ID");
}

void define_rollback(CommandTree& tree, CLI::App* session) {
  CLI::App* command = add_command(session, "rollback", "Take back the end of a conversation");
  auto& options = tree.options_of<SessionRollbackOptions>(command);
  command->add_option("session", options.session, kSessionDoc)->required()->type_name("ID");
  CLI::Option* to = command->add_option("--to", options.to, "Turn that stays the last (session show names them)");
  to->type_name("RESPONSE_ID");
  command->add_option("--tasks", options.tasks, "How many tasks are taken back")
      ->type_name("N")
      ->check(whole_number_from(1))
      ->excludes(to);
  command->add_flag("--restore-files", options.restore_files, "Bring files back too, as undo does");
}

void define_search(CommandTree& tree, CLI::App* session) {
  CLI::App* command = add_command(session, "search", "Find words in all sessions");
  auto& options = tree.options_of<SessionSearchOptions>(command);
  command->add_option("query", options.words, "Words that must all occur; \"…\" for a phrase")
      ->required()
      ->type_name("QUERY");
  command->add_option("--limit", options.limit, "At most this many")
      ->type_name("N")
      ->capture_default_str()
      ->check(whole_number_from(1));
  add_json(command, options.json);
}

void define_export(CommandTree& tree, CLI::App* session) {
  CLI::App* command = add_command(session, "export", "Print all records of a session");
  auto& options = tree.options_of<SessionExportOptions>(command);
  command->add_option("session", options.session, kSessionDoc)->required()->type_name("ID");
  command
      ->add_option_function<std::string>(
          "--format",
          [&options](const std::string& name) {
            if (name != "ndjson" && name != "md") {
              throw CLI::ValidationError("--format", "\"" + name + "\" is not one of ndjson, md");
            }
            options.format = name == "md" ? ExportFormat::kMarkdown : ExportFormat::kNdjson;
          },
          "Records as they are stored (default), or a Markdown transcript")
      ->type_name("ndjson|md");
}

void define_archive(CommandTree& tree, CLI::App* session) {
  CLI::App* command = add_command(session, "archive", "Hide sessions from the list");
  auto& options = tree.options_of<SessionArchiveOptions>(command);
  command->add_option("sessions", options.sessions, "Ids, starts of ids, or last")->required()->type_name("ID");
  command->add_flag("--restore", options.restore, "Show them again");
}

void define_tag(CommandTree& tree, CLI::App* session) {
  CLI::App* command = add_command(session, "tag", "Tag a session, or show its tags");
  auto& options = tree.options_of<SessionTagOptions>(command);
  command->add_option("session", options.session, kSessionDoc)->required()->type_name("ID");
  command->add_option("--add", options.add, "A tag that it gets (repeatable)")
      ->type_name("TAG")
      ->allow_extra_args(false);
  command->add_option("--remove", options.remove, "A tag that it loses (repeatable)")
      ->type_name("TAG")
      ->allow_extra_args(false);
}

void define_mark_read(CommandTree& tree, CLI::App* session) {
  CLI::App* command = add_command(session, "mark-read", "Say that you looked at sessions");
  auto& options = tree.options_of<SessionMarkReadOptions>(command);
  CLI::Option* sessions = command->add_option("sessions", options.sessions, "Ids, starts of ids, or last");
  sessions->type_name("ID");
  CLI::Option* all = command->add_flag("--all", options.all, "All that are unread");
  all->excludes(sessions);
  command->add_flag("--unread", options.unread, "Say that you did not")->excludes(all);
}

void define_remove(CommandTree& tree, CLI::App* session) {
  CLI::App* command = add_command(session, "rm", "Delete sessions");
  auto& options = tree.options_of<SessionRemoveOptions>(command);
  command->add_option("sessions", options.sessions, "Ids, starts of ids, or last")->required()->type_name("ID");
}

void define_undo(CommandTree& tree) {
  CLI::App* command = add_command(&tree.app(), "undo", "Bring files back to what they were before a Task");
  auto& options = tree.options_of<UndoOptions>(command);
  command->add_option("session", options.session, kSessionDoc)->type_name("ID")->capture_default_str();
  CLI::Option* task = command->add_option("--task", options.task, "Before this Task (default: the last one)");
  task->type_name("ID");
  command->add_option("--turn", options.turn, "Before this Turn")->type_name("RESPONSE_ID")->excludes(task);
  command->add_flag("--dry-run", options.dry_run, "Only show what would be brought back");
  add_json(command, options.json);
}

}  // namespace

void define_session_commands(CommandTree& tree) {
  define_attach(tree);
  define_watch(tree);
  define_undo(tree);
  CLI::App* session =
      add_command(&tree.app(), "session",
                  "Sessions: list, show, resume, fork, rollback, search, export, archive, tag, mark-read, rm");
  session->require_subcommand(0, 1);
  define_list(tree, session);
  define_show(tree, session);
  define_session_resume(tree, session);
  define_fork(tree, session);
  define_rollback(tree, session);
  define_search(tree, session);
  define_export(tree, session);
  define_archive(tree, session);
  define_tag(tree, session);
  define_mark_read(tree, session);
  define_remove(tree, session);
}

}  // namespace lathe::cli
