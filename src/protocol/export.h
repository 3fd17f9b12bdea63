#pragma once

#include <string>

#include "lathe/base/json.h"

// The protocol for those who do not read C++: what `lathe schema` prints and what stands in docs/reference. The order
// of everything is that of the declarations, so that two exports of one protocol are the same bytes.

namespace lathe::protocol {

/// JSON Schema 2020-12. The root accepts any frame of either direction; $defs has ClientFrame and ServerFrame, every
/// op, event, call and reply, and the types that they share. Unknown fields are allowed, as they are on the wire; of
/// two ways to say "absent" the schema knows only the one that Lathe writes: leaving the field out.
[[nodiscard]] base::Json json_schema();
/// OpenAPI 3.1 of the HTTP wire: a path for each route, and one for each call and op; the scopes of the token stand in
/// its `security`. Frames and events are among its schemas.
[[nodiscard]] base::Json openapi();
/// Type declarations for TypeScript, also of the HTTP wire.
[[nodiscard]] std::string typescript();
/// docs/reference/protocol.md.
[[nodiscard]] std::string reference_markdown();

}  // namespace lathe::protocol
