#include "lathe/policy/decide.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "lathe/base/strings.h"
#include "lathe/policy/command_class.h"
#include "lathe/policy/command_folders.h"
#include "lathe/policy/command_paths.h"
#include "lathe/policy/glob.h"
#include "lathe/policy/match.h"
#include "lathe/policy/matrix.h"

namespace lathe::policy {
namespace {

struct Ruling {
  Verdict verdict = Verdict::kAllow;
  std::string rule;
  std::string source;
  std::string reason = {};
  std::optional<std::chrono::milliseconds> timeout = std::nullopt;
  /// A rule of the person's allows it.
  bool allowed_by_rule = false;
  /// How much it tells about a script of which other parts are ruled on just as strictly.
  enum class Telling { kOfAWrapper, kOfKnownSafe, kOfItself };
  Telling telling = Telling::kOfItself;
};

Ruling ruling_of(const RuleSet& set, const Rule& rule, bool possible) {
  Ruling ruling{.verdict = rule.verdict,
                .rule = rule.text,
                .source = fmt::format("{}:{}", set.source, rule.at.line),
                .reason = rule.reason,
                .timeout = rule.timeout,
                .allowed_by_rule = rule.verdict == Verdict::kAllow};
  if (!possible) return ruling;
  ruling.verdict = Verdict::kAsk;
  ruling.rule += " (may match: not all of the command is known)";
  return ruling;
}

Ruling fallback_of(const RuleSet& set) {
  return {.verdict = *set.fallback,
          .rule = fmt::format("{}: {}", set.order == RuleSet::Order::kFirstMatch ? "default_action" : "default",
                              name_of(*set.fallback)),
          .source = fmt::format("{}:{}", set.source, set.fallback_at.line)};
}

/// The first of the strictest.
void keep_strictest(std::optional<Ruling>& kept, std::optional<Ruling> other) {
  if (other && (!kept || other->verdict > kept->verdict)) kept = std::move(other);
}

std::optional<Ruling> rule_on(const RuleSet& set, const Action& action, const Subject& subject) {
  std::optional<Ruling> found;
  bool decided = false;
  for (const Rule& rule : set.rules) {
    const Match match = match_of(rule, action, subject);
    if (match == Match::kNo || (match == Match::kPossible && rule.verdict == Verdict::kAllow)) continue;
    keep_strictest(found, ruling_of(set, rule, match == Match::kPossible));
    if (match != Match::kYes) continue;
    decided = true;
    if (set.order == RuleSet::Order::kFirstMatch) break;
  }
  if (!decided && set.fallback) keep_strictest(found, fallback_of(set));
  return found;
}

bool lies_in(const std::string& path, const std::string& folder) {
  return path == folder || folder == "/" || path.starts_with(folder + "/");
}

bool reads_outside(const Circumstances& circumstances, const Action& action) {
  const std::vector<std::string>& opened = action.opened.empty() ? action.paths : action.opened;
  return !std::ranges::all_of(opened, [&](const std::string& path) {
    return lies_in(path, action.workspace) ||
           std::ranges::any_of(circumstances.readable,
                               [&](const std::string& folder) { return lies_in(path, folder); });
  });
}

ActionClass class_of(const Circumstances& circumstances, const Action& action, const Subject& subject) {
  switch (action.kind) {
    case Action::Kind::kCommand:
      break;
    case Action::Kind::kFileChange: {
      const bool inside =
          std::ranges::all_of(action.paths, [&](const std::string& path) { return lies_in(path, action.workspace); });
      return inside ? ActionClass::kWriteInside : ActionClass::kWriteOutside;
    }
    case Action::Kind::kRead:
      return reads_outside(circumstances, action) ? ActionClass::kReadOutside : ActionClass::kReadInside;
    case Action::Kind::kNetwork:
      return action.hosts_are_named ? ActionClass::kNamedHost : ActionClass::kNetwork;
    case Action::Kind::kOther:
      return ActionClass::kOther;
  }
  if (subject.unknown) return ActionClass::kCommand;
  switch (classify(*subject.command)) {
    case CommandClass::kSafe:
      return ActionClass::kSafeCommand;
    case CommandClass::kOrdinary:
      return ActionClass::kCommand;
    case CommandClass::kDangerous:
      return ActionClass::kDangerousCommand;
  }
  return ActionClass::kCommand;
}

Ruling from_matrix(const Circumstances& circumstances, ActionClass action) {
  const bool safe = action == ActionClass::kSafeCommand;
  return {.verdict = matrix_verdict(circumstances, action),
          .rule = matrix_rule(circumstances, action),
          .source = "built in",
          .telling = safe ? Ruling::Telling::kOfKnownSafe : Ruling::Telling::kOfItself};
}

/// A program that only starts another one is judged by that one, unless a rule names it, it writes or
/// connects through a redirection, is itself a file of somebody's, or is given variables that change what programs do.
bool needs_no_ruling(const Subject& subject) {
  if (!subject.command || !subject.command->only_wraps) return false;
  const syntax::SimpleCommand& command = *subject.command;
  return is_system_program(command) && !writes_by_redirection(command) && !may_connect(command) &&
         std::ranges::none_of(command.assignments, changes_programs);
}

/// Whether `other` decides about a script rather than `kept`: the stricter, else the one that tells more.
bool decides_over(const Ruling& other, const Ruling& kept) {
  return std::pair(other.verdict, other.telling) > std::pair(kept.verdict, kept.telling);
}

struct SubjectRuling {
  Ruling ruling;
  /// The person's own rules or the matrix ask, so that an approval for always helps.
  bool always_helps = false;
};

SubjectRuling rule_on_all(std::span<const Source> sources, const Circumstances& circumstances, const Action& action,
                          const Subject& subject) {
  std::optional<Ruling> person;
  std::optional<Ruling> narrowing;
  std::optional<Ruling> approved;
  const bool wraps = needs_no_ruling(subject);
  for (const Source& source : sources) {
    std::optional<Ruling> ruling = rule_on(*source.rules, action, subject);
    if (!ruling) continue;
    switch (source.kind) {
      case Source::Kind::kPerson:
        keep_strictest(person, std::move(ruling));
        break;
      case Source::Kind::kApproved:
        keep_strictest(approved, std::move(ruling));
        break;
      case Source::Kind::kProject:
      case Source::Kind::kChain:
        if (ruling->verdict != Verdict::kAllow) keep_strictest(narrowing, std::move(ruling));
        break;
    }
  }
  if (!person && !wraps) person = from_matrix(circumstances, class_of(circumstances, action, subject));
  SubjectRuling result;
  result.ruling = person.value_or(
      Ruling{.rule = "it only starts another command", .source = "built in", .telling = Ruling::Telling::kOfAWrapper});
  result.always_helps = result.ruling.verdict == Verdict::kAsk;
  if (result.ruling.verdict != Verdict::kDeny && approved && approved->verdict == Verdict::kAllow) {
    result = {.ruling = *std::move(approved), .always_helps = false};
  }
  if (narrowing && narrowing->verdict > result.ruling.verdict) result = {.ruling = *std::move(narrowing)};
  return result;
}

bool fixed(const syntax::SimpleCommand& command) {
  return command.literal() && command.assignments.empty() && !command.words.empty() && is_system_program(command) &&
         std::ranges::none_of(command.words, &syntax::Word::pattern) &&
         std::ranges::none_of(command.words, &syntax::Word::tilde) && !writes_by_redirection(command);
}

base::Json smallest_for_command(const syntax::SimpleCommand& command) {
  base::Json words = base::Json::array();
  for (const syntax::Word& word : command.words) words.push_back(word.text);
  base::Json rule;
  rule["command"] = std::move(words);
  rule["exact"] = true;
  rule["decision"] = "allow";
  return rule;
}

/// Pieces of a pattern that stand for themselves; nothing when the text has what a pattern gives a meaning, or what
/// rule files refuse.
bool plain_in_pattern(const std::string& text) {
  return text.find_first_of("*?{}") == std::string::npos && !unclosed_bracket(text);
}

std::vector<base::Json> smallest_for_whole(const Action& action) {
  base::Json rule;
  if (action.kind == Action::Kind::kNetwork) {
    rule["host"] = action.hosts;
  } else if (action.kind == Action::Kind::kFileChange || action.kind == Action::Kind::kRead) {
    if (action.paths.empty() || !std::ranges::all_of(action.paths, plain_in_pattern)) return {};
    rule["path"] = action.paths;
    rule["access"] = action.kind == Action::Kind::kRead ? "read" : "write";
  } else {
    if (!plain_in_pattern(action.tool)) return {};
    rule["tool"] = action.tool;
    for (const auto& [key, value] : action.arguments.items()) {
      if (!value.is_string() || !plain_in_pattern(value.get<std::string>()) || value.get<std::string>().empty())
        return {};
      rule["arguments"][key] = value;
    }
  }
  rule["decision"] = "allow";
  return {std::move(rule)};
}

/// The rules for all subjects that ask: their very words, or where that cannot be said the very script.
std::vector<base::Json> smallest_rules(const Subjects& subjects, const std::vector<bool>& asks) {
  const Action& action = subjects.action;
  if (action.kind != Action::Kind::kCommand) return smallest_for_whole(action);
  std::vector<base::Json> rules;
  for (std::size_t i = 0; i < subjects.all.size(); ++i) {
    if (!asks[i]) continue;
    const Subject& subject = subjects.all[i];
    if (!subject.unknown && fixed(*subject.command)) {
      rules.push_back(smallest_for_command(*subject.command));
      continue;
    }
    if (action.script.empty()) return {};
    base::Json rule;
    rule["script"] = action.script;
    rule["decision"] = "allow";
    return {std::move(rule)};
  }
  return rules;
}

/// What the model asked for on top of the action itself.
void add_request(std::optional<Ruling>& strictest, const Circumstances& circumstances, const Action& action) {
  if (action.outside_sandbox) {
    keep_strictest(strictest, from_matrix(circumstances, ActionClass::kOutsideSandbox));
  }
  if (action.ask_requested && !(strictest && strictest->allowed_by_rule)) {
    keep_strictest(strictest, from_matrix(circumstances, ActionClass::kAskedFor));
  }
}

PolicyDecision refused(const base::Error& error) {
  return {.verdict = Verdict::kDeny, .rule = error.text(), .source = "built in"};
}

/// What a program reads without being told its name.
struct UnnamedInput {
  std::string_view program;
  std::string_view file;
};
constexpr std::array kUnnamedInputs{
    UnnamedInput{"make", "GNUmakefile"},   UnnamedInput{"make", "makefile"},     UnnamedInput{"make", "Makefile"},
    UnnamedInput{"gmake", "Makefile"},     UnnamedInput{"npm", "package.json"},  UnnamedInput{"pnpm", "package.json"},
    UnnamedInput{"yarn", "package.json"},  UnnamedInput{"bun", "package.json"},  UnnamedInput{"just", "justfile"},
    UnnamedInput{"cargo", "Cargo.toml"},   UnnamedInput{"docker", "Dockerfile"}, UnnamedInput{"ninja", "build.ninja"},
    UnnamedInput{"tox", "tox.ini"},        UnnamedInput{"rake", "Rakefile"},     UnnamedInput{"mvn", "pom.xml"},
    UnnamedInput{"gradle", "build.gradle"}};

/// Every path that a word of the commands may mean, in the folder it starts in and in those that it changes to.
std::vector<std::string> named_paths(const Subjects& subjects) {
  std::vector<std::string> folders{subjects.action.cwd};
  std::vector<std::string> names;
  for (const Subject& subject : subjects.all) {
    if (!subject.command || subject.unknown) continue;
    const syntax::SimpleCommand& command = *subject.command;
    for (const syntax::Word& written : command.words) {
      const std::vector<std::string>& homes = subjects.action.homes;
      const syntax::Word word = homes.empty() ? written : at_home(written, homes.front());
      if (word.dynamic) continue;
      for (const std::string_view path : path_candidates(word.text)) names.emplace_back(path);
      if (command.name() == "cd") folders.push_back(absolute_path(subjects.action.cwd, word.text));
    }
    for (const syntax::Redirection& redirection : command.redirections) {
      if (redirection.kind == syntax::Redirection::Kind::kRead) names.push_back(redirection.target.text);
    }
    for (const UnnamedInput& input : kUnnamedInputs) {
      if (command.name() == input.program) names.emplace_back(input.file);
    }
  }
  std::vector<std::string> paths;
  for (const std::string& folder : folders) {
    for (const std::string& name : names) paths.push_back(absolute_path(folder, name));
  }
  std::ranges::sort(paths);
  paths.erase(std::ranges::unique(paths).begin(), paths.end());
  return paths;
}

bool looks_at_paths(const Rule& rule) {
  return !rule.paths.empty() || std::ranges::any_of(rule.when, [](const Condition& one) { return one.key == "path"; });
}

/// The strictest that rules about paths say of it; nothing when none of them does.
std::optional<Verdict> path_verdict(const RuleSet& set, const Action& action) {
  std::optional<Verdict> found;
  for (const Rule& rule : set.rules) {
    if (match_of(rule, action, Subject()) != Match::kYes) continue;
    if (looks_at_paths(rule)) found = std::max(found, std::optional(rule.verdict));
    if (set.order == RuleSet::Order::kFirstMatch) break;
  }
  return found;
}

}  // namespace

bool may_show(std::span<const Source> sources, const std::string& workspace, const std::string& tool,
              const std::string& path) {
  Action action{.kind = Action::Kind::kRead, .tool = tool};
  action.cwd = action.workspace = workspace;
  action.paths = {path};
  action.arguments["path"] = path;
  bool asks = false;
  bool approved = false;
  for (const Source& source : sources) {
    const std::optional<Verdict> verdict = path_verdict(*source.rules, action);
    if (!verdict) continue;
    if (*verdict == Verdict::kDeny) return false;
    const bool narrows = source.kind == Source::Kind::kProject || source.kind == Source::Kind::kChain;
    if (*verdict == Verdict::kAsk && narrows) return false;
    asks = asks || *verdict == Verdict::kAsk;
    approved = approved || (*verdict == Verdict::kAllow && source.kind == Source::Kind::kApproved);
  }
  return !asks || approved;
}

PolicyDecision decide(std::span<const Source> sources, const Circumstances& circumstances, Action action) {
  const auto parsed = subjects_of(std::move(action));
  if (!parsed.ok()) return refused(parsed.error());
  const Subjects& subjects = *parsed;

  std::optional<Ruling> strictest;
  std::vector<bool> asks;
  bool always_helps = true;
  for (const Subject& subject : subjects.all) {
    SubjectRuling one = rule_on_all(sources, circumstances, subjects.action, subject);
    asks.push_back(one.ruling.verdict == Verdict::kAsk);
    if (asks.back() && !one.always_helps) always_helps = false;
    // That a rule allows it counts only where every part is allowed by one.
    const bool by_rule = one.ruling.allowed_by_rule || needs_no_ruling(subject);
    if (strictest && !by_rule) strictest->allowed_by_rule = false;
    if (!strictest || decides_over(one.ruling, *strictest)) {
      one.ruling.allowed_by_rule = by_rule && (!strictest || strictest->allowed_by_rule);
      strictest = std::move(one.ruling);
    }
  }
  add_request(strictest, circumstances, subjects.action);

  PolicyDecision decision{.verdict = strictest->verdict,
                          .rule = std::move(strictest->rule),
                          .source = std::move(strictest->source),
                          .reason = std::move(strictest->reason),
                          .commands = subjects.commands,
                          .not_understood = subjects.why,
                          .timeout = strictest->timeout};
  if (decision.verdict != Verdict::kAsk) return decision;
  if (circumstances.approval == protocol::ApprovalPolicy::kNever) {
    decision.verdict = Verdict::kDeny;
    decision.rule += "; approval policy never: nobody is asked, so it is refused";
    return decision;
  }
  if (subjects.action.outside_sandbox) decision.named_paths = named_paths(subjects);
  if (always_helps && !subjects.action.outside_sandbox) {
    if (std::ranges::none_of(asks, std::identity())) asks.assign(asks.size(), true);
    decision.always = smallest_rules(subjects, asks);
  }
  return decision;
}

}  // namespace lathe::policy
