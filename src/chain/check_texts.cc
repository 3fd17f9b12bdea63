#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "lathe/base/strings.h"
#include "lathe/chain/checks.h"
#include "lathe/chain/each_text.h"
#include "lathe/formats/decode.h"

namespace lathe::chain {
namespace {

/// Larger chains are not asked which task comes before which: the answer grows with the square of their size.
constexpr std::size_t kMostTasksInOrder = 2000;

/// Names that templates of the chain may use, besides those of tasks.
std::set<std::string> given_names(const Chain& chain) {
  std::set<std::string> names = {"input", "previous_output", "last_error", "user_text"};
  for (const Input& input : chain.inputs) names.insert(input.name);
  for (const Task& task : chain.tasks) {
    names.insert(*task.id + "_error");
    for (const Branch& branch : task.transition.branches) {
      for (const NamedText& param : branch.params) names.insert(param.name);
    }
    if (const auto* map = std::get_if<Map>(&task.does)) {
      names.insert(map->as ? *map->as : "item");
      names.insert("index");
    }
  }
  for (const NamedText& param : chain.entry_params) names.insert(param.name);
  if (chain.dialect == Dialect::kVix) {
    for (const char* name : {"workflow", "session", "step", "working_directory", "platform", "model", "shell",
                             "os_version", "is_git_repo"}) {
      names.insert(name);
    }
  }
  return names;
}

class TextChecks final {
 public:
  explicit TextChecks(Checking& c) : c_(c), names_(given_names(c.chain)) {
    for (const Input& input : c.chain.inputs) vars_.push_back(input.name);
    vars_.insert(vars_.end(), built_in_variables().begin(), built_in_variables().end());
    vars_.insert(vars_.end(), c.around.variables.begin(), c.around.variables.end());
  }

  void check(const Task* task, std::string_view field, const Text& text) {
    // It is rendered over the tool's result, whose members nobody knows.
    if (field != "output_template") {
      for (const templates::Variable& variable : text->variables()) check_variable(task, field, text, variable);
    }
    for (const templates::Macro& macro : text->macros()) check_macro(text, macro);
  }

  void check_input_var(const Task& task) {
    const Name& name = task.input_var;
    if (!name) return;
    used_.insert(*name);
    if (*name == "input" || *name == "previous_output") return;
    if (const auto source = c_.flow.index_of(*name)) return check_order(task, *source, name.at);
    if (std::ranges::find(c_.chain.inputs, *name, &Input::name) != c_.chain.inputs.end()) return;
    std::vector<std::string> known = c_.ids;
    known.insert(known.begin(), {"input", "previous_output"});
    c_.findings.unknown("unknown-input-var", name.at,
                        fmt::format("{} is given \"{}\", which nothing is called", called(task), *name), *name, known);
  }

  void check_unused_inputs() {
    for (const Input& input : c_.chain.inputs) {
      if (used_.contains(input.name) || *input.from == InputSource::kStdin) continue;
      c_.findings.add("unused-input", input.at, fmt::format("nothing uses the input \"{}\"", input.name),
                      fmt::format("a template uses it as {{{{.{}}}}}", input.name));
    }
  }

 private:
  void check_variable(const Task* task, std::string_view field, const Text& text, const templates::Variable& variable) {
    if (variable.path.empty()) return;
    const std::string& name = variable.path.front();
    used_.insert(name);
    const bool step = c_.chain.dialect == Dialect::kVix && name == "step" && variable.path.size() > 1;
    const std::string& id = step ? variable.path[1] : name;
    if (const auto source = c_.flow.index_of(id); source && (step || c_.chain.dialect != Dialect::kVix)) {
      if (task != nullptr) check_order(*task, *source, c_.chain.place(text, variable.at));
      return;
    }
    if (!step && names_.contains(name)) return;
    std::vector<std::string> known = c_.ids;
    if (!step) known.insert(known.end(), names_.begin(), names_.end());
    // In a command of vix, what is no variable stays: $(pwd) is the shell's.
    const bool for_the_shell = c_.chain.dialect == Dialect::kVix && (field == "command" || field == "when");
    if (for_the_shell && !step && !base::nearest(id, known)) return;
    c_.findings.unknown("unknown-variable", c_.chain.place(text, variable.at),
                        fmt::format("nothing gives \"{}\" a value", base::join(variable.path, ".")), id, known);
  }

  /// The output of `source` is there only when a way leads from it to the task.
  void check_order(const Task& task, std::size_t source, Position at) {
    if (c_.chain.tasks.size() > kMostTasksInOrder) return;
    const std::size_t own = *c_.flow.index_of(*task.id);
    const auto leads_on = [&](const Way& way) { return way.from == source && reach(way.to)[own]; };
    if (std::ranges::any_of(c_.flow.ways(), leads_on)) return;
    // What the branches of a parallel or map task give is there behind it.
    const auto joined = [&](const Way& way) {
      return way.kind == Way::Kind::kStart && reach(way.to)[source] && reach(way.from)[own];
    };
    if (std::ranges::any_of(c_.flow.ways(), joined)) return;
    c_.findings.add(
        "variable-not-set-yet", at,
        fmt::format("{} uses the output of \"{}\", which never runs before it", called(task), c_.flow.name_of(source)));
  }

  const std::vector<bool>& reach(std::size_t task) {
    auto& known = reached_[task];
    if (known.empty()) known = c_.flow.reach(task);
    return known;
  }

  void check_macro(const Text& text, const templates::Macro& macro) {
    const Position at = c_.chain.place(text, macro.at);
    if (macro.space == "var") return check_var(at, macro);
    if (macro.space == "edge_count") return check_edge_count(at, macro);
    static const std::map<std::string, std::vector<std::string>, std::less<>> kBraces = {
        {"date", {}}, {"now", {}}, {"chain", {"id"}}, {"host", {"os", "arch"}}, {"toolservice", {"list", "tools"}}};
    static const std::map<std::string, std::vector<std::string>, std::less<>> kDollars = {
        {"file", {}}, {"call", {}}, {"bash", {}}};
    const auto& known = c_.chain.dialect == Dialect::kVix ? kDollars : kBraces;
    const auto space = known.find(macro.space);
    if (space == known.end()) {
      std::vector<std::string> spaces;
      for (const auto& [name, arguments] : known) spaces.push_back(name);
      if (c_.chain.dialect != Dialect::kVix) spaces.insert(spaces.end(), {"edge_count", "var"});
      return c_.findings.unknown("unknown-macro", at, fmt::format("there is no macro \"{}:\"", macro.space),
                                 macro.space, spaces);
    }
    const std::string word = macro.argument.substr(0, macro.argument.find(' '));
    if (space->second.empty() || std::ranges::find(space->second, word) != space->second.end()) return;
    c_.findings.unknown("unknown-macro", at, fmt::format("there is no macro \"{}:{}\"", macro.space, macro.argument),
                        word, space->second);
  }

  [[nodiscard]] bool is_var(std::string_view name) const {
    return std::ranges::any_of(vars_, [&](const std::string& known) { return formats::same_key(known, name); });
  }

  void check_var(Position at, const templates::Macro& macro) {
    constexpr std::string_view kVar = "var:";
    bool has_value = is_var(macro.argument);
    use_var(macro.argument);
    for (const std::string& fallback : macro.fallbacks) {
      const bool other = fallback.starts_with(kVar);
      has_value = has_value || !other || is_var(fallback.substr(kVar.size()));
      if (other) use_var(fallback.substr(kVar.size()));
    }
    if (has_value) return;
    std::string hint = base::did_you_mean(macro.argument, vars_);
    if (hint.empty()) {
      hint = fmt::format("declare it in \"inputs\", or give it a fallback: {{{{var:{}|text}}}}", macro.argument);
    }
    c_.findings.add("undefined-var", at, fmt::format("{{{{var:{}}}}} has no value", macro.argument), std::move(hint));
  }

  void use_var(std::string_view name) {
    for (const Input& input : c_.chain.inputs) {
      if (formats::same_key(input.name, name)) used_.insert(input.name);
    }
  }

  void check_edge_count(Position at, const templates::Macro& macro) {
    const auto edge = parse_edge(macro.argument);
    if (!edge) {
      c_.findings.add("bad-edge", at, fmt::format("\"{}\" is no edge", macro.argument), "write it as \"from->to\"");
      return;
    }
    if (c_.flow.goes(*edge)) return;
    c_.findings.add("unknown-edge", at, fmt::format("nothing goes the way \"{}\"", macro.argument),
                    "its count is always 0");
  }

  Checking& c_;
  std::set<std::string> names_;
  std::vector<std::string> vars_;
  std::set<std::string> used_;
  std::map<std::size_t, std::vector<bool>> reached_;
};

/// What a task hands on, as far as it is known before the run.
enum class Kind { kAny, kText, kConversation, kJson };

Kind kind_of(const Task& task) {
  struct Of {
    Kind operator()(const ChatCompletion&) const { return Kind::kConversation; }
    Kind operator()(const ExecuteToolCalls&) const { return Kind::kConversation; }
    Kind operator()(const ToolCall& call) const { return call.output_template ? Kind::kText : Kind::kAny; }
    Kind operator()(const Route&) const { return Kind::kAny; }
    Kind operator()(const Noop& noop) const { return noop.prompt_template ? Kind::kText : Kind::kAny; }
    Kind operator()(const RaiseError&) const { return Kind::kAny; }
    Kind operator()(const Agent& agent) const { return *agent.json_output ? Kind::kJson : Kind::kText; }
    Kind operator()(const Driver&) const { return Kind::kText; }
    Kind operator()(const Shell& shell) const { return *shell.parse == Parse::kText ? Kind::kText : Kind::kJson; }
    Kind operator()(const Human& human) const { return *human.ask == AskKind::kForm ? Kind::kJson : Kind::kText; }
    Kind operator()(const SubChain&) const { return Kind::kAny; }
    Kind operator()(const Parallel&) const { return Kind::kJson; }
    Kind operator()(const Map&) const { return Kind::kJson; }
    Kind operator()(const Wait&) const { return Kind::kAny; }
  };
  return std::visit(Of{}, task.does);
}

/// Calls are taken from a conversation, nothing else.
void check_types(Checking& c, std::size_t index) {
  const Task& task = c.chain.tasks[index];
  if (!std::holds_alternative<ExecuteToolCalls>(task.does)) return;
  const auto complain = [&](const Task& source, Position at) {
    const Kind kind = kind_of(source);
    if (kind == Kind::kAny || kind == Kind::kConversation) return;
    c.findings.add("input-type-mismatch", at,
                   fmt::format("{} needs a conversation, but {} gives {}", called(task), called(source),
                               kind == Kind::kJson ? "JSON" : "text"),
                   "name a chat_completion task as its input_var");
  };
  if (task.input_var && *task.input_var != "previous_output") {
    if (const auto source = c.flow.index_of(*task.input_var)) complain(c.chain.tasks[*source], task.input_var.at);
    return;
  }
  for (const Way& way : c.flow.ways()) {
    if (way.to == index && way.kind == Way::Kind::kBranch) complain(c.chain.tasks[way.from], task.handler_at);
  }
}

bool is_blank(const Text& text) { return text && base::trim(text->text()).empty(); }

void check_empty_prompts(Checking& c, const Task& task) {
  const auto complain = [&](const Text& text, std::string_view field) {
    if (!is_blank(text)) return;
    c.findings.add("empty-prompt", text.at, fmt::format("{}: \"{}\" is empty", called(task), field),
                   "write it, or leave it out");
  };
  std::visit(
      [&](const auto& does) {
        if constexpr (requires { does.system_instruction; }) complain(does.system_instruction, "system_instruction");
        if constexpr (requires { does.prompt_template; }) complain(does.prompt_template, "prompt_template");
        if constexpr (requires { does.question; }) complain(does.question, "question");
      },
      task.does);
  const auto* human = std::get_if<Human>(&task.does);
  if (human != nullptr && !human->question) {
    c.findings.add("empty-prompt", task.handler_at, fmt::format("{} asks nothing", called(task)), "write \"question\"");
  }
}

void check_schema(Checking& c, const Task& task) {
  const auto complain = [&](const Given<base::Json>& schema) {
    if (!schema) return;
    static const std::vector<std::string> kTypes = {"object",  "array",   "string", "number",
                                                    "integer", "boolean", "null"};
    const auto add = [&](const std::string& why) {
      c.findings.add("bad-output-schema", schema.at, fmt::format("{}: \"output_schema\" {}", called(task), why));
    };
    if (!schema->is_object()) return add("is no JSON Schema: it must be a map");
    const base::Json& type = base::json_at(*schema, "type");
    if (type.is_string() && std::ranges::find(kTypes, type.get<std::string>()) == kTypes.end()) {
      return add(fmt::format("has the type \"{}\", which JSON does not have", type.get<std::string>()));
    }
    const base::Json& properties = base::json_at(*schema, "properties");
    if (!properties.is_null() && !properties.is_object()) return add("has \"properties\" that are no map");
    const base::Json& required = base::json_at(*schema, "required");
    if (!required.is_null() && !required.is_array()) add("has \"required\" that is no list");
  };
  std::visit(
      [&](const auto& does) {
        if constexpr (requires { does.output_schema; }) complain(does.output_schema);
      },
      task.does);
}

}  // namespace

void check_texts(Checking& c) {
  TextChecks texts(c);
  each_text_outside(c.chain, [&](std::string_view field, const Text& text) { texts.check(nullptr, field, text); });
  for (std::size_t i = 0; i < c.chain.tasks.size(); ++i) {
    const Task& task = c.chain.tasks[i];
    each_text(task, [&](std::string_view field, const Text& text) { texts.check(&task, field, text); });
    texts.check_input_var(task);
    check_types(c, i);
    check_empty_prompts(c, task);
    check_schema(c, task);
  }
  texts.check_unused_inputs();
}

namespace {

bool is_of_type(const base::Json& value, InputType type) {
  switch (type) {
    case InputType::kString:
      return value.is_string();
    case InputType::kInt:
      return value.is_number_integer();
    case InputType::kNumber:
      return value.is_number();
    case InputType::kBool:
      return value.is_boolean();
    case InputType::kJson:
      return true;
  }
  return true;
}

void check_input_value(Checking& c, const Input& input) {
  constexpr std::string_view kTypes[] = {"a string", "a whole number", "a number", "true or false", "JSON"};
  const std::string_view type = kTypes[static_cast<std::size_t>(*input.type)];
  if (input.choices && !input.choices->is_array()) {
    c.findings.add("wrong-kind", input.choices.at,
                   fmt::format("the choices of the input \"{}\" are no list", input.name));
    return;
  }
  for (const base::Json& choice : *input.choices) {
    if (is_of_type(choice, *input.type)) continue;
    c.findings.add(
        "bad-default-value", input.choices.at,
        fmt::format("the choice {} of the input \"{}\" is not {}", base::dump_json(choice), input.name, type));
  }
  if (!input.fallback) return;
  if (!is_of_type(*input.fallback, *input.type)) {
    c.findings.add("bad-default-value", input.fallback.at,
                   fmt::format("the default {} of the input \"{}\" is not {}", base::dump_json(*input.fallback),
                               input.name, type));
  } else if (input.choices && std::ranges::find(*input.choices, *input.fallback) == input.choices->end()) {
    c.findings.add("bad-default-value", input.fallback.at,
                   fmt::format("the default {} of the input \"{}\" is none of its choices",
                               base::dump_json(*input.fallback), input.name));
  }
}

}  // namespace

void check_inputs(Checking& c) {
  const Input* from_stdin = nullptr;
  for (const Input& input : c.chain.inputs) {
    if (input.name.empty() || input.name.find_first_of(" .|{}()$:'\"") != std::string::npos) {
      c.findings.add("bad-id", input.at, fmt::format("\"{}\" cannot be the name of an input", input.name),
                     "take letters, digits and \"_\"");
    }
    if (const Task* task = c.chain.find(input.name)) {
      c.findings.add("duplicate-input", input.at,
                     fmt::format("the input \"{}\" has the name of the task in line {}", input.name, task->id.at.line),
                     "templates could not tell them apart");
    }
    check_input_value(c, input);
    if (*input.from != InputSource::kStdin) continue;
    if (from_stdin != nullptr) {
      c.findings.add("duplicate-input", input.from.at,
                     fmt::format("\"{}\" and \"{}\" both read the standard input", from_stdin->name, input.name));
    }
    from_stdin = &input;
  }
}

}  // namespace lathe::chain
