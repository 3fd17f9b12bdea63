#include "lathe/chain/finding.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <tuple>

#include "lathe/base/check.h"
#include "lathe/base/strings.h"

namespace lathe::chain {
namespace {

constexpr Severity kE = Severity::kError;
constexpr Severity kW = Severity::kWarning;

constexpr auto kClasses = std::to_array<FindingClass>({
    // The file.
    {"not-readable", kE, kE, "the file is neither YAML nor JSON"},
    {"yaml-tab", kE, kE, "a line is indented with a tab"},
    {"duplicate-key", kE, kE, "a key stands twice in one map"},
    {"over-limit", kE, kE, "the file is too large, too deep, or its anchors unfold into too much"},
    {"not-a-chain", kE, kE, "the file is no map, or holds neither tasks nor workflows"},
    {"unsupported-version", kE, kE, "`version` is not one that is known"},
    {"unknown-field", kW, kW, "a key that is not known there; an error with --strict"},
    {"field-without-effect", kW, kW, "a field that the task's handler does not use"},
    {"wrong-kind", kE, kE, "a value of another kind than its field has"},
    {"missing-field", kE, kE, "a field that must be there is missing"},
    {"unknown-choice", kE, kE, "a word that is none of those that the field may have"},
    {"bad-number", kE, kE, "a number outside of what makes sense"},
    {"bad-duration", kE, kE, "a text that is no duration"},
    {"zero-timeout", kE, kE, "a time limit or pause of nothing"},
    {"template-syntax", kE, kE, "a template that does not parse"},
    // Tasks.
    {"empty-chain", kE, kE, "there is no task"},
    {"bad-id", kE, kE, "an id that is empty, reserved, or cannot be used as a name"},
    {"duplicate-task", kE, kE, "two tasks have one id"},
    {"duplicate-workflow", kW, kW, "two workflows of a file have one name"},
    {"unknown-handler", kE, kE, "no handler has that name"},
    // Ways.
    {"unknown-operator", kE, kE, "no operator has that name"},
    {"unknown-goto", kE, kE, "a branch goes to a task that does not exist"},
    {"unknown-on-failure", kE, kE, "a failure goes to a task that does not exist"},
    {"failure-loop", kE, kW, "a task's failure goes to the task itself"},
    {"bad-edge", kE, kE, "an edge that is not written as from->to"},
    {"unknown-edge", kE, kE, "an edge whose ends do not exist, or that no branch follows"},
    {"bad-edge-count", kE, kE, "a count of an edge that is no whole number from 1 on"},
    {"counter-after-loop", kW, kW, "an edge counter behind the branch that it should stop"},
    {"unreachable-task", kW, kW, "no way leads to the task"},
    {"no-way-to-end", kE, kW, "no way leads from the task to the end"},
    {"unbounded-loop", kE, kW, "a loop without an edge counter, a budget or a person"},
    {"duplicate-branch", kW, kW, "two branches with the same condition"},
    {"several-defaults", kE, kW, "more than one default branch"},
    {"branch-after-default", kW, kW,
     "a branch that is listed behind the default one, which is tried last all the same"},
    {"impossible-branch", kW, kW, "a branch that no eval of the handler can match"},
    {"shadowed-branch", kW, kW, "a branch whose every match an earlier one takes"},
    {"unmatched-eval", kE, kW, "an eval that no branch matches, without a default"},
    {"route-without-labels", kE, kW, "a route without an `equals` branch"},
    {"empty-when", kE, kW, "a condition that compares with nothing"},
    {"when-without-use", kW, kW, "`when` or `edge` beside an operator that does not use it"},
    {"fork-into-itself", kE, kE, "a parallel or map task that starts itself"},
    {"empty-parallel", kE, kE, "a parallel or map task that starts nothing"},
    {"unknown-start", kE, kE, "a parallel or map task that starts a task that does not exist"},
    {"parallel-unbounded", kE, kE, "branches run side by side without a bound"},
    {"map-unbounded", kE, kE, "a map over any number of items"},
    {"bad-join", kE, kE, "a join that waits for more branches than there are"},
    // Texts and values.
    {"unknown-variable", kE, kW, "a template uses a value that nothing gives"},
    {"variable-not-set-yet", kW, kW, "a template uses the output of a task that never runs before"},
    {"unknown-macro", kE, kE, "a macro that does not exist"},
    {"undefined-var", kE, kW, "{{var:…}} of a name that is neither an input nor known, without a fallback"},
    {"unused-input", kW, kW, "an input that nothing uses"},
    {"duplicate-input", kE, kE, "two inputs read the standard input, or have one name"},
    {"bad-default-value", kE, kE, "a default that is not of the input's type, or none of its choices"},
    {"empty-prompt", kE, kW, "a prompt, question or instruction without text"},
    {"unknown-input-var", kE, kW, "`input_var` names nothing that there is"},
    {"input-type-mismatch", kE, kW, "a task is given what its handler cannot use"},
    {"bad-output-schema", kE, kE, "`output_schema` is no JSON Schema"},
    // Models and tools.
    {"unknown-model", kE, kW, "a model that no backend here has"},
    {"unknown-provider", kE, kW, "a provider or backend that is not set up here"},
    {"unpaired-providers", kW, kW, "models and providers of different number"},
    {"unknown-think", kE, kE, "a level of thinking that does not exist"},
    {"bad-temperature", kE, kW, "a temperature outside of 0 to 2"},
    {"bad-max-tokens", kE, kW, "max_tokens that is no number from 1 on, or over token_limit"},
    {"retry-backoff-order", kE, kW, "the longest pause is shorter than the first one"},
    {"retry-jitter", kE, kW, "jitter outside of 0 to 1"},
    {"retry-without-attempts", kW, kW, "a retry policy that allows one attempt"},
    {"fallback-without-model", kE, kW, "fallback_after without fallback_model_id, or never reached"},
    {"unknown-tool", kE, kW, "a tool or toolset that does not exist here"},
    {"tool-taken-back", kW, kW, "a tool that is both given and taken away"},
    {"tool-calls-ignored", kW, kW, "tools are given, and no branch takes a call of them anywhere"},
    {"policy-without-tool", kW, kW, "a policy for a toolset that the task does not have"},
    {"policy-contradiction", kE, kW, "a name that a policy both allows and denies"},
    {"policy-allows-nothing", kW, kW, "a policy that leaves nothing to allow"},
    {"unknown-policy", kE, kW, "a policy that its toolset does not know"},
    // What single handlers need.
    {"empty-command", kE, kE, "a shell task or condition without a command"},
    {"human-without-deadline", kW, kW, "a person is asked without a deadline, and nobody may be there"},
    {"human-without-choices", kE, kE, "a choice between nothing"},
    {"duplicate-choice", kE, kE, "two choices have one id"},
    {"unknown-default-answer", kE, kE, "a default answer that cannot be given"},
    {"bad-quorum", kE, kE, "more answers wanted than people may give"},
    {"unknown-agent", kE, kW, "an agent that does not exist here"},
    {"unknown-driver", kE, kE, "a driver that does not exist here"},
    {"unknown-chain", kE, kE, "a sub-chain that does not exist here"},
    {"chain-cycle", kE, kE, "chains that start each other without end"},
    {"unknown-chain-input", kE, kE, "an input that the sub-chain does not have"},
    {"missing-chain-input", kE, kE, "an input that the sub-chain needs"},
    {"bad-wait", kE, kE, "a wait for nothing, or for two times"},
    {"bad-fork", kE, kE, "a conversation forked from a task that has none"},
    {"bad-budget", kE, kE, "a budget that nothing can be done with, or without a limit"},
    {"budget-over-chain", kW, kW, "a task may spend more than the whole chain"},
});

}  // namespace

std::span<const FindingClass> finding_classes() { return kClasses; }

void Findings::add(std::string_view id, Position at, std::string message, std::string hint) {
  const auto known = std::ranges::find(kClasses, id, &FindingClass::id);
  CHECK(known != kClasses.end());
  found_.push_back({.id = std::string(id),
                    .severity = strict_ && id == "unknown-field" ? Severity::kError
                                : dialect_ == Dialect::kLathe    ? known->severity
                                                                 : known->foreign,
                    .at = at,
                    .message = std::move(message),
                    .hint = std::move(hint)});
}

void Findings::unknown(std::string_view id, Position at, std::string message, std::string_view name,
                       const std::vector<std::string>& known) {
  constexpr std::size_t kFew = 12;
  std::string hint = base::did_you_mean(name, known);
  if (hint.empty() && !known.empty() && known.size() <= kFew) hint = "there are: " + base::join(known, ", ");
  add(id, at, std::move(message), std::move(hint));
}

void Findings::take(std::vector<Finding> others) { std::ranges::move(others, std::back_inserter(found_)); }

std::vector<Finding> Findings::sorted() && {
  std::vector<Finding> sorted = std::move(found_);
  std::ranges::sort(sorted, {},
                    [](const Finding& finding) { return std::tie(finding.at, finding.id, finding.message); });
  const auto same = [](const Finding& a, const Finding& b) {
    return a.at == b.at && a.id == b.id && a.message == b.message;
  };
  sorted.erase(std::ranges::unique(sorted, same).begin(), sorted.end());
  return sorted;
}

bool has_errors(const std::vector<Finding>& findings) {
  return std::ranges::any_of(findings, [](const Finding& finding) { return finding.severity == Severity::kError; });
}

std::string findings_text(std::string_view file, const std::vector<Finding>& findings) {
  std::string text;
  for (const Finding& finding : findings) {
    text += fmt::format("{}:{}:{}: {}: {}{} [{}]\n", file, finding.at.line, finding.at.column,
                        finding.severity == Severity::kError ? "error" : "warning", finding.message,
                        finding.hint.empty() ? "" : " (" + finding.hint + ")", finding.id);
  }
  return text;
}

}  // namespace lathe::chain
