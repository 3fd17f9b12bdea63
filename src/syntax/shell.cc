#include "lathe/syntax/shell.h"

#include <fmt/format.h>

#include <algorithm>

#include "lathe/base/strings.h"
#include "lathe/syntax/parser.h"

namespace lathe::syntax {

using base::Error;
using base::Result;

namespace {

Result<void> check_text(std::string_view text) {
  if (text.size() > kMaxScriptBytes) {
    return Error{
        .code = base::codes::kLimit,
        .message = fmt::format("the command has {} bytes; a program is given {} at most", text.size(), kMaxScriptBytes),
        .hint = "write it to a file and run that"};
  }
  const std::size_t nul = text.find('\0');
  if (nul == std::string_view::npos) return {};
  return Error{.code = base::codes::kInvalid, .message = fmt::format("the command has a NUL byte at offset {}", nul)};
}

/// A function may be called before its text, and in another script inside this one.
void mark_calls_of_functions(const Budget& budget) {
  for (SimpleCommand& command : budget.script.commands) {
    command.calls_function = !command.words.empty() && budget.functions.contains(command.words.front().text);
  }
}

std::string word_text(const Word& word) {
  if (word.dynamic || word.pattern || word.tilde) return word.text;
  return base::shell_quote(word.text);
}

std::string redirection_text(const Redirection& redirection) {
  switch (redirection.kind) {
    case Redirection::Kind::kRead:
      return "< " + word_text(redirection.target);
    case Redirection::Kind::kWrite:
      return "> " + word_text(redirection.target);
    case Redirection::Kind::kReadWrite:
      return "<> " + word_text(redirection.target);
    case Redirection::Kind::kDuplicate:
      return ">&" + redirection.target.text;
    case Redirection::Kind::kHereText:
      return "<<…";
  }
  return "";
}

}  // namespace

std::string_view SimpleCommand::name() const {
  if (words.empty() || words.front().dynamic) return {};
  const std::string_view whole = words.front().text;
  return whole.substr(whole.rfind('/') + 1);
}

bool SimpleCommand::literal() const {
  return std::ranges::none_of(words, &Word::dynamic) &&
         std::ranges::none_of(assignments, [](const Assignment& set) { return set.value.dynamic; });
}

Result<Script> parse_script(std::string_view text) {
  TRY_OK(check_text(text));
  if (text.empty()) return Error{.code = base::codes::kInvalid, .message = "the command is empty"};
  Script script;
  Budget budget{.script = script};
  parse_into(budget, text);
  mark_calls_of_functions(budget);
  return script;
}

Result<Script> parse_argv(const std::vector<std::string>& argv) {
  if (argv.empty() || argv.front().empty()) {
    return Error{.code = base::codes::kInvalid, .message = "the command is empty"};
  }
  SimpleCommand command;
  for (const std::string& word : argv) {
    TRY_OK(check_text(word));
    command.words.push_back({.text = word});
  }
  Script script;
  Budget budget{.script = script};
  add_command(budget, std::move(command));
  mark_calls_of_functions(budget);
  return script;
}

std::string command_text(const SimpleCommand& command) {
  std::vector<std::string> parts;
  for (const Assignment& set : command.assignments) parts.push_back(set.name + "=" + word_text(set.value));
  for (const Word& word : command.words) parts.push_back(word_text(word));
  for (const Redirection& redirection : command.redirections) parts.push_back(redirection_text(redirection));
  return base::join(parts, " ");
}

}  // namespace lathe::syntax
