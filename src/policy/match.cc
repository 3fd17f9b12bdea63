#include "lathe/policy/match.h"

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "lathe/base/strings.h"
#include "lathe/policy/command_class.h"
#include "lathe/policy/command_paths.h"
#include "lathe/policy/mentions.h"
#include "lathe/policy/tool_names.h"
#include "lathe/syntax/git.h"

namespace lathe::policy {

using base::Result;
using syntax::SimpleCommand;
using syntax::Word;

namespace {

/// `toolset.name` or `mcp__toolset__name`.
bool belongs_to(std::string_view tool, std::string_view toolset) {
  constexpr std::string_view kMcp = "mcp__";
  if (tool.starts_with(toolset) && tool.substr(toolset.size()).starts_with('.')) return true;
  if (!tool.starts_with(kMcp)) return false;
  tool.remove_prefix(kMcp.size());
  return tool.starts_with(toolset) && tool.substr(toolset.size()).starts_with("__");
}

Match both(Match a, Match b) { return std::min(a, b); }
Match yes_if(bool matches) { return matches ? Match::kYes : Match::kNo; }

bool matches_tool(const Rule& rule, std::string_view tool) {
  const ToolNames* names = find_tool_names(tool);
  const auto is_called = [&](const std::string& name) {
    return name == tool || name == "*" || (names != nullptr && names->includes(name)) ||
           (name.ends_with('*') && tool.starts_with(std::string_view(name).substr(0, name.size() - 1)));
  };
  const bool in_toolset =
      rule.toolsets.empty() || std::ranges::any_of(rule.toolsets, [&](const std::string& toolset) {
        return (names != nullptr && names->toolset == toolset) || tool == toolset || belongs_to(tool, toolset);
      });
  return in_toolset && (rule.tools.empty() || std::ranges::any_of(rule.tools, is_called));
}

/// A listed name stands for its dotted variants too, except where it allows.
bool matches_name(std::string_view listed, std::string_view name, bool allows) {
  if (listed == name) return true;
  return !allows && name.size() > listed.size() && name.starts_with(listed) && name[listed.size()] == '.';
}

Match match_name(const std::vector<std::string>& listed, const SimpleCommand& command, bool allows) {
  if (command.words.empty()) return Match::kNo;
  if (command.words.front().dynamic || command.words.front().pattern) return Match::kPossible;
  if (allows && !is_system_program(command)) return Match::kNo;
  return yes_if(std::ranges::any_of(listed, [&](const std::string& name) {
    return matches_name(name, command.name(), allows) || name == command.words.front().text;
  }));
}

bool is_one_of(const std::vector<std::string>& alternatives, const Word& word) {
  return std::ranges::find(alternatives, word.text) != alternatives.end();
}

/// Whether the words from the second on begin as the pattern's do. A rule that does not allow also looks past options
/// and their values, so that `git -C x push` is a `git push`.
Match match_rest(const Rule& rule, const SimpleCommand& command, bool allows) {
  std::size_t at = 1;
  for (std::size_t p = 1; p < rule.command.size(); ++p) {
    bool after_option = false;
    while (true) {
      if (at >= command.words.size()) return Match::kNo;
      const Word& word = command.words[at];
      if (word.dynamic || word.pattern) return Match::kPossible;
      if (is_one_of(rule.command[p], word)) break;
      const bool option = word.text.starts_with('-');
      // What is no command of git's own may be an alias of the one that the rule is about.
      const bool alias =
          p == 1 && !option && !after_option && command.name() == "git" && !syntax::is_git_command(word.text);
      if (alias && !allows) return Match::kPossible;
      if (allows || rule.exact || (!option && !after_option)) return Match::kNo;
      after_option = option;
      ++at;
    }
    ++at;
  }
  return yes_if(!rule.exact || at == command.words.size());
}

/// What an allowing rule must be sure of besides the words.
bool plain_enough(const SimpleCommand& command) {
  return command.literal() && std::ranges::none_of(command.words, &Word::pattern) &&
         std::ranges::none_of(command.assignments, changes_programs) && !writes_by_redirection(command);
}

Match match_command(const Rule& rule, const Action& action, const Subject& subject) {
  const bool allows = rule.verdict == Verdict::kAllow;
  if (!rule.script.empty()) return yes_if(rule.script == action.script);
  if (!subject.command) return Match::kNo;
  if (subject.unknown) return Match::kPossible;
  const SimpleCommand& command = *subject.command;
  if (allows && !plain_enough(command)) return Match::kNo;
  Match match = match_name(rule.programs.empty() ? rule.command.front() : rule.programs, command, allows);
  if (match == Match::kYes && rule.programs.empty()) match = match_rest(rule, command, allows);
  return match == Match::kNo && !allows && mentions(rule, command) ? Match::kPossible : match;
}

bool path_matches(std::span<const Glob> globs, const std::string& path, const std::string& workspace) {
  return std::ranges::any_of(globs, [&](const Glob& glob) {
    if (glob.matches(path)) return true;
    const bool inside = !workspace.empty() && path.starts_with(workspace + "/");
    return inside && glob.matches(std::string_view(path).substr(workspace.size() + 1));
  });
}

/// Whether a path that is not known for certain may be one of these, by its name from the session's folder too.
bool path_may_match(std::span<const Glob> globs, const PathPattern& pattern, const std::string& workspace) {
  PathPattern inside{.hides_dots = pattern.hides_dots};
  const std::vector<std::string_view> folder = base::split(workspace, '/');
  if (!workspace.empty() && pattern.parts.size() > folder.size() &&
      std::ranges::equal(folder, std::span(pattern.parts).first(folder.size()))) {
    inside.parts.assign(pattern.parts.begin() + static_cast<std::ptrdiff_t>(folder.size()), pattern.parts.end());
  }
  return std::ranges::any_of(globs, [&](const Glob& glob) {
    return glob.may_match(pattern) || (!inside.parts.empty() && glob.may_match(inside));
  });
}

bool may_name(std::span<const Glob> globs, const Action& action, const Subject& subject) {
  if (subject.unknown) return true;
  const auto named = [&](const std::string& path) { return path_matches(globs, path, action.workspace); };
  const auto meant = [&](const PathPattern& pattern) { return path_may_match(globs, pattern, action.workspace); };
  return std::ranges::any_of(subject.possible, named) || std::ranges::any_of(subject.patterns, meant);
}

/// Paths named in a command are advice like all of its text: they can make it ask or be refused, never allow it.
Match match_paths(const Rule& rule, const Action& action, const Subject& subject) {
  const bool allows = rule.verdict == Verdict::kAllow;
  if (subject.command) {
    if (allows) return Match::kNo;
    const bool named = std::ranges::any_of(
        subject.paths, [&](const std::string& path) { return path_matches(rule.paths, path, action.workspace); });
    return !named && may_name(rule.paths, action, subject) ? Match::kPossible : yes_if(named);
  }
  const bool reads = action.kind == Action::Kind::kRead;
  const bool writes = action.kind == Action::Kind::kFileChange;
  if (!(rule.access == Access::kAny || (rule.access == Access::kRead && reads) ||
        (rule.access == Access::kWrite && writes))) {
    return Match::kNo;
  }
  const auto matches = [&](const std::string& path) { return path_matches(rule.paths, path, action.workspace); };
  if (action.paths.empty()) return Match::kNo;
  return yes_if(allows ? std::ranges::all_of(action.paths, matches) : std::ranges::any_of(action.paths, matches));
}

Match match_hosts(const Rule& rule, const std::vector<std::string>& hosts) {
  const auto matches = [&](const std::string& host) {
    return std::ranges::any_of(rule.hosts, [&](const std::string& pattern) { return host_matches(pattern, host); });
  };
  if (hosts.empty()) return Match::kNo;
  const bool allows = rule.verdict == Verdict::kAllow;
  return yes_if(allows ? std::ranges::all_of(hosts, matches) : std::ranges::any_of(hosts, matches));
}

/// The values of an argument that a condition looks at: the argument itself or its elements; for "path" every file that
/// the call touches, absolute and from the session's folder; for "command" each word of the simple command as well, but
/// where a rule allows, that simple command and nothing else.
std::vector<std::string> values_of(const Condition& condition, const Action& action, const Subject& subject,
                                   bool allows) {
  std::vector<std::string> values;
  if (allows && condition.key == "command" && subject.command) {
    if (!subject.unknown && plain_enough(*subject.command)) values.push_back(syntax::command_text(*subject.command));
    return values;
  }
  const base::Json& argument = base::json_at(action.arguments, condition.key);
  const auto add = [&](const base::Json& value) {
    if (!value.is_null()) values.push_back(value.is_string() ? value.get<std::string>() : base::dump_json(value));
  };
  if (argument.is_array()) {
    for (const base::Json& element : argument) add(element);
  } else {
    add(argument);
  }
  if (condition.key == "path") {
    for (const std::string& path : action.paths) {
      values.push_back(path);
      if (path.starts_with(action.workspace + "/")) values.push_back(path.substr(action.workspace.size() + 1));
    }
  }
  if (condition.key == "command" && subject.command) {
    for (const Word& word : subject.command->words) {
      for (const std::string_view path : path_candidates(word.text)) values.emplace_back(path);
    }
    for (const auto& redirection : subject.command->redirections) values.push_back(redirection.target.text);
  }
  return values;
}

bool has_substitution(const std::string& text) {
  return std::ranges::any_of(std::array<std::string_view, 6>{"$(", "`", "<(", ">(", "$[", "${"},
                             [&](std::string_view mark) { return text.contains(mark); });
}

Match match_condition(const Rule& rule, const Condition& condition, const Action& action, const Subject& subject) {
  const bool allows = rule.verdict == Verdict::kAllow;
  if (condition.op == Condition::Op::kCommandNames) {
    if (!subject.command) return Match::kNo;
    if (subject.unknown) return Match::kPossible;
    return match_name(condition.names, *subject.command, allows);
  }
  const std::vector<std::string> values = values_of(condition, action, subject, allows);
  const auto matches = [&](const std::string& value) {
    switch (condition.op) {
      case Condition::Op::kEquals:
        return value == condition.value;
      case Condition::Op::kGlob:
        return condition.glob->matches(value);
      case Condition::Op::kHost: {
        const std::string host = host_of_url(value);
        // What is no plain URL cannot be shown not to reach a listed host.
        if (host.empty()) return !allows;
        return std::ranges::any_of(
            condition.names, [&](const std::string& name) { return host == name || host_matches("*." + name, host); });
      }
      case Condition::Op::kSubstitution:
        return has_substitution(value);
      case Condition::Op::kCommandNames:
        break;
    }
    return false;
  };
  const bool all = allows && condition.key == "path";
  if (values.empty()) return Match::kNo;
  // A file is listed by two names; either of them will do for it.
  if (all && action.paths.size() > 1) {
    return yes_if(std::ranges::all_of(action.paths, [&](const std::string& path) {
      return matches(path) ||
             (path.starts_with(action.workspace + "/") && matches(path.substr(action.workspace.size() + 1)));
    }));
  }
  const Match match = yes_if(std::ranges::any_of(values, matches));
  const bool by_path = condition.op == Condition::Op::kGlob && condition.key == "command" && subject.command && !allows;
  return match == Match::kNo && by_path && may_name(std::span(&*condition.glob, 1), action, subject) ? Match::kPossible
                                                                                                     : match;
}

}  // namespace

Result<Subjects> subjects_of(Action action) {
  Subjects subjects;
  if (action.kind == Action::Kind::kCommand) {
    TRY(syntax::Script script,
        action.script.empty() ? syntax::parse_argv(action.argv) : syntax::parse_script(action.script));
    if (may_change_home(script, action.script)) action.homes.clear();
    std::vector<NamedPaths> named = named_by(script, action.cwd, action.homes);
    for (std::size_t i = 0; i < script.commands.size(); ++i) {
      subjects.commands.push_back(syntax::command_text(script.commands[i]));
      subjects.all.push_back({.command = std::move(script.commands[i]),
                              .paths = std::move(named[i].paths),
                              .possible = std::move(named[i].possible),
                              .patterns = std::move(named[i].patterns)});
    }
    if (!script.understood) {
      SimpleCommand unknown{.words = {{.text = "…", .dynamic = true}}};
      subjects.all.push_back({.command = std::move(unknown), .unknown = true});
      subjects.why = std::move(script.why);
    }
    // Blanks (a line break that is typed), comments and tests alone start nothing, which is ruled on all the same.
    if (subjects.all.empty()) subjects.all.push_back({.command = SimpleCommand()});
  } else {
    subjects.all.emplace_back();
  }
  subjects.action = std::move(action);
  return subjects;
}

Match match_of(const Rule& rule, const Action& action, const Subject& subject) {
  if (!matches_tool(rule, action.tool)) return Match::kNo;
  Match match = Match::kYes;
  if (!rule.command.empty() || !rule.programs.empty() || !rule.script.empty()) {
    match = both(match, match_command(rule, action, subject));
  }
  if (!rule.paths.empty()) match = both(match, match_paths(rule, action, subject));
  if (!rule.hosts.empty()) match = both(match, match_hosts(rule, action.hosts));
  for (const Condition& condition : rule.when) {
    if (match == Match::kNo) return match;
    match = both(match, match_condition(rule, condition, action, subject));
  }
  return match;
}

}  // namespace lathe::policy
