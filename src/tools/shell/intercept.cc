#include "lathe/tools/shell/intercept.h"

#include <algorithm>
#include <optional>

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

}  // namespace

std::variant<OrdinaryCommand, PatchInScript, MisplacedPatch> find_patch(std::string_view script) {
  script = base::trim(script);
  if (script.starts_with("*** Begin Patch")) return MisplacedPatch{"a patch is no command"};
  if (const auto arguments = after_program(script)) {
    if (auto patch = here_document(*arguments)) return PatchInScript{*std::move(patch)};
    return MisplacedPatch{"apply_patch is a tool, no program"};
  }
  if (!script.starts_with("cd ")) return OrdinaryCommand{};
  const std::size_t both = script.find("&&");
  if (both != std::string_view::npos && after_program(base::trim(script.substr(both + 2)))) {
    return MisplacedPatch{"apply_patch is a tool, no program, and takes paths from the working folder"};
  }
  return OrdinaryCommand{};
}

}  // namespace lathe::tools::shell
