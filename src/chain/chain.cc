#include "lathe/chain/chain.h"

#include <algorithm>
#include <array>
#include <type_traits>

#include "lathe/chain/text_places.h"

namespace lathe::chain {
namespace {

struct HandlerRow {
  std::string_view name;
  Does (*make)();
  std::string_view evals;
};

template <class T>
Does make() {
  return T{};
}

// In the order of Does.
constexpr std::array<HandlerRow, std::variant_size_v<Does>> kHandlers = {{
    {"chat_completion", make<ChatCompletion>, "`tool_call` when the answer asks for tools, else `executed`"},
    {"execute_tool_calls", make<ExecuteToolCalls>,
     "`tools_executed`; `no_calls_found` when the last answer asks for none; `noop` for an empty conversation"},
    {"tools", make<ToolCall>, "`tools_executed`, or what `output_template` makes of the result"},
    {"route", make<Route>, "the label that was chosen; an answer that is none of the labels is the eval as it stands"},
    {"noop", make<Noop>, "`noop`"},
    {"raise_error", make<RaiseError>, "none: the task fails"},
    {"agent", make<Agent>, "`done`; `blocked` when the agent says so; `budget_exceeded`"},
    {"driver", make<Driver>, "`done`, `blocked`, `budget_exceeded`"},
    {"shell", make<Shell>,
     "`passed`; `failed` (unless `nonzero: error`); `timed_out`; or what `output_template` makes"},
    {"human", make<Human>, "approve: `approved`, `denied`; choose: the chosen id; form: `submitted`; and `timed_out`"},
    {"chain", make<SubChain>, "`done`, `budget_exceeded`"},
    {"parallel", make<Parallel>, "`done`; `some_failed` with `on_branch_error: collect`"},
    {"map", make<Map>, "`done`; `some_failed` with `on_branch_error: collect`; `empty` when there is nothing to do"},
    {"wait", make<Wait>, "`elapsed`, `happened`, `timed_out`"},
}};

struct OperatorRow {
  Operator op;
  std::string_view name;
};
constexpr auto kOperators = std::to_array<OperatorRow>({
    {Operator::kEquals, "equals"},
    {Operator::kContains, "contains"},
    {Operator::kStartsWith, "starts_with"},
    {Operator::kEndsWith, "ends_with"},
    {Operator::kDefault, "default"},
    {Operator::kEdgeTraversedAtLeast, "edge_traversed_at_least"},
    {Operator::kCommandSucceeds, "command_succeeds"},
    {Operator::kAlways, "always"},
});

struct EvalsOf {
  const Task& task;

  Evals operator()(const ChatCompletion&) const { return {{"tool_call", "executed"}}; }
  Evals operator()(const ExecuteToolCalls&) const { return {{"tools_executed", "no_calls_found", "noop"}}; }
  Evals operator()(const ToolCall& call) const {
    if (call.output_template) return {.names = {}, .open = true};
    return {{"tools_executed"}};
  }
  Evals operator()(const Route&) const {
    Evals evals{.names = {}, .open = true};
    for (const Branch& branch : task.transition.branches) {
      if (*branch.op == Operator::kEquals) evals.names.push_back(branch.when->text());
    }
    return evals;
  }
  Evals operator()(const Noop&) const { return {{"noop"}}; }
  Evals operator()(const RaiseError&) const { return {}; }
  Evals operator()(const Agent&) const { return {{"done", "blocked", "budget_exceeded"}}; }
  Evals operator()(const Driver&) const { return {{"done", "blocked", "budget_exceeded"}}; }
  Evals operator()(const Shell& shell) const {
    if (shell.output_template) return {.names = {}, .open = true};
    Evals evals{{"passed"}};
    if (*shell.nonzero == Nonzero::kVerdict) evals.names.emplace_back("failed");
    evals.names.emplace_back("timed_out");
    return evals;
  }
  Evals operator()(const Human& human) const {
    Evals evals;
    if (*human.ask == AskKind::kApprove) evals.names = {"approved", "denied"};
    if (*human.ask == AskKind::kForm) evals.names = {"submitted"};
    if (*human.ask == AskKind::kChoose) {
      for (const Choice& choice : human.choices) evals.names.push_back(*choice.id);
    }
    if (human.deadline && !human.default_answer) evals.names.emplace_back("timed_out");
    return evals;
  }
  Evals operator()(const SubChain&) const { return {{"done", "budget_exceeded"}}; }
  Evals operator()(const Parallel& parallel) const {
    Evals evals{{"done"}};
    if (*parallel.on_branch_error == BranchError::kCollect) evals.names.emplace_back("some_failed");
    return evals;
  }
  Evals operator()(const Map& map) const {
    Evals evals{{"done", "empty"}};
    if (*map.on_branch_error == BranchError::kCollect) evals.names.emplace_back("some_failed");
    return evals;
  }
  Evals operator()(const Wait& wait) const {
    if (!wait.event) return {{"elapsed"}};
    Evals evals{{"happened"}};
    if (task.timeout || wait.duration || wait.until) evals.names.emplace_back("timed_out");
    return evals;
  }
};

}  // namespace

std::string_view Task::handler() const { return kHandlers[does.index()].name; }

const ModelUse* Task::use() const {
  return std::visit(
      [](const auto& handler) -> const ModelUse* {
        if constexpr (requires { handler.use; }) {
          if (handler.use) return &handler.use.value;
        }
        return nullptr;
      },
      does);
}

const Task* Chain::find(std::string_view wanted) const {
  const auto found = std::ranges::find_if(tasks, [&](const Task& task) { return *task.id == wanted; });
  return found == tasks.end() ? nullptr : &*found;
}

Position Chain::place(const Text& text, templates::Offset offset) const {
  return source == nullptr ? text.at : place_in_text(*source, text.at, offset);
}

const std::vector<std::string>& handler_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all;
    for (const HandlerRow& row : kHandlers) all.emplace_back(row.name);
    return all;
  }();
  return names;
}

std::optional<Does> make_handler(std::string_view name) {
  const auto row = std::ranges::find(kHandlers, name, &HandlerRow::name);
  if (row == kHandlers.end()) return std::nullopt;
  return row->make();
}

const std::vector<std::string>& operator_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all;
    for (const OperatorRow& row : kOperators) all.emplace_back(row.name);
    return all;
  }();
  return names;
}

std::string_view name_of(Operator op) { return std::ranges::find(kOperators, op, &OperatorRow::op)->name; }

std::string_view name_of(Dialect dialect) {
  switch (dialect) {
    case Dialect::kLathe:
      return "lathe";
    case Dialect::kContenox:
      return "contenox";
    case Dialect::kVix:
      return "vix";
  }
  return "";
}

Evals evals_of(const Task& task) { return std::visit(EvalsOf{task}, task.does); }

std::string_view evals_in_words(std::string_view handler) {
  const auto row = std::ranges::find(kHandlers, handler, &HandlerRow::name);
  return row == kHandlers.end() ? "" : row->evals;
}

}  // namespace lathe::chain
