#include "lathe/cli/chat_commands.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <span>
#include <vector>

#include "lathe/base/strings.h"

namespace lathe::cli {

namespace {

template <class Verb>
struct Entry {
  std::string_view name;
  Verb verb;
  std::string_view doc;
};

constexpr std::array<Entry<ChatVerb>, 7> kChatCommands{
    {{"/compact", ChatVerb::kCompact, "replace the older conversation by a summary"},
     {"/model", ChatVerb::kModel, "NAME: use this model from now on"},
     {"/usage", ChatVerb::kUsage, "tokens and cost of this session"},
     {"/edit", ChatVerb::kEdit, "write the next message in $EDITOR"},
     {"/help", ChatVerb::kHelp, "this list"},
     {"/quit", ChatVerb::kQuit, "leave (also Ctrl-D)"},
     {"/exit", ChatVerb::kQuit, "leave"}}};

constexpr std::array<Entry<AttachVerb>, 5> kAttachCommands{
    {{"/steer", AttachVerb::kSteer, "TEXT: say it to the task that runs"},
     {"/interrupt", AttachVerb::kInterrupt, "stop the task that runs (also Ctrl-C)"},
     {"/help", AttachVerb::kHelp, "this list"},
     {"/quit", AttachVerb::kQuit, "detach; the session goes on (also Ctrl-D)"},
     {"/exit", AttachVerb::kQuit, "detach"}}};

std::string_view word_of(std::string_view line) { return line.substr(0, line.find_first_of(" \n")); }

template <class Verb>
base::Result<LineCommand<Verb>> parse(std::span<const Entry<Verb>> commands, std::string_view line) {
  const std::string_view word = word_of(line);
  std::vector<std::string> names;
  for (const Entry<Verb>& entry : commands) {
    if (entry.name == word) {
      return LineCommand<Verb>{.verb = entry.verb, .argument = std::string(base::trim(line.substr(word.size())))};
    }
    names.emplace_back(entry.name);
  }
  const std::string near = base::did_you_mean(word, names);
  return base::Error{.code = base::codes::kInvalid,
                     .message = fmt::format("there is no command {}", word),
                     .hint = near.empty() ? "/help lists them" : near};
}

template <class Verb>
std::string help(std::span<const Entry<Verb>> commands) {
  std::string out;
  for (const Entry<Verb>& entry : commands) out += fmt::format("{:10} {}\n", entry.name, entry.doc);
  return out;
}

constexpr std::string_view kSeveralLines = "A backslash at the end, \"\"\" around, or Alt-Enter: several lines.\n";

}  // namespace

bool is_chat_command(std::string_view line) {
  const std::string_view word = word_of(line);
  return word.size() > 1 && word[0] == '/' &&
         std::ranges::all_of(word.substr(1), [](unsigned char c) { return std::isalpha(c) != 0; });
}

base::Result<ChatCommand> parse_chat_command(std::string_view line) {
  return parse(std::span<const Entry<ChatVerb>>(kChatCommands), line);
}

base::Result<AttachCommand> parse_attach_command(std::string_view line) {
  return parse(std::span<const Entry<AttachVerb>>(kAttachCommands), line);
}

std::string chat_help() {
  return help(std::span<const Entry<ChatVerb>>(kChatCommands)) +
         "While a task runs, what you type is told to it at once. Ctrl-C stops it, twice leaves.\n" +
         std::string(kSeveralLines);
}

std::string attach_help() {
  return help(std::span<const Entry<AttachVerb>>(kAttachCommands)) +
         "What else you type starts a task, or is told to the one that runs. Ctrl-C stops it, twice detaches.\n" +
         std::string(kSeveralLines);
}

}  // namespace lathe::cli
