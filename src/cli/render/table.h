#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lathe/cli/term/style.h"
#include "lathe/protocol/calls.h"

namespace lathe::cli {

/// Rows as aligned columns under a bold header; cells are cleaned for a terminal. The last column is not padded.
[[nodiscard]] std::string table_text(const std::vector<std::string>& header,
                                     const std::vector<std::vector<std::string>>& rows, const Style& style);
/// A reply as one JSON document with its newline, without the tag of the wire.
[[nodiscard]] std::string reply_document(const protocol::ReplyMsg& reply);
/// "812 B", "17.3 MiB".
[[nodiscard]] std::string bytes_label(std::int64_t bytes);
/// "just now", "5m ago", "3d ago", "2026-02-01".
[[nodiscard]] std::string age_label(base::UnixMillis then, base::UnixMillis now);
/// "answer within 3s"; "too late to answer, which is a no".
[[nodiscard]] std::string deadline_label(base::UnixMillis expires_at, base::UnixMillis now);

}  // namespace lathe::cli
