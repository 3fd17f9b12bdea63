#include "lathe/tools/common/aliases.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <map>
#include <string>

#include "lathe/base/json.h"

namespace lathe::tools::common {
namespace {

const std::vector<std::string> kTools{"shell",       "read_file",  "write_file", "edit_file",   "apply_patch",
                                      "list_dir",    "glob",       "grep",       "update_plan", "ask_user",
                                      "spawn_agent", "read_skill", "web_get"};

/// With members in the order of their names, so that texts compare.
base::Json sorted(const base::Json& value) {
  if (value.is_array()) {
    base::Json list = base::Json::array();
    for (const base::Json& one : value) list.push_back(sorted(one));
    return list;
  }
  if (!value.is_object()) return value;
  std::map<std::string, base::Json> members;
  for (const auto& [name, member] : value.items()) members[name] = sorted(member);
  base::Json object = base::Json::object();
  for (const auto& [name, member] : members) object[name] = member;
  return object;
}

/// "tool {arguments}", or "none".
std::string translated(std::string name, std::string arguments, const std::vector<std::string>& tools = kTools) {
  const auto call =
      translate_alias({.call_id = "c", .tool = std::move(name), .arguments = std::move(arguments)}, tools);
  if (!call) return "none";
  const auto json = base::parse_json(call->arguments);
  return call->tool + " " + (json.ok() ? base::dump_json(sorted(*json)) : call->arguments);
}

TEST(Aliases, CommandsOfOtherAgents) {
  EXPECT_EQ(translated("Bash", R"({"command":"ls","timeout":5000,"description":"list"})"),
            R"(shell {"command":"ls","timeout_ms":5000})");
  EXPECT_EQ(translated("bash", R"({"command":"ls","timeout":5,"reason":"x","background":false})"),
            R"(shell {"command":"ls","timeout_ms":5000.0})");
  EXPECT_EQ(translated("exec_command", R"({"cmd":"ls","workdir":"src"})"), R"(shell {"command":"ls","workdir":"src"})");
  EXPECT_EQ(translated("shell_command", R"({"command":["bash","-lc","a | b"]})"), R"(shell {"command":"a | b"})");
  EXPECT_EQ(translated("shell_command", R"({"command":["ls","my file"]})"), R"(shell {"command":"ls 'my file'"})");
  EXPECT_EQ(translated("run_shell_command", R"({"command":"ls","directory":"src"})"),
            R"(shell {"command":"ls","workdir":"src"})");
  for (const char* name : {"local_shell", "local_shell.local_shell"}) {
    EXPECT_EQ(translated(name, R"({"command":"git","args":["log","-n 1"],"cwd":"x","timeout":"90s"})"),
              R"(shell {"command":"git log '-n 1'","timeout_ms":90000,"workdir":"x"})");
  }
}

TEST(Aliases, FilesOfOtherAgents) {
  EXPECT_EQ(translated("Read", R"({"file_path":"a","offset":2,"limit":3})"),
            R"(read_file {"limit":3,"offset":2,"path":"a"})");
  EXPECT_EQ(translated("local_fs.read_file", R"({"path":"a","start_line":5,"end_line":7})"),
            R"(read_file {"limit":3,"offset":5,"path":"a"})");
  EXPECT_EQ(translated("Edit", R"({"file_path":"a","old_string":"x","new_string":"y","replace_all":true})"),
            R"(edit_file {"new_text":"y","old_text":"x","path":"a","replace_all":true})");
  EXPECT_EQ(translated("local_fs.sed", R"({"path":"a","pattern":"x","replacement":"y"})"),
            R"(edit_file {"new_text":"y","old_text":"x","path":"a","replace_all":true})");
  EXPECT_EQ(translated("local_fs.write_file", R"({"path":"a","content":"b"})"),
            R"(write_file {"content":"b","path":"a"})");
  EXPECT_EQ(translated("glob_files", R"({"pattern":["*.cc","*.h"],"path":["src"],"reason":"r"})"),
            R"(glob {"path":"src","pattern":"{*.cc,*.h}"})");
  EXPECT_EQ(translated("local_fs.grep", R"({"path":"a","pattern":"x("})"),
            R"(grep {"literal":true,"path":"a","pattern":"x("})");
  EXPECT_EQ(translated("webtools.web_get", R"({"url":"u"})"), R"(web_get {"url":"u"})");
}

TEST(Aliases, PlansQuestionsAgentsAndSkills) {
  EXPECT_EQ(translated("TodoWrite", R"({"todos":[{"content":"a","status":"pending","activeForm":"doing a"}]})"),
            R"(update_plan {"plan":[{"status":"pending","step":"a"}]})");
  EXPECT_EQ(translated("todo_write", R"({"todos":[{"id":"1","content":"a","status":"pending","depends_on":["2"]}]})"),
            R"(update_plan {"plan":[{"depends_on":["2"],"id":"1","status":"pending","step":"a"}]})");
  EXPECT_EQ(translated("AskUserQuestion", R"({"questions":[{"question":"q","header":"h","options":[{"label":"a"}]}]})"),
            R"(ask_user {"questions":[{"options":["a"],"question":"q"}]})");
  EXPECT_EQ(translated("Task", R"({"description":"d","prompt":"p","subagent_type":"explore"})"),
            R"(spawn_agent {"agent":"explore","prompt":"p"})");
  EXPECT_EQ(translated("Skill", R"({"skill":"pdf"})"), R"(read_skill {"name":"pdf"})");
}

TEST(Aliases, ArgumentsOfOthersUnderNamesThatWeShare) {
  EXPECT_EQ(translated("edit_file", R"({"path":"a","old_string":"x","new_string":"y"})"),
            R"(edit_file {"new_text":"y","old_text":"x","path":"a"})");
  EXPECT_EQ(translated("read_file", R"({"absolute_path":"/a"})"), R"(read_file {"path":"/a"})");
  EXPECT_EQ(translated("write_file", R"({"file_path":"a","content":"b"})"), R"(write_file {"content":"b","path":"a"})");
  EXPECT_EQ(translated("shell", R"({"command":["bash","-lc","a | b"]})"), R"(shell {"command":"a | b"})");
  EXPECT_EQ(translated("read_file", R"({"path":"a","file_path":"b"})"), R"(read_file {"file_path":"b","path":"a"})")
      << "the tool refuses it";
  const auto ours = translate_alias({.call_id = "c", .tool = "shell", .arguments = R"({ "command": "ls" })"}, kTools);
  EXPECT_EQ(ours->arguments, R"({ "command": "ls" })") << "byte for byte";
}

TEST(Aliases, MoreOfClaudeCode) {
  const std::vector<std::string> tools{"multi_edit", "web_fetch", "job_log", "job_kill", "stat"};
  EXPECT_EQ(translated("MultiEdit", R"({"file_path":"a","edits":[{"old_string":"x","new_string":"y"}]})", tools),
            R"(multi_edit {"edits":[{"new_text":"y","old_text":"x"}],"path":"a"})");
  EXPECT_EQ(translated("WebFetch", R"({"url":"u","prompt":"p"})", tools), R"(web_fetch {"url":"u"})");
  EXPECT_EQ(translated("BashOutput", R"({"bash_id":"job_1"})", tools), R"(job_log {"job":"job_1"})");
  EXPECT_EQ(translated("KillShell", R"({"shell_id":"job_1"})", tools), R"(job_kill {"job":"job_1"})");
  EXPECT_EQ(translated("stat_file", R"({"path":"a"})", tools), R"(stat {"path":"a"})");
}

TEST(Aliases, WhatOthersAddToTheirCallsIsUnderstoodOrLeftOut) {
  EXPECT_EQ(translated("Grep", R"({"pattern":"x","output_mode":"content","-n":true,"-A":3,"head_limit":9,"-i":true})"),
            R"(grep {"ignore_case":true,"pattern":"x"})");
  EXPECT_EQ(translated("grep_search", R"({"pattern":"x","include":"*.h"})"), R"(grep {"glob":"*.h","pattern":"x"})");
  EXPECT_EQ(translated("LS", R"({"path":"src","ignore":["*.o"]})"), R"(list_dir {"path":"src"})");
  EXPECT_EQ(translated("local_fs.list_dir", R"({"path":"src","recursive":false,"max_depth":1})"),
            R"(list_dir {"path":"src"})");
  EXPECT_EQ(translated("local_fs.list_dir", R"({"path":"src","recursive":true})"),
            R"(list_dir {"path":"src","recursive":true})")
      << "the tool refuses it: one level is not all";
  EXPECT_EQ(translated("replace", R"({"file_path":"a","old_string":"x","new_string":"y","expected_replacements":2})"),
            R"(edit_file {"new_text":"y","old_text":"x","path":"a","replace_all":true})");
  EXPECT_EQ(translated("write_todos", R"({"todos":[{"description":"a","status":"pending"}]})"),
            R"(update_plan {"plan":[{"status":"pending","step":"a"}]})");
  EXPECT_EQ(translated("spawn_agent", R"({"task_name":"t","message":"m","agent_type":"explore"})"),
            R"(spawn_agent {"agent":"explore","prompt":"m"})");
  EXPECT_EQ(translated("Bash", R"({"command":"ls","dangerouslyDisableSandbox":false})"), R"(shell {"command":"ls"})");
  EXPECT_EQ(translated("Bash", R"({"command":"ls","dangerouslyDisableSandbox":true})"),
            R"(shell {"command":"ls","dangerouslyDisableSandbox":true})")
      << "the tool refuses it";
}

TEST(Aliases, CommandsThatGoOnAsCodexHasThem) {
  const std::vector<std::string> tools{"shell", "write_stdin"};
  EXPECT_EQ(translated("exec_command", R"({"cmd":"make","yield_time_ms":1000,"max_output_tokens":9,"login":true})"),
            R"(shell {"background":true,"command":"make","yield_time_ms":1000})");
  EXPECT_EQ(translated("exec_command", R"({"cmd":"gdb","tty":true,"yield_time_ms":1000})"),
            R"(shell {"command":"gdb","tty":true,"yield_time_ms":1000})");
  EXPECT_EQ(translated("exec_command", R"({"cmd":"ls","tty":false})"), R"(shell {"command":"ls"})");
  EXPECT_EQ(translated("local_shell", R"({"command":["bash","-lc","a | b"],"timeout_ms":9})"),
            R"(shell {"command":"a | b","timeout_ms":9})");
  EXPECT_EQ(translated("write_stdin", R"({"session_id":7,"chars":"y\n","max_output_tokens":9})", tools),
            R"(write_stdin {"chars":"y\n","job":"7"})");
}

TEST(Aliases, WhatIsNoMemberOfAnEditIsLeftForTheToolToRefuse) {
  const std::vector<std::string> tools{"multi_edit"};
  for (const char* name : {"multi_edit", "MultiEdit"}) {
    EXPECT_EQ(translated(name, R"({"path":"a","edits":[{"old_string":"x","new_text":"y","replaceAll":true}]})", tools),
              R"(multi_edit {"edits":[{"new_text":"y","old_text":"x","replaceAll":true}],"path":"a"})");
    EXPECT_EQ(translated(name, R"({"path":"a","edits":[{"old_string":"x","old_text":"z","new_text":"y"}]})", tools),
              R"(multi_edit {"edits":[{"new_text":"y","old_string":"x","old_text":"z"}],"path":"a"})");
  }
}

TEST(Aliases, NumbersThatMakeNoSenseAreLeftForTheToolToRefuse) {
  const std::string least = std::to_string(std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(translated("local_fs.read_file", R"({"path":"a","end_line":)" + least + "}"),
            R"(read_file {"limit":)" + least + R"(,"path":"a"})");
  EXPECT_EQ(translated("read_file", R"({"path":"a","start_line":-5,"end_line":2})"),
            R"(read_file {"limit":2,"offset":-5,"path":"a"})");
  EXPECT_EQ(translated("read_file", R"({"path":"a","start_line":5,"end_line":2})"),
            R"(read_file {"limit":-2,"offset":5,"path":"a"})");
  EXPECT_EQ(translated("read_file", R"({"path":"a","start_line":"x"})"), R"(read_file {"offset":"x","path":"a"})");
  EXPECT_EQ(translated("bash", R"({"command":"ls","timeout":"soon"})"),
            R"(shell {"command":"ls","timeout_ms":"soon"})");
}

TEST(Aliases, WhatIsNotKnownOrNotThereIsNone) {
  EXPECT_EQ(translated("banana", "{}"), "none");
  EXPECT_EQ(translated("local_fs.banana", "{}"), "none");
  EXPECT_EQ(translated("webtools.web_post", "{}"), "none");
  EXPECT_EQ(translated("Bash", "not json"), "shell not json");
}

TEST(Aliases, NamesOfAListBecomeOurs) {
  const auto names = [](std::vector<std::string> list) {
    const auto expanded = expand_tool_names(list, kTools);
    return expanded.ok() ? *expanded : std::vector<std::string>{expanded.error().text()};
  };
  using List = std::vector<std::string>;
  EXPECT_EQ(names({"Grep", "Read", "bash"}), (List{"shell", "read_file", "grep"}));
  EXPECT_EQ(names({"local_fs", "!write_file", "!Edit", "!apply_patch"}),
            (List{"read_file", "list_dir", "glob", "grep"}));
  EXPECT_EQ(names({"*"}), kTools);
  EXPECT_EQ(names({}), List{});
  EXPECT_EQ(names({"webtools.web_post", "webtools"}), (List{"web_get"})) << "known, although it is not offered here";
  EXPECT_EQ(names({"raed_file"}), (List{"there is no tool \"raed_file\" (did you mean \"read_file\"?)"}));
}

}  // namespace
}  // namespace lathe::tools::common
