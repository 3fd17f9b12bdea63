#pragma once

#include <string>
#include <string_view>

#include "lathe/base/json.h"
#include "lathe/ports/model.h"
#include "lathe/protocol/items.h"

namespace lathe::providers::common {

/// The call's arguments as an object. What is no JSON object (a model wrote it, so it happens) becomes
/// {"invalid_arguments": "<as written>"}, because every server refuses a request that repeats it raw.
[[nodiscard]] base::Json arguments_object(const protocol::ToolCall& call);
/// The same as text; arguments that are an object keep their bytes.
[[nodiscard]] std::string arguments_text(const protocol::ToolCall& call);

/// Every object in the schema says additionalProperties: false.
[[nodiscard]] bool is_closed_schema(const base::Json& schema);
/// ... and requires every one of its properties: what OpenAI's strict mode takes.
[[nodiscard]] bool is_strict_schema(const base::Json& schema);
/// An instruction for servers that cannot hold a model to a schema while it has tools.
[[nodiscard]] std::string schema_instruction(const base::Json& schema);
/// What holds the model to the request's schema, where it has one.
enum class SchemaBy { kWire, kInstruction };
/// The system prompt, followed by schema_instruction() where that is what holds the model.
[[nodiscard]] std::string system_prompt_of(const ports::ModelRequest& request, SchemaBy schema_by);

/// "data:image/png;base64,…", or the remote URL.
[[nodiscard]] std::string image_url_of(const ports::ModelImage& image);

/// Whether an OpenAI model reasons (and takes reasoning settings), by its name.
[[nodiscard]] bool is_openai_reasoning_model(std::string_view model);
/// The least reasoning effort that such a model takes: "none", "minimal" or "low".
[[nodiscard]] std::string_view least_reasoning_effort(std::string_view model);

}  // namespace lathe::providers::common
