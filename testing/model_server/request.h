#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lathe/base/json.h"

namespace lathe::testing {

enum class Wire { kOpenaiResponses, kOpenaiChat, kAnthropic, kOllama };
/// openai_responses, openai_chat, anthropic, ollama.
[[nodiscard]] std::string_view name_of(Wire wire);
/// The wire that is spoken by POST to this path, if any.
[[nodiscard]] std::optional<Wire> wire_of_path(std::string_view path);

struct OfferedTool {
  std::string name;
  /// The `properties` of its parameters.
  base::Json properties;
};

/// One model request, read the same way from every wire.
struct ModelRequest {
  Wire wire = Wire::kOpenaiChat;
  base::Json body;
  std::string model;
  bool stream = false;
  std::string last_user;
  std::int64_t tool_results = 0;
  std::vector<OfferedTool> tools;
};
[[nodiscard]] ModelRequest read_request(Wire wire, base::Json body);

/// The conversation: `input` (a plain string becomes one user message) or `messages`.
[[nodiscard]] base::Json messages_of(Wire wire, const base::Json& body);

}  // namespace lathe::testing
