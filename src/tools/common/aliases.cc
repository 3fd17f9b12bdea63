#include "lathe/tools/common/aliases.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "lathe/base/json.h"
#include "lathe/base/strings.h"

namespace lathe::tools::common {

using base::Json;
using base::Result;

namespace {

/// An argument under another name; `to` empty: it has no meaning here and is left out.
struct Rename {
  std::string_view from;
  std::string_view to;
};

/// One name and what it means. `mend` shapes what a renaming cannot.
struct Alias {
  std::string_view name;
  std::string_view tool;
  std::vector<Rename> renames = {};
  void (*mend)(Json& arguments) = nullptr;
};

Json renamed(const Json& object, const std::vector<Rename>& renames) {
  Json out = Json::object();
  for (const auto& [name, value] : object.items()) {
    const auto rename = std::ranges::find(renames, name, &Rename::from);
    const std::string_view to = rename == renames.end() ? std::string_view(name) : rename->to;
    // Said under both names it is contradictory, which the tool's schema refuses.
    const bool both = to != name && object.contains(to);
    if (!to.empty()) out[both ? name : std::string(to)] = value;
  }
  return out;
}

// ---- shapes

/// `sh -c script` as argv is the script; any other argv is quoted.
std::string command_line(const Json& argv) {
  std::vector<std::string> words;
  for (const Json& word : argv) words.push_back(word.is_string() ? word.get<std::string>() : word.dump());
  const bool script = words.size() == 3 && (words[1] == "-c" || words[1] == "-lc") && words[0].ends_with("sh");
  return script ? words[2] : base::shell_join(words);
}

/// A number of seconds, or a duration such as "90s", as timeout_ms. What is neither stays, for the tool to refuse.
void timeout_in_seconds(Json& arguments) {
  const Json timeout = base::json_at(arguments, "timeout");
  arguments.erase("timeout");
  if (timeout.is_null()) return;
  Json& milliseconds = arguments["timeout_ms"];
  milliseconds = timeout;
  if (timeout.is_number()) milliseconds = timeout.get<double>() * 1000;
  if (!timeout.is_string()) return;
  const auto parsed = base::parse_duration(timeout.get_ref<const std::string&>());
  if (parsed.ok()) milliseconds = parsed->count();
}

void leave_out(Json& arguments, std::string_view name, const Json& value) {
  if (base::json_at(arguments, name) == value) arguments.erase(std::string(name));
}

/// argv as a line; what goes without saying ("not in the background") is left out.
void join_command(Json& arguments) {
  leave_out(arguments, "background", Json(false));
  leave_out(arguments, "dangerouslyDisableSandbox", Json(false));
  if (base::json_at(arguments, "command").is_array()) arguments["command"] = command_line(arguments["command"]);
}

void shell_of_seconds(Json& arguments) {
  join_command(arguments);
  timeout_in_seconds(arguments);
}

/// Codex: a command that may go on when it has not ended within the time.
void shell_that_yields(Json& arguments) {
  join_command(arguments);
  leave_out(arguments, "tty", Json(false));
  if (arguments.contains("yield_time_ms") && !arguments.contains("tty")) arguments["background"] = true;
}

/// contenox: a program with `args`, a text or a list; its text is a shell's own. Codex: argv.
void shell_of_contenox(Json& arguments) {
  join_command(arguments);
  const Json args = base::json_at(arguments, "args");
  arguments.erase("args");
  std::string line = base::json_string(arguments, "command");
  if (args.is_string()) line += " " + args.get<std::string>();
  if (args.is_array() && !args.empty()) line += " " + command_line(args);
  arguments["command"] = line;
  timeout_in_seconds(arguments);
}

/// A line's number that can be reckoned with: none that a tool would refuse.
std::optional<std::int64_t> line_number(const Json& value) {
  constexpr double kMost = 1e12;
  const bool sensible = value.is_number_integer() && value.get<double>() >= 0 && value.get<double>() <= kMost;
  if (!sensible) return std::nullopt;
  return std::max<std::int64_t>(value.get<std::int64_t>(), 1);
}

/// start_line and end_line, both included, as offset and limit. What makes no range stays, for the tool to refuse.
void range_of_lines(Json& arguments) {
  if (arguments.contains("offset") || arguments.contains("limit")) return;
  const Json start = base::json_at(arguments, "start_line");
  const Json end = base::json_at(arguments, "end_line");
  arguments.erase("start_line");
  arguments.erase("end_line");
  const auto first = start.is_null() ? std::optional<std::int64_t>(1) : line_number(start);
  const auto last = line_number(end);
  if (!start.is_null()) arguments["offset"] = first ? Json(*first) : start;
  if (!end.is_null()) arguments["limit"] = first && last ? Json(*last - *first + 1) : end;
}

/// A job's name, also where others have numbers for it.
void job_of_number(Json& arguments) {
  const Json job = base::json_at(arguments, "job");
  if (job.is_number()) arguments["job"] = job.dump();
}

/// Ours shows one level.
void one_level(Json& arguments) {
  if (base::json_at(arguments, "recursive") == Json(true)) return;
  arguments.erase("recursive");
  arguments.erase("max_depth");
}

/// Gemini CLI tells how many places there are.
void replace_as_often_as_expected(Json& arguments) {
  const Json expected = base::json_at(arguments, "expected_replacements");
  if (!expected.is_number_integer()) return;
  arguments.erase("expected_replacements");
  if (expected.get<std::int64_t>() > 1) arguments["replace_all"] = true;
}

void replace_everywhere(Json& arguments) { arguments["replace_all"] = true; }

/// contenox searches for text unless told that it is an expression.
void literal_unless_regex(Json& arguments) {
  arguments["literal"] = base::json_at(arguments, "regex") != Json(true);
  arguments.erase("regex");
}

/// Several patterns are one with alternatives; of several folders only one can be searched.
void one_pattern(Json& arguments) {
  for (const char* name : {"pattern", "path"}) {
    const Json value = base::json_at(arguments, name);
    if (!value.is_array()) continue;
    std::vector<std::string> texts;
    for (const Json& one : value) {
      if (one.is_string()) texts.push_back(one.get<std::string>());
    }
    if (texts.size() == 1) arguments[name] = texts[0];
    if (texts.size() > 1 && std::string_view(name) == "pattern") arguments[name] = "{" + base::join(texts, ",") + "}";
  }
}

/// The members of each object of `list` that `renames` names, under our names, and no other.
void rename_elements(Json& arguments, const char* list, const std::vector<Rename>& renames) {
  if (!base::json_at(arguments, list).is_array()) return;
  for (Json& element : arguments[list]) {
    if (!element.is_object()) continue;
    Json renamed = Json::object();
    for (const Rename& rename : renames) {
      const Json& value = base::json_at(element, rename.from);
      if (!value.is_null()) renamed[std::string(rename.to)] = value;
    }
    element = std::move(renamed);
  }
}

/// Members that are not known stay, for the tool to refuse: it is one of ours that is called so.
void edits_of_strings(Json& arguments) {
  if (!base::json_at(arguments, "edits").is_array()) return;
  for (Json& edit : arguments["edits"]) {
    if (edit.is_object()) edit = renamed(edit, {{"old_string", "old_text"}, {"new_string", "new_text"}});
  }
}

void steps_of_todos(Json& arguments) {
  rename_elements(
      arguments, "plan",
      {{"id", "id"}, {"description", "step"}, {"content", "step"}, {"status", "status"}, {"depends_on", "depends_on"}});
}

void plain_questions(Json& arguments) {
  rename_elements(arguments, "questions", {{"question", "question"}, {"options", "options"}});
  for (Json& question : arguments["questions"]) {
    if (!question.is_object() || !base::json_at(question, "options").is_array()) continue;
    for (Json& option : question["options"]) {
      if (option.is_object()) option = base::json_string(option, "label");
    }
  }
}

// ---- the table

std::vector<Alias> make_aliases() {  // NOLINT(readability-function-size): a table
  const std::vector<Rename> shell{{"cmd", "command"},
                                  {"cwd", "workdir"},
                                  {"directory", "workdir"},
                                  {"dir_path", "workdir"},
                                  {"description", ""},
                                  {"is_background", "background"},
                                  {"shell", ""},
                                  {"run_in_background", "background"},
                                  {"login", ""},
                                  {"max_output_tokens", ""},
                                  {"prefix_rule", ""},
                                  {"environment_id", ""}};
  const auto shell_and = [&shell](std::initializer_list<Rename> more) {
    std::vector<Rename> all = shell;
    all.insert(all.end(), more);
    return all;
  };
  const std::vector<Rename> path{{"file_path", "path"}, {"absolute_path", "path"}, {"reason", ""}};
  const std::vector<Rename> image{{"detail", ""}};
  const std::vector<Rename> folder{
      {"dir_path", "path"}, {"ignore", ""}, {"respect_git_ignore", ""}, {"file_filtering_options", ""}};
  const std::vector<Rename> edit{
      {"file_path", "path"}, {"old_string", "old_text"}, {"new_string", "new_text"}, {"instruction", ""}};
  // How lines are shown, and how many, is ours to say.
  const std::vector<Rename> search{{"include", "glob"},  {"-i", "ignore_case"},
                                   {"dir_path", "path"}, {"reason", ""},
                                   {"output_mode", ""},  {"head_limit", ""},
                                   {"-n", ""},           {"-A", ""},
                                   {"-B", ""},           {"-C", ""},
                                   {"context", ""}};
  const std::vector<Rename> files{{"dir_path", "path"}, {"reason", ""},  {"include_hidden", ""},
                                  {"max_results", ""},  {"timeout", ""}, {"reason_to_increase_timeout", ""}};
  const std::vector<Rename> todos{{"todos", "plan"}};
  const std::vector<Rename> agent{
      {"subagent_type", "agent"}, {"agent_type", "agent"}, {"description", ""}, {"run_in_background", "background"},
      {"message", "prompt"},      {"task_name", ""},       {"model", ""}};
  const std::vector<Rename> typed{{"session_id", "job"}, {"max_output_tokens", ""}};
  const std::vector<Rename> page{{"prompt", ""}, {"selector", ""}};
  return {
      {"local_shell", "shell", shell, shell_of_contenox},
      {"bash", "shell", shell_and({{"reason", ""}, {"reason_to_increase_timeout", ""}}), shell_of_seconds},
      {"Bash", "shell", shell_and({{"timeout", "timeout_ms"}}), join_command},
      {"exec_command", "shell", shell, shell_that_yields},
      {"shell_command", "shell", shell, join_command},
      {"run_shell_command", "shell", shell, shell_of_seconds},
      {"Read", "read_file", path},
      {"local_fs.read_file", "read_file", path, range_of_lines},
      {"read_file_range", "read_file", path, range_of_lines},
      {"Write", "write_file", path},
      {"Edit", "edit_file", edit},
      {"replace", "edit_file", edit, replace_as_often_as_expected},
      {"str_replace", "edit_file", edit},
      {"sed", "edit_file", {{"pattern", "old_text"}, {"replacement", "new_text"}}, replace_everywhere},
      {"LS", "list_dir", folder},
      {"list_directory", "list_dir", folder},
      {"Grep", "grep", search},
      {"search_file_content", "grep", search},
      {"grep_search", "grep", search},
      {"local_fs.grep", "grep", search, literal_unless_regex},
      {"Glob", "glob", files},
      {"glob_files", "glob", files, one_pattern},
      {"applypatch", "apply_patch", {{"patch", "input"}}},
      {"todo_write", "update_plan", todos, steps_of_todos},
      {"TodoWrite", "update_plan", todos, steps_of_todos},
      {"write_todos", "update_plan", todos, steps_of_todos},
      {"ask_question_to_user", "ask_user", {}, plain_questions},
      {"AskUserQuestion", "ask_user", {}, plain_questions},
      {"request_user_input", "ask_user", {}, plain_questions},
      {"Task", "spawn_agent", agent},
      {"Agent", "spawn_agent", agent},
      {"skill", "read_skill", {{"skill", "name"}, {"arguments", ""}, {"args", ""}}},
      {"Skill", "read_skill", {{"skill", "name"}, {"arguments", ""}, {"args", ""}}},
      {"MultiEdit", "multi_edit", path, edits_of_strings},
      {"WebFetch", "web_fetch", page},
      {"BashOutput", "job_log", {{"bash_id", "job"}, {"filter", ""}}},
      {"KillShell", "job_kill", {{"shell_id", "job"}}},
      {"KillBash", "job_kill", {{"shell_id", "job"}}},
      {"stat_file", "stat", path},
      // Names that others share with us, for tools with other arguments.
      {"shell", "shell", shell, join_command},
      {"write_stdin", "write_stdin", typed, job_of_number},
      {"read_file", "read_file", path, range_of_lines},
      {"view_image", "view_image", image},
      {"list_dir", "list_dir", folder, one_level},
      {"write_file", "write_file", path},
      {"edit_file", "edit_file", edit},
      {"multi_edit", "multi_edit", path, edits_of_strings},
      {"grep", "grep", search},
      {"glob", "glob", files, one_pattern},
      {"apply_patch", "apply_patch", {{"patch", "input"}}},
      {"web_fetch", "web_fetch", page},
      {"spawn_agent", "spawn_agent", agent},
  };
}

const std::vector<Alias>& aliases() {
  static const std::vector<Alias> kAliases = make_aliases();
  return kAliases;
}

struct Toolset {
  std::string_view name;
  std::vector<std::string_view> tools;
};

const std::vector<Toolset>& toolsets() {
  static const std::vector<Toolset> kToolsets{
      {"local_shell", {"shell"}},
      {"local_fs",
       {"read_file", "view_image", "write_file", "edit_file", "multi_edit", "delete_file", "move_file", "apply_patch",
        "list_dir", "stat", "glob", "find_files", "grep"}},
      {"webtools", {"web_fetch", "web_get", "web_head", "web_post", "web_put", "web_patch", "web_delete"}},
  };
  return kToolsets;
}

bool contains(const std::vector<std::string>& names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

/// "local_fs.grep" without its toolset; the whole name when it has none.
std::string_view leaf_of(std::string_view name) {
  for (const Toolset& toolset : toolsets()) {
    const bool below =
        name.size() > toolset.name.size() + 1 && name.starts_with(toolset.name) && name[toolset.name.size()] == '.';
    if (below) return name.substr(toolset.name.size() + 1);
  }
  return name;
}

/// The row for a name: as it stands, else without its toolset.
const Alias* find_alias(std::string_view name) {
  for (const std::string_view form : {name, leaf_of(name)}) {
    const auto found = std::ranges::find(aliases(), form, &Alias::name);
    if (found != aliases().end()) return &*found;
  }
  return nullptr;
}

std::string translate_arguments(const Alias& alias, const std::string& text) {
  auto parsed = base::parse_json(text);
  if (!parsed.ok() || !parsed->is_object()) return text;
  Json arguments = renamed(*parsed, alias.renames);
  if (alias.mend != nullptr) alias.mend(arguments);
  if (arguments == *parsed) return text;
  return base::dump_json(arguments);
}

/// The tools of `available` that one name of a list means; none when it is not known at all.
std::optional<std::vector<std::string>> tools_named(std::string_view name, const std::vector<std::string>& available) {
  if (name == "*") return available;
  if (contains(available, name)) return std::vector<std::string>{std::string(name)};
  const auto toolset = std::ranges::find(toolsets(), name, &Toolset::name);
  std::vector<std::string> found;
  if (toolset != toolsets().end()) {
    for (const std::string_view tool : toolset->tools) {
      if (contains(available, tool)) found.emplace_back(tool);
    }
    return found;
  }
  const Alias* alias = find_alias(name);
  const std::string_view tool = alias != nullptr ? alias->tool : leaf_of(name);
  if (contains(available, tool)) return std::vector<std::string>{std::string(tool)};
  // Known, but not offered here: it means nothing rather than being a mistake.
  if (alias != nullptr || !toolset_of(tool).empty()) return found;
  return std::nullopt;
}

}  // namespace

std::string_view toolset_of(std::string_view tool) {
  for (const Toolset& toolset : toolsets()) {
    if (std::ranges::find(toolset.tools, tool) != toolset.tools.end()) return toolset.name;
  }
  return "";
}

std::vector<std::string> alias_names() {
  std::vector<std::string> names;
  for (const Alias& alias : aliases()) names.emplace_back(alias.name);
  return names;
}

std::optional<protocol::ToolCall> translate_alias(const protocol::ToolCall& call,
                                                  const std::vector<std::string>& available) {
  protocol::ToolCall translated = call;
  const Alias* alias = find_alias(call.tool);
  if (alias != nullptr && contains(available, alias->tool)) {
    translated.tool = alias->tool;
    translated.arguments = translate_arguments(*alias, call.arguments);
    return translated;
  }
  const std::string_view leaf = leaf_of(call.tool);
  if (leaf == call.tool || !contains(available, leaf)) return std::nullopt;
  translated.tool = leaf;
  return translated;
}

Result<std::vector<std::string>> expand_tool_names(const std::vector<std::string>& names,
                                                   const std::vector<std::string>& available) {
  std::set<std::string> chosen;
  for (const std::string& entry : names) {
    const bool without = entry.starts_with('!');
    const std::string name = without ? entry.substr(1) : entry;
    const auto tools = tools_named(name, available);
    if (!tools) {
      std::vector<std::string> known = alias_names();
      known.insert(known.begin(), available.begin(), available.end());
      std::string hint = base::did_you_mean(name, known);
      if (hint.empty()) hint = "the tools are " + base::join(available, ", ");
      return base::Error{.code = base::codes::kNotFound,
                         .message = fmt::format("there is no tool \"{}\"", name),
                         .hint = std::move(hint)};
    }
    for (const std::string& tool : *tools) {
      if (without) {
        chosen.erase(tool);
      } else {
        chosen.insert(tool);
      }
    }
  }
  std::vector<std::string> out;
  for (const std::string& tool : available) {
    if (chosen.contains(tool)) out.push_back(tool);
  }
  return out;
}

}  // namespace lathe::tools::common
