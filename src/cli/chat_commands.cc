#include "lathe/cli/chat_commands.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <vector>

#include "lathe/base/strings.h"

namespace lathe::cli {

namespace {

struct Entry {
  std::string_view name;
  ChatVerb verb;
  std::string_view doc;
};

constexpr std::array<Entry, 7> kCommands{
    {{"/compact", ChatVerb::kCompact, "replace the older conversation by a summary"},
     {"/model", ChatVerb::kModel, "NAME: use this model from now on"},
     {"/usage", ChatVerb::kUsage, "tokens and cost of this session"},
     {"/edit", ChatVerb::kEdit, "write the next message in $EDITOR"},
     {"/help", ChatVerb::kHelp, "this list"},
     {"/quit", ChatVerb::kQuit, "leave (also Ctrl-D)"},
     {"/exit", ChatVerb::kQuit, "leave"}}};

std::string_view word_of(std::string_view line) { return line.substr(0, line.find_first_of(" \n")); }

}  // namespace

bool is_chat_command(std::string_view line) {
  const std::string_view word = word_of(line);
  return word.size() > 1 && word[0] == '/' &&
         std::ranges::all_of(word.substr(1), [](unsigned char c) { return std::isalpha(c) != 0; });
}

base::Result<ChatCommand> parse_chat_command(std::string_view line) {
  const std::string_view word = word_of(line);
  std::vector<std::string> names;
  for (const Entry& entry : kCommands) {
    if (entry.name == word) {
      return ChatCommand{.verb = entry.verb, .argument = std::string(base::trim(line.substr(word.size())))};
    }
    names.emplace_back(entry.name);
  }
  const std::string near = base::did_you_mean(word, names);
  return base::Error{.code = base::codes::kInvalid,
                     .message = fmt::format("there is no command {}", word),
                     .hint = near.empty() ? "/help lists them" : near};
}

std::string chat_help() {
  std::string out;
  for (const Entry& entry : kCommands) out += fmt::format("{:9} {}\n", entry.name, entry.doc);
  return out +
         "While a task runs, what you type is told to it at once. Ctrl-C stops it, twice leaves.\n"
         "A backslash at the end, \"\"\" around, or Alt-Enter: several lines.\n";
}

}  // namespace lathe::cli
