#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "lathe/base/strings.h"
#include "lathe/chain/reader.h"

// vix's workflow.json. A step is a task, its next_steps are branches that are all taken; a question with options is a
// human task that chooses, and each step of an option is a branch for that choice.

namespace lathe::chain {

using formats::Member;
using formats::Node;

namespace {

constexpr std::string_view kAskTool = "ask_question_to_user";

template <class T>
Given<T> given(T value, Position at) {
  return {.value = std::move(value), .at = at, .from = Given<T>::From::kFile};
}

/// "stop" is our end.
void end_where_it_stops(Name& name) {
  if (name && (*name == "stop" || name->empty())) name.value = std::string(kEnd);
}

/// A step that is gone to: its id, or a map with params and a condition.
bool read_step_ref(const Node& node, Branch& branch, Reading& reading) {
  branch.at = node.at;
  branch.op = given(Operator::kAlways, node.at);
  if (node.text() != nullptr) {
    read_given(node, branch.go_to, reading);
  } else {
    Reader reader(node, reading);
    reader.value("id", branch.go_to);
    reader.named("params", branch.params);
    Text condition;
    reader.value("execute_if", condition);
    if (condition && !condition->empty()) {
      branch.op = given(Operator::kCommandSucceeds, condition.at);
      branch.when = std::move(condition);
    }
    reader.finish();
    if (!branch.go_to && node.map() != nullptr) reading.missing(node.at, "the step to go to", "id");
  }
  end_where_it_stops(branch.go_to);
  return static_cast<bool>(branch.go_to);
}

void read_step_refs(const Node& node, std::vector<Branch>& out, Reading& reading) {
  if (node.list() == nullptr) {
    reading.wrong_kind(node, "a list of steps");
    return;
  }
  for (const Node& element : *node.list()) {
    Branch branch;
    if (read_step_ref(element, branch, reading)) out.push_back(std::move(branch));
  }
}

void read_option(const Node& node, Human& human, Transition& transition, Reading& reading) {
  Reader reader(node, reading);
  Choice& choice = human.choices.emplace_back();
  choice.at = node.at;
  reader.value("title", choice.id);
  reader.value("description", choice.description);
  reader.value("has_user_input", choice.has_user_input);
  if (const Node* steps = reader.take("steps")) {
    std::vector<Branch> branches;
    read_step_refs(*steps, branches, reading);
    for (Branch& branch : branches) {
      std::vector<templates::Fault> none;
      branch.op = given(Operator::kEquals, choice.id.at);
      branch.when = given(templates::Template::parse(*choice.id, templates::Syntax::kDollar, none), choice.id.at);
      transition.branches.push_back(std::move(branch));
    }
  }
  reader.finish();
  if (!choice.id && node.map() != nullptr) reading.missing(node.at, "the option", "title");
}

void read_question(Reader& reader, Task& task, Reading& reading) {
  Human human;
  human.ask = given(AskKind::kChoose, task.at);
  reader.value("question", human.question);
  const Node* options = reader.take("options");
  if (options != nullptr && options->list() == nullptr) reading.wrong_kind(*options, "a list");
  if (options != nullptr && options->list() != nullptr) {
    for (const Node& option : *options->list()) read_option(option, human, task.transition, reading);
  }
  task.does = std::move(human);
}

void read_tool_step(Reader& reader, Task& task, const std::string& what, Reading& reading) {
  Name tool;
  reader.value("tool", tool);
  reader.take("category");
  if (!tool) reading.missing(task.at, what, "tool");
  if (!tool || *tool == kAskTool) return read_question(reader, task, reading);
  ToolCall call;
  call.tool = given(ToolRef{.name = {}, .tool_name = tool, .args = {}}, tool.at);
  task.does = std::move(call);
}

void read_agent_step(Reader& reader, Task& task, const std::string& what, Reading& reading) {
  Agent agent;
  Name fork;
  reader.value("agent", agent.agent);
  reader.value("fork_from", fork);
  reader.value("prompt", agent.prompt_template);
  reader.value("json_output", agent.json_output);
  reader.value("signal", agent.signal);
  reader.loose("effort", agent.use->think);
  reader.listed("deny_tools", agent.use->hide_tools);
  if (agent.use->think || agent.use->hide_tools) agent.use.from = Given<ModelUse>::From::kFile;
  reader.value("on_error", task.transition.on_failure);
  end_where_it_stops(task.transition.on_failure);
  task.transition.on_failure_once = true;
  if (!agent.prompt_template) reading.missing(task.at, what, "prompt");
  if (agent.agent && fork) {
    reading.findings.add("bad-fork", fork.at, what + " has both \"agent\" and \"fork_from\"", "keep one of them");
  } else if (!agent.agent && !fork) {
    reading.missing(task.at, what, "agent", "or \"fork_from\" with the step whose conversation goes on");
  }
  if (fork) task.session = given(Session{.kind = Session::Kind::kFork, .task = *fork}, fork.at);
  task.does = std::move(agent);
}

void read_bash_step(Reader& reader, Task& task, const std::string& what, Reading& reading) {
  Shell shell;
  reader.value("command", shell.command);
  reader.value("input", shell.stdin_text);
  shell.nonzero = given(Nonzero::kError, task.at);
  Whole seconds;
  reader.value("timeout_sec", seconds);
  if (seconds) task.timeout = given(std::chrono::milliseconds(std::chrono::seconds(*seconds)), seconds.at);
  if (!shell.command) reading.missing(task.at, what, "command");
  task.does = std::move(shell);
}

const std::vector<std::string>& step_fields() {
  static const std::vector<std::string> all = {"agent",       "fork_from", "prompt",   "effort",  "deny_tools",
                                               "json_output", "signal",    "on_error", "command", "input",
                                               "timeout_sec", "tool",      "question", "options", "category"};
  return all;
}

Task read_step(const Member& member, Reading& reading) {
  Task task;
  task.at = member.value.at;
  task.id = given(member.key, member.key_at);
  task.transition.take = given(Take::kAll, member.key_at);
  task.transition.no_match = given(NoMatch::kEnd, member.key_at);
  task.transition.at = member.value.at;
  const std::string what = fmt::format("step \"{}\"", member.key);
  Reader reader(member.value, reading);
  reader.value("explanation", task.description);
  reader.value("silent", task.silent);
  reader.value("stream", task.stream);
  reader.value("output", task.output_file);
  reader.value("display_key", task.display_key);
  reader.take("input_params");
  Name type;
  reader.value("type", type);
  task.handler_at = type ? type.at : member.value.at;
  if (!type) {
    if (member.value.map() != nullptr) reading.missing(member.value.at, what, "type");
    return task;
  }
  if (*type == "agent") {
    read_agent_step(reader, task, what, reading);
  } else if (*type == "tool") {
    read_tool_step(reader, task, what, reading);
  } else if (*type == "bash") {
    read_bash_step(reader, task, what, reading);
  } else {
    reading.findings.unknown("unknown-handler", type.at, fmt::format("{}: there is no type \"{}\"", what, *type), *type,
                             {"agent", "tool", "bash"});
    return task;
  }
  if (const Node* next = reader.take("next_steps")) read_step_refs(*next, task.transition.branches, reading);
  reader.finish(step_fields(), fmt::format("with the type \"{}\"", *type));
  return task;
}

void read_budget(const Node& node, Given<Budget>& out, Reading& reading) {
  out.at = node.at;
  out.from = Given<Budget>::From::kFile;
  Reader reader(node, reading);
  reader.value("max_tokens", out->tokens);
  reader.value("max_seconds", out->seconds);
  reader.value("max_iterations", out->steps);
  // A limit of 0 is none there.
  for (Whole* limit : {&out->tokens, &out->seconds, &out->steps}) {
    if (*limit && limit->value == 0) *limit = {};
  }
  reader.value("on_exceeded", out->on_exceeded);
  end_where_it_stops(out->on_exceeded);
  reader.finish();
}

void read_entry(const Node& node, Chain& chain, Reading& reading) {
  Branch entry;
  if (!read_step_ref(node, entry, reading)) return;
  chain.entry_params = std::move(entry.params);
  const Task* task = chain.find(*entry.go_to);
  if (task != nullptr) {
    chain.entry = static_cast<std::size_t>(task - chain.tasks.data());
    return;
  }
  std::vector<std::string> ids;
  for (const Task& other : chain.tasks) ids.push_back(*other.id);
  reading.findings.unknown("unknown-goto", entry.go_to.at,
                           fmt::format("the entry point is \"{}\", which does not exist", *entry.go_to), *entry.go_to,
                           ids);
}

Chain read_workflow(const Node& node, const std::string& file, Reading& reading) {
  Chain chain;
  chain.file = file;
  chain.source = reading.source;
  chain.dialect = Dialect::kVix;
  chain.at = node.at;
  Reader reader(node, reading);
  reader.value("name", chain.id);
  if (!chain.id && node.map() != nullptr) reading.missing(node.at, "the workflow", "name");
  reader.value("description", chain.description);
  reader.value("summary", chain.summary);
  reader.value("display_in_tui", chain.display);
  if (const Node* budget = reader.take("budget")) read_budget(*budget, chain.budget, reading);
  const Node* steps = reader.take("steps");
  if (steps != nullptr && steps->map() == nullptr) reading.wrong_kind(*steps, "a map");
  if (steps != nullptr && steps->map() != nullptr) {
    for (const Member& step : *steps->map()) chain.tasks.push_back(read_step(step, reading));
  }
  if (chain.tasks.empty() && node.map() != nullptr) {
    reading.findings.add("empty-chain", steps == nullptr ? node.at : steps->at, "there is no step");
  }
  if (const Node* entry = reader.take("entry_point")) {
    read_entry(*entry, chain, reading);
  } else if (node.map() != nullptr) {
    reading.missing(node.at, "the workflow", "entry_point");
  }
  reader.finish();
  return chain;
}

}  // namespace

std::vector<Chain> read_vix(const Node& root, const std::string& file, Reading& reading) {
  std::vector<Chain> chains;
  Reader reader(root, reading);
  const Node* workflows = reader.take("workflows");
  reader.finish();
  if (workflows == nullptr || workflows->list() == nullptr) {
    if (workflows != nullptr) reading.wrong_kind(*workflows, "a list");
    return chains;
  }
  std::set<std::string> names;
  for (const Node& workflow : *workflows->list()) {
    Chain chain = read_workflow(workflow, file, reading);
    // The second of one name is found under the name with its number, as vix does.
    const std::string name = *chain.id;
    for (int number = 2; chain.id && !names.insert(*chain.id).second; ++number) {
      chain.id.value = fmt::format("{}-{}", name, number);
    }
    if (chain.id && *chain.id != name) {
      reading.findings.add("duplicate-workflow", chain.id.at, fmt::format("there are two workflows \"{}\"", name),
                           fmt::format("this one is \"{}\"", *chain.id));
    }
    chains.push_back(std::move(chain));
  }
  if (chains.empty()) reading.findings.add("empty-chain", workflows->at, "there is no workflow");
  return chains;
}

}  // namespace lathe::chain
