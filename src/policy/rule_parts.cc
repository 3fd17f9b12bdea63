#include "lathe/policy/rule_parts.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "lathe/base/strings.h"
#include "lathe/syntax/shell.h"

namespace lathe::policy {

using base::Error;
using base::Result;

namespace {

Error invalid(std::string message, std::string hint) {
  return {.code = base::codes::kInvalid, .message = std::move(message), .hint = std::move(hint)};
}

/// The first character outside of quotes that a shell does not take for a part of a word; an open quote when that is
/// never closed.
std::optional<char> operator_in(std::string_view text) {
  char quote = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\\' && quote != '\'') {
      ++i;
    } else if (quote != 0) {
      if (c == quote) quote = 0;
    } else if (c == '\'' || c == '"') {
      quote = c;
    } else if (std::string_view("|&;<>()\n").contains(c)) {
      return c;
    }
  }
  return quote == 0 ? std::nullopt : std::optional(quote);
}

Result<std::string> word_of(const syntax::Word& word) {
  if (word.dynamic) {
    return invalid(fmt::format("\"{}\" is computed by a shell, and rules compare words as they stand", word.text),
                   "alternatives are a list: [npm, run, [build, test]]");
  }
  if (word.pattern) {
    return invalid(fmt::format("\"{}\" is a pattern, and rules compare words as they stand", word.text),
                   "leave it out, because a rule holds for all commands that begin with its words");
  }
  return word.text;
}

/// What follows of a path behind a folder: "" for the folder itself, else from a slash on.
std::optional<std::string_view> below(std::string_view path, std::string_view folder) {
  if (folder.ends_with('/')) folder.remove_suffix(1);
  if (!path.starts_with(folder)) return std::nullopt;
  path.remove_prefix(folder.size());
  return path.empty() || path.starts_with('/') ? std::optional(path) : std::nullopt;
}

}  // namespace

Result<std::vector<std::string>> command_words(const std::string& text) {
  if (base::trim(text).empty()) return invalid("the command is empty", "");
  if (const auto found = operator_in(text)) {
    const std::string shown = *found == '\n' ? "a line break" : fmt::format("\"{}\"", *found);
    return invalid(fmt::format("{} is for a shell, and a rule is about the words of one command", shown),
                   "write a rule for each command, or script: for this very text");
  }
  TRY(const syntax::Script script, syntax::parse_script(text));
  if (script.commands.empty()) return invalid(fmt::format("\"{}\" is no command", text), "");
  const syntax::SimpleCommand& command = script.commands.front();
  if (!command.assignments.empty() || command.words.empty()) {
    return invalid(fmt::format("\"{}\" sets a variable, which is no word of the command", text),
                   "leave it out; a rule that asks or refuses looks past variables");
  }
  std::vector<std::string> words;
  for (const syntax::Word& word : command.words) {
    TRY(std::string one, word_of(word));
    words.push_back(std::move(one));
  }
  return words;
}

Result<void> check_program(const std::string& name) {
  if (name.empty()) return invalid("the name of a program is empty", "");
  const bool path = name.contains('/');
  if (!path && name.find_first_of(" \t\n") != std::string::npos) {
    return invalid(fmt::format("\"{}\" is no name of a program, because there are blanks in it", name),
                   "for the words that a command begins with there is command: " + name);
  }
  if (name.find_first_of("*?|&;<>()$`\"'=") != std::string::npos) {
    return invalid(fmt::format("\"{}\" is no name of a program", name), "name each one; mkfs is mkfs.ext4 too");
  }
  return {};
}

Result<std::string> host_pattern(std::string_view text) {
  const bool suffix = text.starts_with("*.");
  std::string_view name = suffix ? text.substr(2) : text;
  if (name.starts_with('[') && name.ends_with(']')) name = name.substr(1, name.size() - 2);
  const std::string canonical = canonical_host(name);
  if (canonical.empty() || canonical.find_first_of("[]") != std::string::npos) {
    return invalid(fmt::format("\"{}\" is no host name", text), "an exact name, or *.suffix, without a port");
  }
  if (std::ranges::count(canonical, ':') == 1) {
    return invalid(fmt::format("\"{}\" names a port, and a rule is about all ports of a host", text),
                   fmt::format("write {}", text.substr(0, text.rfind(':'))));
  }
  return (suffix ? "*." : "") + canonical;
}

Result<std::vector<Glob>> path_patterns(const std::string& text, const RuleFacts& facts, Verdict verdict) {
  if (const auto open = unclosed_bracket(text)) {
    return invalid(fmt::format("in \"{}\" the {} is not closed", text, *open),
                   "patterns of paths know *, ?, ** and {a,b}");
  }
  std::optional<std::string_view> in_home = below(text, "~");
  if (in_home && facts.homes.empty()) {
    return invalid(fmt::format("\"{}\" starts in your home folder, which is not known here", text), "write it out");
  }
  std::vector<std::string> forms;
  if (!in_home) forms.push_back(text);
  for (const std::string& home : facts.homes) {
    if (!in_home) in_home = below(text, home);
  }
  if (in_home) {
    const auto add = [&](const std::string& home) { forms.push_back(home + std::string(*in_home)); };
    std::ranges::for_each(facts.homes, add);
    // Only commands have those, and what a rule about paths allows is what file tools open.
    if (verdict != Verdict::kAllow) std::ranges::for_each(facts.private_homes, add);
  }
  std::vector<Glob> globs;
  for (const std::string& form : forms) {
    TRY(Glob glob, Glob::parse(form));
    globs.push_back(std::move(glob));
  }
  return globs;
}

}  // namespace lathe::policy
