#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <tuple>
#include <variant>
#include <vector>

#include "lathe/base/clock.h"
#include "lathe/base/json.h"
#include "lathe/protocol/fields.h"
#include "lathe/protocol/items.h"

// Calls and their replies: everything that is not a session's work (ARCHITECTURE 4.2). Each call names its Reply.

namespace lathe::protocol {

struct OkReply {
  static constexpr std::string_view kType = "ok";
  static constexpr std::string_view kDoc = "Done.";
  static constexpr auto fields() { return std::tuple<>{}; }
  friend bool operator==(const OkReply&, const OkReply&) = default;
};

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
  static constexpr auto fields() {
    return std::tuple{required("client", &Hello::client, "name of the program"),
                      optional("client_id", &Hello::client_id, "kept over reconnects; op ids are unique within it"),
                      optional("features", &Hello::features, "names of what it needs"),
                      optional("token", &Hello::token, "where one is needed")};
  }
  friend bool operator==(const Hello&, const Hello&) = default;
};

enum class SessionState { kIdle, kRunning, kParked, kInterrupted };
constexpr auto enum_names(SessionState) {
  return std::array{EnumName{SessionState::kIdle, "idle"}, EnumName{SessionState::kRunning, "running"},
                    EnumName{SessionState::kParked, "parked"}, EnumName{SessionState::kInterrupted, "interrupted"}};
}

struct SessionInfo {
  static constexpr std::string_view kDoc = "One line of a session list.";
  std::string session_id;
  std::string title;
  std::string cwd;
  std::string model;
  std::string backend;
  SessionState state = SessionState::kIdle;
  base::UnixMillis created_at = 0;
  base::UnixMillis updated_at = 0;
  std::int64_t tasks = 0;
  std::int64_t last_seq = 0;
  Usage usage;
  std::optional<std::int64_t> cost_micro_usd;
  std::string forked_from;
  bool archived = false;
  bool replayed = false;
  static constexpr auto fields() {
    using S = SessionInfo;
    return std::tuple{required("session_id", &S::session_id, "UUIDv7"),
                      required("title", &S::title, "given, or the first words said"),
                      required("cwd", &S::cwd, "folder"),
                      required("model", &S::model, "model name"),
                      required("backend", &S::backend, "backend name"),
                      required("state", &S::state, "idle, running, parked, or interrupted by a crash"),
                      required("created_at", &S::created_at, "unix milliseconds"),
                      required("updated_at", &S::updated_at, "unix milliseconds"),
                      required("tasks", &S::tasks, "Tasks so far"),
                      required("last_seq", &S::last_seq, "last record"),
                      required("usage", &S::usage, "tokens of all Tasks"),
                      optional("cost_micro_usd", &S::cost_micro_usd, "absent when any price is unknown"),
                      optional("forked_from", &S::forked_from, "parent session"),
                      optional("archived", &S::archived, "hidden from the list"),
                      optional("replayed", &S::replayed, "a recording was played")};
  }
  friend bool operator==(const SessionInfo&, const SessionInfo&) = default;
};

struct SessionListReply {
  static constexpr std::string_view kType = "session_list";
  static constexpr std::string_view kDoc = "Sessions, newest first.";
  std::vector<SessionInfo> sessions;
  std::string next_cursor;
  static constexpr auto fields() {
    return std::tuple{required("sessions", &SessionListReply::sessions, "newest first"),
                      optional("next_cursor", &SessionListReply::next_cursor, "for the next page; absent on the last")};
  }
  friend bool operator==(const SessionListReply&, const SessionListReply&) = default;
};
struct SessionList {
  using Reply = SessionListReply;
  static constexpr std::string_view kType = "session_list";
  static constexpr std::string_view kDoc = "Lists sessions.";
  std::int64_t limit = 0;
  std::string cursor;
  std::string cwd;
  bool archived = false;
  static constexpr auto fields() {
    return std::tuple{optional("limit", &SessionList::limit, "at most this many; 0: all"),
                      optional("cursor", &SessionList::cursor, "next_cursor of the page before"),
                      optional("cwd", &SessionList::cwd, "only sessions of this folder"),
                      optional("archived", &SessionList::archived, "archived ones too")};
  }
  friend bool operator==(const SessionList&, const SessionList&) = default;
};

struct SessionGetReply {
  static constexpr std::string_view kType = "session_get";
  static constexpr std::string_view kDoc = "One session.";
  SessionInfo session;
  std::vector<std::string> open_questions;
  static constexpr auto fields() {
    return std::tuple{required("session", &SessionGetReply::session, "the session"),
                      optional("open_questions", &SessionGetReply::open_questions, "ids of what it waits for")};
  }
  friend bool operator==(const SessionGetReply&, const SessionGetReply&) = default;
};
struct SessionGet {
  using Reply = SessionGetReply;
  static constexpr std::string_view kType = "session_get";
  static constexpr std::string_view kDoc = "One session by id, by the unique start of an id, or \"last\".";
  std::string session;
  static constexpr auto fields() {
    return std::tuple{required("session", &SessionGet::session, "id, start of an id, or \"last\"")};
  }
  friend bool operator==(const SessionGet&, const SessionGet&) = default;
};

struct SessionSubscribeReply {
  static constexpr std::string_view kType = "session_subscribe";
  static constexpr std::string_view kDoc = "Events after `since` follow on this connection.";
  std::int64_t last_seq = 0;
  SessionState state = SessionState::kIdle;
  static constexpr auto fields() {
    return std::tuple{required("last_seq", &SessionSubscribeReply::last_seq, "last record at this moment"),
                      required("state", &SessionSubscribeReply::state, "state at this moment")};
  }
  friend bool operator==(const SessionSubscribeReply&, const SessionSubscribeReply&) = default;
};
struct SessionSubscribe {
  using Reply = SessionSubscribeReply;
  static constexpr std::string_view kType = "session_subscribe";
  static constexpr std::string_view kDoc =
      "Sends every durable event after `since`, then what is in flight, then all that comes.";
  std::string session;
  std::int64_t since = 0;
  static constexpr auto fields() {
    return std::tuple{
        required("session", &SessionSubscribe::session, "the session's id"),
        optional("since", &SessionSubscribe::since, "last seq that the client saw; 0: everything, -1: only new")};
  }
  friend bool operator==(const SessionSubscribe&, const SessionSubscribe&) = default;
};
struct SessionUnsubscribe {
  using Reply = OkReply;
  static constexpr std::string_view kType = "session_unsubscribe";
  static constexpr std::string_view kDoc = "Ends a subscription.";
  std::string session;
  static constexpr auto fields() {
    return std::tuple{required("session", &SessionUnsubscribe::session, "the session's id")};
  }
  friend bool operator==(const SessionUnsubscribe&, const SessionUnsubscribe&) = default;
};

struct SessionForkReply {
  static constexpr std::string_view kType = "session_fork";
  static constexpr std::string_view kDoc = "The new session.";
  std::string session;
  static constexpr auto fields() { return std::tuple{required("session", &SessionForkReply::session, "its id")}; }
  friend bool operator==(const SessionForkReply&, const SessionForkReply&) = default;
};
struct SessionFork {
  using Reply = SessionForkReply;
  static constexpr std::string_view kType = "session_fork";
  static constexpr std::string_view kDoc = "A new session that continues from a point of another; nothing is copied.";
  std::string session;
  std::string response_id;
  static constexpr auto fields() {
    return std::tuple{required("session", &SessionFork::session, "the parent"),
                      optional("response_id", &SessionFork::response_id, "the bookmark; absent: the latest")};
  }
  friend bool operator==(const SessionFork&, const SessionFork&) = default;
};

struct SessionArchive {
  using Reply = OkReply;
  static constexpr std::string_view kType = "session_archive";
  static constexpr std::string_view kDoc = "Hides a session from the list, or shows it again.";
  std::string session;
  bool archived = true;
  static constexpr auto fields() {
    return std::tuple{required("session", &SessionArchive::session, "the session's id"),
                      required("archived", &SessionArchive::archived, "hide or show")};
  }
  friend bool operator==(const SessionArchive&, const SessionArchive&) = default;
};
struct SessionRemove {
  using Reply = OkReply;
  static constexpr std::string_view kType = "session_remove";
  static constexpr std::string_view kDoc =
      "Deletes a session. Refused while it is held by a process or other sessions are forked from it.";
  std::string session;
  static constexpr auto fields() {
    return std::tuple{required("session", &SessionRemove::session, "the session's id")};
  }
  friend bool operator==(const SessionRemove&, const SessionRemove&) = default;
};

struct SearchHit {
  static constexpr std::string_view kDoc = "One place where the words stand.";
  std::string session_id;
  std::int64_t seq = 0;
  std::string title;
  std::string type;
  std::string snippet;
  base::UnixMillis ts = 0;
  static constexpr auto fields() {
    using S = SearchHit;
    return std::tuple{required("session_id", &S::session_id, "the session"),
                      required("seq", &S::seq, "the record"),
                      required("title", &S::title, "the session's title"),
                      required("type", &S::type, "the record's type"),
                      required("snippet", &S::snippet, "text around the hit, the words in «»"),
                      required("ts", &S::ts, "unix milliseconds")};
  }
  friend bool operator==(const SearchHit&, const SearchHit&) = default;
};
struct SessionSearchReply {
  static constexpr std::string_view kType = "session_search";
  static constexpr std::string_view kDoc = "Hits, best first.";
  std::vector<SearchHit> hits;
  static constexpr auto fields() { return std::tuple{required("hits", &SessionSearchReply::hits, "best first")}; }
  friend bool operator==(const SessionSearchReply&, const SessionSearchReply&) = default;
};
struct SessionSearch {
  using Reply = SessionSearchReply;
  static constexpr std::string_view kType = "session_search";
  static constexpr std::string_view kDoc = "Full-text search over what was said, run and answered.";
  std::string query;
  std::int64_t limit = 20;
  static constexpr auto fields() {
    return std::tuple{required("query", &SessionSearch::query, "words, all of which must occur; \"…\" for a phrase"),
                      optional("limit", &SessionSearch::limit, "at most this many (default 20)")};
  }
  friend bool operator==(const SessionSearch&, const SessionSearch&) = default;
};

struct SessionExportReply {
  static constexpr std::string_view kType = "session_export";
  static constexpr std::string_view kDoc = "The records, whole and in order.";
  std::vector<std::string> records;
  std::int64_t next = 0;
  static constexpr auto fields() {
    return std::tuple{required("records", &SessionExportReply::records, "lines of the journal"),
                      optional("next", &SessionExportReply::next, "`since` of the next page; 0 on the last")};
  }
  friend bool operator==(const SessionExportReply&, const SessionExportReply&) = default;
};
struct SessionExport {
  using Reply = SessionExportReply;
  static constexpr std::string_view kType = "session_export";
  static constexpr std::string_view kDoc = "Reads a session's records, those of its parents first; needs no lock.";
  std::string session;
  std::int64_t since = 0;
  std::int64_t limit = 1000;
  static constexpr auto fields() {
    return std::tuple{required("session", &SessionExport::session, "the session's id"),
                      optional("since", &SessionExport::since, "records after this seq"),
                      optional("limit", &SessionExport::limit, "records of one page (default 1,000)")};
  }
  friend bool operator==(const SessionExport&, const SessionExport&) = default;
};

struct OpenQuestion {
  static constexpr std::string_view kDoc = "A question that waits for a person.";
  std::string id;
  std::string session_id;
  std::string kind;
  std::string what;
  std::string reason;
  base::UnixMillis asked_at = 0;
  static constexpr auto fields() {
    using S = OpenQuestion;
    return std::tuple{required("id", &S::id, "the question's id"),
                      required("session_id", &S::session_id, "the session"),
                      required("kind", &S::kind, "type of the event that asked"),
                      required("what", &S::what, "the command, the files, the tool or the question, in one line"),
                      optional("reason", &S::reason, "why"),
                      required("asked_at", &S::asked_at, "unix milliseconds")};
  }
  friend bool operator==(const OpenQuestion&, const OpenQuestion&) = default;
};
struct ApprovalListReply {
  static constexpr std::string_view kType = "approval_list";
  static constexpr std::string_view kDoc = "Open questions of all sessions, oldest first.";
  std::vector<OpenQuestion> questions;
  static constexpr auto fields() {
    return std::tuple{required("questions", &ApprovalListReply::questions, "oldest first")};
  }
  friend bool operator==(const ApprovalListReply&, const ApprovalListReply&) = default;
};
struct ApprovalList {
  using Reply = ApprovalListReply;
  static constexpr std::string_view kType = "approval_list";
  static constexpr std::string_view kDoc = "Lists open questions of all sessions.";
  static constexpr auto fields() { return std::tuple<>{}; }
  friend bool operator==(const ApprovalList&, const ApprovalList&) = default;
};
struct ApprovalAnswerReply {
  static constexpr std::string_view kType = "approval_answer";
  static constexpr std::string_view kDoc = "The answer is recorded.";
  std::string session;
  bool resumed = false;
  static constexpr auto fields() {
    return std::tuple{required("session", &ApprovalAnswerReply::session, "the session that asked"),
                      required("resumed", &ApprovalAnswerReply::resumed, "its Task goes on here")};
  }
  friend bool operator==(const ApprovalAnswerReply&, const ApprovalAnswerReply&) = default;
};
struct ApprovalAnswer {
  using Reply = ApprovalAnswerReply;
  static constexpr std::string_view kType = "approval_answer";
  static constexpr std::string_view kDoc = "Answers an open question of any session, and lets its Task go on.";
  std::string id;
  Decision decision = Decision::kDenied;
  std::string note;
  std::vector<std::string> answers;
  bool resume = true;
  static constexpr auto fields() {
    using S = ApprovalAnswer;
    return std::tuple{required("id", &S::id, "the question's id"),
                      optional("decision", &S::decision, "the answer to an approval"),
                      optional("note", &S::note, "told to the model"),
                      optional("answers", &S::answers, "the answers to a user_question"),
                      required("resume", &S::resume, "let the Task go on in this engine")};
  }
  friend bool operator==(const ApprovalAnswer&, const ApprovalAnswer&) = default;
};

struct ModelInfo {
  static constexpr std::string_view kDoc = "One model of a backend.";
  std::string backend;
  std::string model;
  std::int64_t context_window = 0;
  std::optional<std::int64_t> input_micro_usd_per_mtok;
  std::optional<std::int64_t> output_micro_usd_per_mtok;
  bool is_default = false;
  static constexpr auto fields() {
    using S = ModelInfo;
    return std::tuple{required("backend", &S::backend, "backend name"),
                      required("model", &S::model, "model name"),
                      optional("context_window", &S::context_window, "tokens; absent when unknown"),
                      optional("input_micro_usd_per_mtok", &S::input_micro_usd_per_mtok,
                               "price of a million input tokens; absent when unknown"),
                      optional("output_micro_usd_per_mtok", &S::output_micro_usd_per_mtok,
                               "price of a million output tokens; absent when unknown"),
                      optional("is_default", &S::is_default, "used when no model is named")};
  }
  friend bool operator==(const ModelInfo&, const ModelInfo&) = default;
};
struct ModelListReply {
  static constexpr std::string_view kType = "model_list";
  static constexpr std::string_view kDoc = "What the servers offer.";
  std::vector<ModelInfo> models;
  std::vector<std::string> problems;
  static constexpr auto fields() {
    return std::tuple{required("models", &ModelListReply::models, "by backend"),
                      optional("problems", &ModelListReply::problems, "backends that did not answer, and why")};
  }
  friend bool operator==(const ModelListReply&, const ModelListReply&) = default;
};
struct ModelList {
  using Reply = ModelListReply;
  static constexpr std::string_view kType = "model_list";
  static constexpr std::string_view kDoc = "Asks the backends which models they have.";
  std::string backend;
  static constexpr auto fields() { return std::tuple{optional("backend", &ModelList::backend, "only this one")}; }
  friend bool operator==(const ModelList&, const ModelList&) = default;
};

struct BackendInfo {
  static constexpr std::string_view kDoc = "One configured or found backend.";
  std::string name;
  std::string type;
  std::string provider;
  std::string url;
  std::string key_source;
  std::string origin;
  bool is_default = false;
  static constexpr auto fields() {
    using S = BackendInfo;
    return std::tuple{required("name", &S::name, "its name"),
                      required("type", &S::type, "openai, anthropic, ollama, …"),
                      required("provider", &S::provider, "wire format"),
                      required("url", &S::url, "base URL"),
                      optional("key_source", &S::key_source, "where the key is from; never the key"),
                      required("origin", &S::origin, "config, environment or found"),
                      optional("is_default", &S::is_default, "used when no backend is named")};
  }
  friend bool operator==(const BackendInfo&, const BackendInfo&) = default;
};
struct BackendListReply {
  static constexpr std::string_view kType = "backend_list";
  static constexpr std::string_view kDoc = "Backends in order of precedence.";
  std::vector<BackendInfo> backends;
  static constexpr auto fields() { return std::tuple{required("backends", &BackendListReply::backends, "in order")}; }
  friend bool operator==(const BackendListReply&, const BackendListReply&) = default;
};
struct BackendList {
  using Reply = BackendListReply;
  static constexpr std::string_view kType = "backend_list";
  static constexpr std::string_view kDoc = "Lists backends: configured, from the environment, found on this machine.";
  static constexpr auto fields() { return std::tuple<>{}; }
  friend bool operator==(const BackendList&, const BackendList&) = default;
};
struct BackendTestReply {
  static constexpr std::string_view kType = "backend_test";
  static constexpr std::string_view kDoc = "The backend answered.";
  std::string model;
  std::int64_t models = 0;
  std::int64_t latency_ms = 0;
  std::string answer;
  static constexpr auto fields() {
    using S = BackendTestReply;
    return std::tuple{required("model", &S::model, "the model that was asked"),
                      required("models", &S::models, "how many models it lists"),
                      required("latency_ms", &S::latency_ms, "to the first byte of an answer"),
                      optional("answer", &S::answer, "what the model said; absent when only the list was asked for")};
  }
  friend bool operator==(const BackendTestReply&, const BackendTestReply&) = default;
};
struct BackendTest {
  using Reply = BackendTestReply;
  static constexpr std::string_view kType = "backend_test";
  static constexpr std::string_view kDoc =
      "Asks a backend for its models and, when told, for one short answer (which may be billed).";
  std::string backend;
  std::string model;
  bool ask_model = false;
  static constexpr auto fields() {
    using S = BackendTest;
    return std::tuple{required("backend", &S::backend, "its name"), optional("model", &S::model, "the model to ask"),
                      optional("ask_model", &S::ask_model, "also ask for an answer")};
  }
  friend bool operator==(const BackendTest&, const BackendTest&) = default;
};

struct UsageRow {
  static constexpr std::string_view kDoc = "Tokens and cost of one group.";
  std::string key;
  Usage usage;
  std::optional<std::int64_t> cost_micro_usd;
  std::int64_t tasks = 0;
  static constexpr auto fields() {
    using S = UsageRow;
    return std::tuple{required("key", &S::key, "the day, model, session or folder"),
                      required("usage", &S::usage, "tokens"),
                      optional("cost_micro_usd", &S::cost_micro_usd, "absent when any price is unknown"),
                      required("tasks", &S::tasks, "Tasks")};
  }
  friend bool operator==(const UsageRow&, const UsageRow&) = default;
};
struct UsageReply {
  static constexpr std::string_view kType = "usage";
  static constexpr std::string_view kDoc = "Rows, largest first.";
  std::vector<UsageRow> rows;
  static constexpr auto fields() { return std::tuple{required("rows", &UsageReply::rows, "largest first")}; }
  friend bool operator==(const UsageReply&, const UsageReply&) = default;
};
struct UsageCall {
  using Reply = UsageReply;
  static constexpr std::string_view kType = "usage";
  static constexpr std::string_view kDoc = "Tokens and cost by day, model, session or folder.";
  std::string by = "day";
  static constexpr auto fields() {
    return std::tuple{optional("by", &UsageCall::by, "day (default), model, session or folder")};
  }
  friend bool operator==(const UsageCall&, const UsageCall&) = default;
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

using Call = std::variant<Hello, SessionList, SessionGet, SessionSubscribe, SessionUnsubscribe, SessionFork,
                          SessionArchive, SessionRemove, SessionSearch, SessionExport, ApprovalList, ApprovalAnswer,
                          ModelList, BackendList, BackendTest, UsageCall, IndexRebuild>;
using ReplyMsg =
    std::variant<OkReply, HelloReply, SessionListReply, SessionGetReply, SessionSubscribeReply, SessionForkReply,
                 SessionSearchReply, SessionExportReply, ApprovalListReply, ApprovalAnswerReply, ModelListReply,
                 BackendListReply, BackendTestReply, UsageReply, IndexRebuildReply>;

}  // namespace lathe::protocol
