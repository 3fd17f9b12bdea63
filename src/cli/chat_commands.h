#pragma once

#include <string>
#include <string_view>

#include "lathe/base/result.h"

namespace lathe::cli {

enum class ChatVerb { kCompact, kModel, kUsage, kEdit, kHelp, kQuit };

enum class AttachVerb { kSteer, kInterrupt, kHelp, kQuit };

/// A line that starts with "/".
template <class Verb>
struct LineCommand {
  Verb verb = Verb::kHelp;
  std::string argument;
  friend bool operator==(const LineCommand&, const LineCommand&) = default;
};
/// In `lathe chat`.
using ChatCommand = LineCommand<ChatVerb>;
/// In `lathe attach`.
using AttachCommand = LineCommand<AttachVerb>;

/// Errors name the nearest command. A path ("/usr/bin is …") is no command: see is_chat_command.
[[nodiscard]] base::Result<ChatCommand> parse_chat_command(std::string_view line);
[[nodiscard]] base::Result<AttachCommand> parse_attach_command(std::string_view line);
/// Whether the line is meant as a command: "/" and one word of letters, then nothing or a space.
[[nodiscard]] bool is_chat_command(std::string_view line);
[[nodiscard]] std::string chat_help();
[[nodiscard]] std::string attach_help();

}  // namespace lathe::cli
