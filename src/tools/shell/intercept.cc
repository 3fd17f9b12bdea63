#include "lathe/tools/shell/intercept.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "lathe/base/strings.h"

namespace lathe::tools::shell {
namespace {

bool word_character(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

/// The text after the program's name, when the script calls apply_patch first of all.
std::optional<std::string_view> after_program(std::string_view script) {
  for (const std::string_view program : {"apply_patch", "applypatch"}) {
    if (script.starts_with(program) && (script.size() == program.size() || !word_character(script[program.size()]))) {
      return base::trim(script.substr(program.size()));
    }
  }
  return std::nullopt;
}

/// The body of a here-document that is all of `text`.
std::optional<std::string> here_document(std::string_view text) {
  if (!text.starts_with("<<")) return std::nullopt;
  const std::size_t line_end = text.find('\n');
  if (line_end == std::string_view::npos) return std::nullopt;
  std::string_view word = base::trim(text.substr(2, line_end - 2));
  if (word.size() >= 2 && (word.front() == '\'' || word.front() == '"') && word.front() == word.back()) {
    word = word.substr(1, word.size() - 2);
  }
  if (word.empty() || !std::ranges::all_of(word, word_character)) return std::nullopt;

  std::string_view rest = text.substr(line_end + 1);
  std::string body;
  while (!rest.empty()) {
    const std::size_t end = rest.find('\n');
    const std::string_view line = rest.substr(0, end);
    const std::string_view after = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
    if (line == word) return base::trim(after).empty() ? std::optional(body) : std::nullopt;
    body.append(line).append("\n");
    rest = after;
  }
  return std::nullopt;
}

/// One word of a script as the shell would hand it on, and what follows it; nothing where something would be expanded.
struct Word {
  std::string text;
  std::string_view rest;
};
std::optional<Word> take_word(std::string_view script) {
  constexpr std::string_view kExpanded = "$`\\";
  constexpr std::string_view kEnds = " \t\n;&|<>()*?[]{}#!~";
  Word word{.text = {}, .rest = script};
  while (!word.rest.empty() && kEnds.find(word.rest.front()) == std::string_view::npos) {
    const char first = word.rest.front();
    if (word.rest.starts_with("\\'")) {  // between two pieces in single quotes
      word.text += '\'';
      word.rest.remove_prefix(2);
      continue;
    }
    if (kExpanded.find(first) != std::string_view::npos) return std::nullopt;
    if (first != '\'' && first != '"') {
      word.text += first;
      word.rest.remove_prefix(1);
      continue;
    }
    const std::size_t end = word.rest.find(first, 1);
    if (end == std::string_view::npos) return std::nullopt;
    const std::string_view quoted = word.rest.substr(1, end - 1);
    if (first == '"' && quoted.find_first_of(kExpanded) != std::string_view::npos) return std::nullopt;
    word.text += quoted;
    word.rest.remove_prefix(end + 1);
  }
  if (word.rest.size() == script.size()) return std::nullopt;
  return word;
}

/// The script of `bash -lc SCRIPT` when that is all.
std::optional<std::string> inner_script(std::string_view script) {
  std::string inner;
  for (const int place : {0, 1, 2}) {
    const auto word = take_word(script);
    if (!word) return std::nullopt;
    const std::string_view program = std::string_view(word->text).substr(word->text.rfind('/') + 1);
    if (place == 0 && program != "bash" && program != "sh" && program != "zsh") return std::nullopt;
    if (place == 1 && word->text != "-c" && word->text != "-lc") return std::nullopt;
    inner = word->text;
    script = base::trim(word->rest);
  }
  return script.empty() ? std::optional(inner) : std::nullopt;
}

/// A line that names a file, with the name below `folder` unless it is absolute; nothing for other lines.
std::optional<std::string> moved_header(std::string_view folder, std::string_view line) {
  for (const std::string_view header : {"*** Add File: ", "*** Update File: ", "*** Delete File: ", "*** Move to: "}) {
    if (!line.starts_with(header)) continue;
    const std::string_view path = base::trim(line.substr(header.size()));
    return std::string(header) + (path.starts_with('/') ? "" : std::string(folder) + "/") + std::string(path);
  }
  return std::nullopt;
}

std::string moved_into(std::string_view folder, std::string_view patch) {
  std::vector<std::string> lines;
  for (const std::string_view line : base::split(patch, '\n')) {
    lines.push_back(moved_header(folder, line).value_or(std::string(line)));
  }
  return base::join(lines, "\n");
}

}  // namespace

std::variant<OrdinaryCommand, PatchInScript, MisplacedPatch> find_patch(std::string_view script) {
  script = base::trim(script);
  if (const auto inner = inner_script(script)) return find_patch(*inner);
  if (script.starts_with("*** Begin Patch")) return MisplacedPatch{"a patch is no command"};
  if (const auto arguments = after_program(script)) {
    if (auto patch = here_document(*arguments)) return PatchInScript{*std::move(patch)};
    return MisplacedPatch{"apply_patch is a tool, no program"};
  }
  if (!script.starts_with("cd ")) return OrdinaryCommand{};
  const std::size_t both = script.find("&&");
  if (both == std::string_view::npos) return OrdinaryCommand{};
  const auto arguments = after_program(base::trim(script.substr(both + 2)));
  if (!arguments) return OrdinaryCommand{};
  const auto folder = take_word(base::trim(script.substr(2)));
  const bool only_one = folder && base::trim(folder->rest).starts_with("&&");
  if (auto patch = only_one ? here_document(*arguments) : std::nullopt) {
    return PatchInScript{moved_into(folder->text, *patch)};
  }
  return MisplacedPatch{"apply_patch is a tool, no program, and takes paths from the working folder"};
}

}  // namespace lathe::tools::shell
