#pragma once

#include <array>
#include <concepts>
#include <string_view>
#include <type_traits>

#include "lathe/chain/chain.h"

// The fields of a workflow file, each with its name and meaning: one list for each struct of chain.h. A visitor is a
// class with the functions
//
//   value(name, Given<T>&, meaning)            one value
//   loose(name, Text&, meaning)                text that may also be written as a number, or true or false
//   choice(name, Given<Enum>&, words, meaning) one of `words`, in the order of the enum
//   object(name, Given<T>&, meaning)           a map with the fields of T
//   list(name, std::vector<T>&, meaning)       a list of such maps, or of Given<T>
//   listed(name, Given<std::vector<T>>&, meaning)   a list that may be given and empty
//   named(name, std::vector<T>&, meaning)      a map from names to texts or to such maps
//   special(name, Given<T>&, meaning)          Session and Join, which are words with a part in them
//
// load.cc reads with them, show.cc writes with them, schema.cc describes with them, so that the three cannot differ.

namespace lathe::chain {

/// The struct, or the struct as something that is only looked at.
template <class T, class Struct>
concept Is = std::same_as<std::remove_const_t<T>, Struct>;

inline constexpr auto kInputTypes = std::to_array<std::string_view>({"string", "int", "number", "bool", "json"});
inline constexpr auto kInputSources = std::to_array<std::string_view>({"var", "stdin", "file"});
inline constexpr auto kTakes = std::to_array<std::string_view>({"first", "all"});
inline constexpr auto kNoMatches = std::to_array<std::string_view>({"error", "end"});
inline constexpr auto kParses = std::to_array<std::string_view>({"text", "json", "lines"});
inline constexpr auto kNonzeros = std::to_array<std::string_view>({"verdict", "error"});
inline constexpr auto kAskKinds = std::to_array<std::string_view>({"approve", "choose", "form"});
inline constexpr auto kBranchErrors = std::to_array<std::string_view>({"abort", "collect"});
inline constexpr auto kOperatorWords =
    std::to_array<std::string_view>({"equals", "contains", "starts_with", "ends_with", "default",
                                     "edge_traversed_at_least", "command_succeeds", "always"});
inline constexpr auto kThinkLevels =
    std::to_array<std::string_view>({"auto", "off", "minimal", "low", "medium", "high", "xhigh", "true", "false"});

template <class Visitor, Is<RetryPolicy> T>
void fields(Visitor& v, T& p) {
  v.value("max_attempts", p.max_attempts, "Requests to one candidate; 0 and 1 mean that none is repeated.");
  v.value("initial_backoff", p.initial_backoff,
          "The first pause, 500ms unless given; each further one is twice as long.");
  v.value("max_backoff", p.max_backoff, "No pause is longer.");
  v.value("jitter", p.jitter, "The part of a pause that is random, 0 to 1.");
  v.value("rate_limit_min_wait", p.rate_limit_min_wait,
          "The shortest pause after the provider said that it is too much.");
  v.value("fallback_model_id", p.fallback_model_id,
          "The model that is asked after `fallback_after` failures in a row.");
  v.value("fallback_after", p.fallback_after, "Failures in a row before `fallback_model_id` is asked.");
}

template <class Visitor, Is<ModelUse> T>
void fields(Visitor& v, T& u) {
  v.value("model", u.model, "The first candidate.");
  v.list("models", u.models, "Further candidates, asked in this order.");
  v.value("provider", u.provider, "The provider type or backend of `model`.");
  v.list("providers", u.providers, "Those of `models`, index for index; one alone is for all of them.");
  v.value("temperature", u.temperature, "0 to 2; the provider's own unless given, 0 for a route.");
  v.listed("tools", u.tools, "What may be called: names, \"*\" for all, \"!name\" for all but it. Absent: nothing.");
  v.listed("hide_tools", u.hide_tools, "Names of tools that the model is not told of.");
  v.named("tools_policies", u.tools_policies, "What narrows a toolset, by its name.");
  v.value("pass_clients_tools", u.pass_clients_tools, "The client's own tools may be called too.");
  v.loose("think", u.think, "How much the model thinks first: auto, off, minimal, low, medium, high, xhigh.");
  v.loose("max_tokens", u.max_tokens, "The longest answer.");
  v.value("shift", u.shift, "The oldest messages are left out when the conversation does not fit.");
  v.object("retry_policy", u.retry_policy, "When a request is repeated.");
}

template <class Visitor, Is<Budget> T>
void fields(Visitor& v, T& b) {
  v.value("tokens", b.tokens, "Tokens of all requests and answers.");
  v.value("usd", b.usd, "Money, in US dollars.");
  v.value("seconds", b.seconds, "Time, without waiting for people.");
  v.value("turns", b.turns, "Requests to models.");
  v.value("tool_calls", b.tool_calls, "Calls of tools.");
  v.value("steps", b.steps, "Tasks that are started.");
  v.value("on_exceeded", b.on_exceeded,
          "The task that goes on, once, or `end`. Absent: the run stops with what it has.");
}

template <class Visitor, Is<Input> T>
void fields(Visitor& v, T& i) {
  v.choice("type", i.type, kInputTypes, "What its text must be; `string` unless given.");
  v.value("description", i.description, "Shown by --help and when it is missing.");
  v.value("default", i.fallback, "Its value when none is given.");
  v.choice("from", i.from, kInputSources,
           "`var`: --var name=value; `stdin`: the standard input; `file`: --var name=PATH.");
  v.value("required", i.required, "True unless it has a default.");
  v.value("choices", i.choices, "A list of the values that it may have.");
}

template <class Visitor, Is<Branch> T>
void fields(Visitor& v, T& b) {
  v.choice("operator", b.op, kOperatorWords, "How the eval is compared.");
  v.loose("when", b.when, "What it is compared with: a text, a count for edges, a command for command_succeeds.");
  v.value("edge", b.edge, "`from->to`, for edge_traversed_at_least.");
  v.value("goto", b.go_to, "A task, or `end`, which is also what an empty one means.");
  v.named("params", b.params, "Values that templates of the task that it goes to may use.");
}

template <class Visitor, Is<Transition> T>
void fields(Visitor& v, T& t) {
  v.value("on_failure", t.on_failure, "The task that goes on when this one fails, or `end`.");
  v.choice("take", t.take, kTakes, "`first` match, or `all`: several run side by side and are joined.");
  v.choice("no_match", t.no_match, kNoMatches, "What it is when no branch matches: an `error`, or the `end`.");
  v.list("branches", t.branches, "Tried in their order, the default last. None at all: the chain ends here.");
}

template <class Visitor, Is<ChatCompletion> T>
void fields(Visitor& v, T& t) {
  v.value("system_instruction", t.system_instruction, "What the model is told first.");
  v.value("prompt_template", t.prompt_template, "Takes the place of the task's input.");
  v.object("execute_config", t.use, "Models and tools.");
  v.value("output_schema", t.output_schema, "A JSON Schema that the answer must hold to; one repair round.");
}
template <class Visitor, Is<ExecuteToolCalls> T>
void fields(Visitor& v, T& t) {
  v.object("execute_config", t.use, "Which tools may be run, and their policies.");
}
template <class Visitor, Is<ToolRef> T>
void fields(Visitor& v, T& t) {
  v.value("name", t.name, "The toolset.");
  v.value("tool_name", t.tool_name, "The tool in it.");
  v.named("args", t.args, "Its arguments, each a template.");
}
template <class Visitor, Is<ToolCall> T>
void fields(Visitor& v, T& t) {
  v.object("tools", t.tool, "The tool that is called.");
  v.value("output_template", t.output_template, "Makes of the result what is the output and the eval.");
  v.object("execute_config", t.use, "The tool's policies.");
}
template <class Visitor, Is<Route> T>
void fields(Visitor& v, T& t) {
  v.value("system_instruction", t.system_instruction, "What the model is told first.");
  v.value("prompt_template", t.prompt_template, "Takes the place of the task's input.");
  v.object("execute_config", t.use, "The models that choose.");
}
template <class Visitor, Is<Noop> T>
void fields(Visitor& v, T& t) {
  v.value("prompt_template", t.prompt_template, "Takes the place of the input, and so is the output.");
}
template <class Visitor, Is<RaiseError> T>
void fields(Visitor& v, T& t) {
  v.value("prompt_template", t.prompt_template, "The error's text; the input unless given.");
}
template <class Visitor, Is<Agent> T>
void fields(Visitor& v, T& t) {
  v.value("agent", t.agent, "An agent of .lathe/agents; absent: the plain one.");
  v.value("system_instruction", t.system_instruction, "What the model is told first.");
  v.value("prompt_template", t.prompt_template, "The work; the task's input unless given.");
  v.object("execute_config", t.use, "Models and tools.");
  v.value("output_schema", t.output_schema, "A JSON Schema that the answer must hold to; one repair round.");
  v.value("json_output", t.json_output, "The answer is a JSON object, whose members become variables.");
  v.value("signal", t.signal, "The agent may say that the work is complete or blocked.");
}
template <class Visitor, Is<Driver> T>
void fields(Visitor& v, T& t) {
  v.value("driver", t.driver, "The outside agent: `codex`, `claude`, `acp:<command>`.");
  v.value("prompt_template", t.prompt_template, "The work; the task's input unless given.");
  v.value("model", t.model, "The model that it is told to use.");
  v.value("output_schema", t.output_schema, "A JSON Schema that the answer must hold to; one repair round.");
}
template <class Visitor, Is<Shell> T>
void fields(Visitor& v, T& t) {
  v.value("command", t.command, "The command. Values reach it as words of their own, never as shell text.");
  v.value("stdin", t.stdin_text, "Its standard input; the task's input unless given.");
  v.value("cwd", t.cwd, "Its working folder, from the chain's.");
  v.named("env", t.env, "Variables of its environment.");
  v.choice("parse", t.parse, kParses, "What its output is read as.");
  v.choice("nonzero", t.nonzero, kNonzeros, "Another exit code than 0: the eval `failed`, or a failure of the task.");
  v.value("output_template", t.output_template, "Makes of the result what is the output and the eval.");
}
template <class Visitor, Is<Choice> T>
void fields(Visitor& v, T& c) {
  v.value("id", c.id, "The eval when it is chosen.");
  v.value("description", c.description, "Shown beside it.");
  v.value("has_user_input", c.has_user_input, "The person adds a text, `{{.user_text}}`.");
}
template <class Visitor, Is<Human> T>
void fields(Visitor& v, T& t) {
  v.choice("ask", t.ask, kAskKinds, "To approve, to choose, or to fill a form.");
  v.value("question", t.question, "What is asked.");
  v.list("choices", t.choices, "For choose.");
  v.named("form", t.form, "For form: the fields, as inputs are declared.");
  v.value("deadline", t.deadline, "No answer by then is `default`.");
  v.value("default", t.default_answer, "The eval when the deadline passes; `timed_out` unless given.");
  v.value("quorum", t.quorum, "Approvals that are needed; 1 unless given.");
  v.list("who", t.who, "Who may answer; anyone with the scope to approve unless given.");
}
template <class Visitor, Is<SubChain> T>
void fields(Visitor& v, T& t) {
  v.value("chain", t.chain, "A named chain, or a path from this file.");
  v.named("with", t.with, "Its inputs.");
}
template <class Visitor, Is<Parallel> T>
void fields(Visitor& v, T& t) {
  v.list("start", t.start, "The first task of each branch, which runs until one of its tasks goes to `end`.");
  v.value("max_parallel", t.max_parallel, "Branches at a time.");
  v.special("join", t.join, "`all`, `any`, or how many must be done.");
  v.choice("on_branch_error", t.on_branch_error, kBranchErrors, "A failed branch ends the others, or is collected.");
}
template <class Visitor, Is<Map> T>
void fields(Visitor& v, T& t) {
  v.value("over", t.over, "A JSON list, or a text with an item in each line.");
  v.value("as", t.as, "The variable that holds the item; `item` unless given.");
  v.value("start", t.start, "The first task of each item's branch, which runs until one goes to `end`.");
  v.value("max_parallel", t.max_parallel, "Items at a time.");
  v.value("max_items", t.max_items, "More items are an error before the first one starts.");
  v.special("join", t.join, "`all`, `any`, or how many must be done.");
  v.choice("on_branch_error", t.on_branch_error, kBranchErrors, "A failed item ends the others, or is collected.");
}
template <class Visitor, Is<Wait> T>
void fields(Visitor& v, T& t) {
  v.value("duration", t.duration, "So long; with `event`, at most so long.");
  v.value("until", t.until, "A time as 2026-11-28T20:05:00Z, or a text that becomes one.");
  v.value("event", t.event, "Until this event is sent to the run.");
}

/// The fields that every task may have; those of its handler come beside them.
template <class Visitor, Is<Task> T>
void fields(Visitor& v, T& t) {
  v.value("id", t.id, "Names the task; its output is `{{.<id>}}`.");
  v.value("description", t.description, "For people.");
  v.value("input_var", t.input_var, "What it is given: `input`, `previous_output` (unless given), or an earlier task.");
  v.value("input_max_bytes", t.input_max_bytes, "A longer input is cut.");
  v.value("print", t.print, "Written once the task is done.");
  v.object("transition", t.transition, "Where it goes on.");
  v.value("timeout", t.timeout, "The longest time for one try.");
  v.value("retry_on_failure", t.retry_on_failure, "How often the whole task is tried again.");
  v.special("session", t.session, "Whose conversation a model task sees: `shared`, `new`, or `fork_from:<task>`.");
  v.object("budget", t.budget, "What the task may spend.");
  v.value("output", t.output_file, "The file that gets the task's text.");
  v.value("display_key", t.display_key, "The member of a JSON answer that is shown.");
  v.value("silent", t.silent, "Nothing of it is shown.");
  v.value("stream", t.stream, "Its text is shown as it comes.");
}

template <class Visitor, Is<Defaults> T>
void fields(Visitor& v, T& d) {
  v.object("execute_config", d.execute_config, "What every execute_config has that does not say otherwise.");
  v.named("tools_policies", d.tools_policies, "Policies of every task that has the toolset.");
}

template <class Visitor, Is<Chain> T>
void fields(Visitor& v, T& c) {
  v.value("version", c.version, "1.");
  v.value("id", c.id, "The chain's name; that of its file unless given.");
  v.value("description", c.description, "For people, and for `lathe chain list`.");
  v.value("debug", c.debug, "Everything that happens is traced.");
  v.value("token_limit", c.token_limit, "The largest request with its answer, in tokens; 0: no limit here.");
  v.value("unattended", c.unattended, "Nobody is there to answer.");
  v.named("inputs", c.inputs, "What it is given, by name.");
  v.object("defaults", c.defaults, "What its tasks inherit.");
  v.object("budget", c.budget, "What a run may spend.");
  v.list("tasks", c.tasks, "Its tasks; it starts with the first.");
}

}  // namespace lathe::chain
