#pragma once

#include <cstdint>
#include <string>
#include <tuple>
#include <variant>
#include <vector>

#include "lathe/protocol/approval_calls.h"
#include "lathe/protocol/chain_calls.h"
#include "lathe/protocol/daemon_calls.h"
#include "lathe/protocol/fields.h"
#include "lathe/protocol/model_calls.h"
#include "lathe/protocol/policy_calls.h"
#include "lathe/protocol/session_calls.h"
#include "lathe/protocol/watch.h"

// Calls and their replies: everything that is not a session's work (ARCHITECTURE 4.2). Each call names its Reply.

namespace lathe::protocol {

/// Among the features of the reply to a hello that is `relayed`; an older daemon would take what follows as its own
/// person's.
inline constexpr std::string_view kRelayFeature = "relay";

/// Among the features of the reply where the descriptor of a folder may come with a configure_session: over the
/// daemon's own socket.
inline constexpr std::string_view kFolderFeature = "folder";

struct HelloReply {
  static constexpr std::string_view kType = "hello";
  static constexpr std::string_view kDoc = "Who answers, and what it can do.";
  std::string version;
  std::vector<std::string> features;
  static constexpr auto fields() {
    return std::tuple{required("version", &HelloReply::version, "version of this Lathe"),
                      required("features", &HelloReply::features, "names of what it can do")};
  }
  friend bool operator==(const HelloReply&, const HelloReply&) = default;
};
struct Hello {
  using Reply = HelloReply;
  static constexpr std::string_view kType = "hello";
  static constexpr std::string_view kDoc = "Names the client. First where a token is needed, optional elsewhere.";
  std::string client;
  std::string client_id;
  std::vector<std::string> features;
  std::string token;
  std::vector<std::string> environment;
  bool relayed = false;
  std::vector<std::string> process;
  static constexpr auto fields() {
    return std::tuple{
        required("client", &Hello::client, "name of the program"),
        optional("client_id", &Hello::client_id, "kept over reconnects; op ids are unique within it"),
        optional("features", &Hello::features, "names of what it needs"),
        optional("token", &Hello::token, "where one is needed"),
        optional("environment", &Hello::environment,
                 "NAME=value: for commands of the sessions that it configures, and keys of backends; "
                 "kept in memory only"),
        optional("relayed", &Hello::relayed,
                 "what follows is another's, who is let in by the token of this hello or of a later one, as "
                 "over TCP; it is so where the reply has the feature `relay`"),
        optional("process", &Hello::process,
                 "NAME=value: umask and limits (nofile=SOFT:HARD, … as ulimit names them, - for none) of its "
                 "process, for those sessions")};
  }
  friend bool operator==(const Hello&, const Hello&) = default;
};

struct IndexRebuildReply {
  static constexpr std::string_view kType = "index_rebuild";
  static constexpr std::string_view kDoc = "The index was made anew from the streams.";
  std::int64_t sessions = 0;
  std::int64_t records = 0;
  std::vector<std::string> problems;
  static constexpr auto fields() {
    using S = IndexRebuildReply;
    return std::tuple{required("sessions", &S::sessions, "sessions read"),
                      required("records", &S::records, "records read"),
                      optional("problems", &S::problems, "damage that was met, with its place")};
  }
  friend bool operator==(const IndexRebuildReply&, const IndexRebuildReply&) = default;
};
struct IndexRebuild {
  using Reply = IndexRebuildReply;
  static constexpr std::string_view kType = "index_rebuild";
  static constexpr std::string_view kDoc = "Makes the SQLite index anew from the streams.";
  static constexpr auto fields() { return std::tuple<>{}; }
  friend bool operator==(const IndexRebuild&, const IndexRebuild&) = default;
};

using AnyCall =
    std::variant<Hello, SessionList, SessionGet, SessionSubscribe, SessionUnsubscribe, SessionClaim, SessionFork,
                 SessionArchive, SessionTag, SessionMarkRead, SessionRemove, SessionSearch, SessionExport, ApprovalList,
                 ApprovalAnswer, ModelList, BackendList, BackendTest, UsageCall, IndexRebuild, Undo, PolicyExplain,
                 PolicyTest, TrustList, TrustSet, ChainCheck, ChainShow, ChainSchema, DaemonStatus, DaemonReload,
                 DaemonStop, DaemonHandOver, Vitals, Watch>;
using AnyReply =
    std::variant<OkReply, HelloReply, SessionListReply, SessionGetReply, SessionSubscribeReply, SessionForkReply,
                 SessionTagReply, SessionSearchReply, SessionExportReply, ApprovalListReply, ApprovalAnswerReply,
                 ModelListReply, BackendListReply, BackendTestReply, UsageReply, IndexRebuildReply, UndoReply,
                 PolicyExplainReply, PolicyTestReply, TrustListReply, ChainCheckReply, ChainShowReply, ChainSchemaReply,
                 DaemonStatusReply, DaemonHandOverReply, VitalsReply>;

/// One of the calls. Compiled once (calls.cc), for the reason that EventMsg is.
struct Call : AnyCall {
  using AnyCall::variant;
  Call();
  Call(const Call& other);
  Call(Call&& other) noexcept;
  Call& operator=(const Call& other);
  Call& operator=(Call&& other) noexcept;
  ~Call();

  friend bool operator==(const Call& left, const Call& right);
};

/// One of the replies; compiled once as well.
struct ReplyMsg : AnyReply {
  using AnyReply::variant;
  ReplyMsg();
  ReplyMsg(const ReplyMsg& other);
  ReplyMsg(ReplyMsg&& other) noexcept;
  ReplyMsg& operator=(const ReplyMsg& other);
  ReplyMsg& operator=(ReplyMsg&& other) noexcept;
  ~ReplyMsg();

  friend bool operator==(const ReplyMsg& left, const ReplyMsg& right);
};

}  // namespace lathe::protocol
