#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lathe/base/clock.h"
#include "lathe/base/result.h"
#include "lathe/net/http_connection.h"

// What agentruntime's clients ask with (agentruntime "POST /sessions"). Pure, but for looks at the folder that is
// named.

namespace lathe::gateways::http {

/// As much of a SessionRequest as the native agent honours.
struct AgentruntimeRequest {
  std::string prompt;
  bool interactive = false;
  /// The session that is to go on; empty: a new one.
  std::string resume_session;
  /// May be empty when one is to go on.
  std::string work_dir;
  std::string model;
  std::string name;
  std::optional<base::Millis> timeout;
  /// One that the client chose.
  std::string session_id;
  /// What the session is tagged with: its tags and its task_id (tag_of()).
  std::vector<std::string> tags;
  /// Its env, "NAME=value".
  std::vector<std::string> environment;
  friend bool operator==(const AgentruntimeRequest&, const AgentruntimeRequest&) = default;
};

/// The name of the tag that keeps a task_id.
inline constexpr std::string_view kTaskIdTag = "task_id";
/// agentruntime's tags have names and values; a tag of a session is one word.
[[nodiscard]] std::string tag_of(std::string_view name, std::string_view value);
struct AgentruntimeTags {
  std::string task_id;
  std::map<std::string, std::string> tags;
};
/// The other way round. Tags of other shapes are none of agentruntime's.
[[nodiscard]] AgentruntimeTags named_tags(const std::vector<std::string>& tags);

/// Of the tags that a session has, those whose names are given another value.
[[nodiscard]] std::vector<std::string> replaced_tags(const std::vector<std::string>& had,
                                                     const std::vector<std::string>& given);

/// `invalid` with what is wrong. A known field that would change what runs, or be kept, and that is not honoured is
/// refused, rather than left out unsaid; fields that agentruntime does not know are ignored.
[[nodiscard]] base::Result<AgentruntimeRequest> parse_agentruntime_request(std::string_view body);

/// Whether an agent may be sent to work there: an absolute folder that exists, without "..", neither the root nor the
/// system's, and neither inside of a folder with keys nor around one. Links are followed.
[[nodiscard]] base::Result<void> check_work_dir(const std::string& path);

/// A parameter that is a byte offset; `least` is the smallest that is taken.
[[nodiscard]] base::Result<std::int64_t> offset_parameter(const net::IncomingRequest& request, std::string_view name,
                                                          std::int64_t fallback, std::int64_t least);
/// A parameter that says how many: at least one.
[[nodiscard]] base::Result<std::int64_t> count_parameter(const net::IncomingRequest& request, std::string_view name,
                                                         std::int64_t fallback);

}  // namespace lathe::gateways::http
