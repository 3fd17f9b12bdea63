#pragma once

#include <string>
#include <string_view>

#include "lathe/base/result.h"

namespace lathe::cli {

enum class ChatVerb { kCompact, kModel, kUsage, kEdit, kHelp, kQuit };

/// A line of chat that starts with "/".
struct ChatCommand {
  ChatVerb verb = ChatVerb::kHelp;
  std::string argument;
  friend bool operator==(const ChatCommand&, const ChatCommand&) = default;
};

/// Errors name the nearest command. A path ("/usr/bin is …") is no command: see is_chat_command.
[[nodiscard]] base::Result<ChatCommand> parse_chat_command(std::string_view line);
/// Whether the line is meant as a command: "/" and one word of letters, then nothing or a space.
[[nodiscard]] bool is_chat_command(std::string_view line);
[[nodiscard]] std::string chat_help();

}  // namespace lathe::cli
