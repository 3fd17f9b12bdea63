#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lathe/base/result.h"
#include "lathe/ports/session_index.h"
#include "lathe/protocol/calls.h"
#include "lathe/storage/sqlite.h"

// The questions that the index answers. Each reads rows that projection.cc wrote.

namespace lathe::index {

/// Whether a live process holds a session; asked only for sessions with a Task that is at work.
using Held = std::function<bool(const std::string&)>;

[[nodiscard]] base::Result<protocol::SessionListReply> list_sessions(storage::Database& database,
                                                                     const protocol::SessionList& query,
                                                                     const Held& held);
[[nodiscard]] base::Result<protocol::SessionInfo> get_session(storage::Database& database,
                                                              const std::string& session_id, const Held& held);
/// Those of these that there are, by id.
[[nodiscard]] base::Result<std::vector<protocol::SessionInfo>> get_sessions(storage::Database& database,
                                                                            const std::vector<std::string>& ids,
                                                                            const Held& held);
[[nodiscard]] base::Result<std::vector<std::string>> find_sessions(storage::Database& database,
                                                                   const std::string& prefix);
[[nodiscard]] base::Result<protocol::SessionSearchReply> search_messages(storage::Database& database,
                                                                         const protocol::SessionSearch& query);
[[nodiscard]] base::Result<protocol::ApprovalListReply> list_questions(storage::Database& database);
[[nodiscard]] base::Result<std::optional<ports::SettledQuestion>> find_settled(storage::Database& database,
                                                                               const std::string& id);
[[nodiscard]] base::Result<protocol::SessionCounts> count_sessions(storage::Database& database, const Held& held);
/// The project that a folder belongs to; empty: each is its own.
using ProjectOf = std::function<std::string(const std::string& folder)>;
[[nodiscard]] base::Result<protocol::UsageReply> sum_usage(storage::Database& database,
                                                           const protocol::UsageCall& query,
                                                           const ProjectOf& project_of);

/// Words and "phrases" as an FTS5 expression in which every one must occur; nothing in it is taken for an operator.
[[nodiscard]] base::Result<std::string> match_expression(std::string_view words);

}  // namespace lathe::index
