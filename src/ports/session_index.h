#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lathe/base/result.h"
#include "lathe/protocol/calls.h"
#include "lathe/runtime/async.h"

namespace lathe::ports {

/// A question that has its answer.
struct SettledQuestion {
  std::string session_id;
  /// A protocol::Decision by its name, or "answered".
  std::string answer;
  /// As the record of the answer tells.
  std::string by;
};

/// Lists and search over the streams of a data root: an index that follows them and can be made anew. Each query first
/// takes in what streams have that the index has not. Losing it loses nothing.
class SessionIndex {
 public:
  virtual ~SessionIndex() = default;
  virtual runtime::Async<base::Result<protocol::SessionListReply>> list(protocol::SessionList query) = 0;
  /// Full ids that start with `prefix` (at most 10, newest first); "last" gives the newest in which something was
  /// said, or that was given a title.
  virtual runtime::Async<base::Result<std::vector<std::string>>> find(std::string prefix) = 0;
  virtual runtime::Async<base::Result<protocol::SessionInfo>> get(std::string session_id) = 0;
  /// Those of these that there are, by id.
  virtual runtime::Async<base::Result<std::vector<protocol::SessionInfo>>> get_all(
      std::vector<std::string> session_ids) = 0;
  virtual runtime::Async<base::Result<protocol::SessionSearchReply>> search(protocol::SessionSearch query) = 0;
  virtual runtime::Async<base::Result<protocol::ApprovalListReply>> open_questions() = 0;
  /// How the question was settled; nothing when it is open, never was, or went with its Task.
  virtual runtime::Async<base::Result<std::optional<SettledQuestion>>> settled_question(std::string id) = 0;
  /// Of all sessions, those of sub-agents and archived ones too.
  virtual runtime::Async<base::Result<protocol::SessionCounts>> counts() = 0;
  virtual runtime::Async<base::Result<protocol::UsageReply>> usage(protocol::UsageCall query) = 0;
  virtual runtime::Async<base::Result<void>> archive(std::string session_id, bool archived) = 0;
  /// Adds tags and takes others away; gives those it has then. `limit_exceeded` past kMostTags.
  virtual runtime::Async<base::Result<protocol::SessionTagReply>> tag(protocol::SessionTag call) = 0;
  /// `last_seq`: where the session stands now, from whoever holds it. Then the index need not be opened for this.
  virtual runtime::Async<base::Result<void>> mark_read(protocol::SessionMarkRead call,
                                                       std::optional<std::int64_t> last_seq) = 0;
  /// Notes whether the session's stream can be read to its end; reads all of it.
  virtual runtime::Async<base::Result<void>> check(std::string session_id) = 0;
  /// The session's stream is gone.
  virtual runtime::Async<base::Result<void>> forget(std::string session_id) = 0;
  virtual runtime::Async<base::Result<protocol::IndexRebuildReply>> rebuild() = 0;
  /// Takes in what the session's stream has; called after appends and before a clean end. Cheap when there is nothing.
  virtual runtime::Async<base::Result<void>> follow(std::string session_id) = 0;
};

}  // namespace lathe::ports
