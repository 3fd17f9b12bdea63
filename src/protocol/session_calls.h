#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "lathe/base/clock.h"
#include "lathe/base/json.h"
#include "lathe/protocol/fields.h"
#include "lathe/protocol/items.h"

// Sessions: lists, subscriptions, forks, search, export, undo.

namespace lathe::protocol {

struct OkReply {
  static constexpr std::string_view kType = "ok";
  static constexpr std::string_view kDoc = "Done.";
  static constexpr auto fields() { return std::tuple<>{}; }
  friend bool operator==(const OkReply&, const OkReply&) = default;
};

enum class SessionState { kIdle, kRunning, kParked, kInterrupted, kDamaged };
constexpr auto enum_names(SessionState) {
  return std::array{EnumName{SessionState::kIdle, "idle"}, EnumName{SessionState::kRunning, "running"},
                    EnumName{SessionState::kParked, "parked"}, EnumName{SessionState::kInterrupted, "interrupted"},
                    EnumName{SessionState::kDamaged, "damaged"}};
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
  std::vector<std::string> tags;
  bool unread = false;
  static constexpr auto fields() {
    using S = SessionInfo;
    return std::tuple{required("session_id", &S::session_id, "UUIDv7"),
                      required("title", &S::title, "given, or the first words said"),
                      required("cwd", &S::cwd, "folder"),
                      required("model", &S::model, "model name"),
                      required("backend", &S::backend, "backend name"),
                      required("state", &S::state, "idle, running, parked, interrupted by a crash, or damaged"),
                      required("created_at", &S::created_at, "unix milliseconds"),
                      required("updated_at", &S::updated_at, "unix milliseconds"),
                      required("tasks", &S::tasks, "Tasks so far"),
                      required("last_seq", &S::last_seq, "last record"),
                      required("usage", &S::usage, "tokens of all Tasks"),
                      optional("cost_micro_usd", &S::cost_micro_usd, "absent when any price is unknown"),
                      optional("forked_from", &S::forked_from, "parent session"),
                      optional("archived", &S::archived, "hidden from the list"),
                      optional("replayed", &S::replayed, "a recording was played"),
                      optional("tags", &S::tags, "words that it was tagged with, in order"),
                      optional("unread", &S::unread,
                               "a Task ended or parked in it that no person has looked at; never one of a sub-agent")};
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
  std::string tag;
  bool unread = false;
  static constexpr auto fields() {
    return std::tuple{optional("limit", &SessionList::limit, "at most this many; 0: all"),
                      optional("cursor", &SessionList::cursor, "next_cursor of the page before"),
                      optional("cwd", &SessionList::cwd, "only sessions of this folder"),
                      optional("archived", &SessionList::archived, "archived ones too"),
                      optional("tag", &SessionList::tag, "only sessions with this tag"),
                      optional("unread", &SessionList::unread, "only unread ones")};
  }
  friend bool operator==(const SessionList&, const SessionList&) = default;
};

struct SessionGetReply {
  static constexpr std::string_view kType = "session_get";
  static constexpr std::string_view kDoc = "One session.";
  SessionInfo session;
  std::vector<std::string> open_questions;
  std::string folder;
  std::string journal;
  static constexpr auto fields() {
    using S = SessionGetReply;
    return std::tuple{required("session", &S::session, "the session"),
                      optional("open_questions", &S::open_questions, "ids of what it waits for"),
                      optional("folder", &S::folder, "where what is kept of it lies, on the machine of the engine"),
                      optional("journal", &S::journal,
                               "file with its own records, one a line; a fork's parents have files of their own")};
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
  std::string claimed_by;
  static constexpr auto fields() {
    using S = SessionSubscribeReply;
    return std::tuple{required("last_seq", &S::last_seq, "last record at this moment"),
                      required("state", &S::state, "state at this moment"),
                      optional("claimed_by", &S::claimed_by, "the client that has claimed it, if one has")};
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
  bool only_looks = false;
  static constexpr auto fields() {
    return std::tuple{
        required("session", &SessionSubscribe::session, "the session's id"),
        optional("since", &SessionSubscribe::since,
                 "last seq that the client saw; 0: everything, -1: only new, beyond the last one: an error"),
        optional("only_looks", &SessionSubscribe::only_looks,
                 "it answers no questions, so none waits for it; so it is with a token without the scope approve")};
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

struct SessionClaim {
  using Reply = OkReply;
  static constexpr std::string_view kType = "session_claim";
  static constexpr std::string_view kDoc =
      "Makes this connection the only one that may drive the session and its agents, until it ends, unsubscribes or "
      "releases it, or the session is closed. Others see all that happens; their ops and answers are refused with "
      "`claimed`. It is subscribed to what it claims.";
  std::string session;
  bool release = false;
  static constexpr auto fields() {
    return std::tuple{required("session", &SessionClaim::session, "the session's id"),
                      optional("release", &SessionClaim::release, "gives it back instead")};
  }
  friend bool operator==(const SessionClaim&, const SessionClaim&) = default;
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
  static constexpr std::string_view kDoc =
      "Hides a session from the list, or shows it again. Hiding is refused while another process holds it or a Task "
      "runs in it.";
  std::string session;
  bool archived = true;
  static constexpr auto fields() {
    return std::tuple{required("session", &SessionArchive::session, "the session's id"),
                      required("archived", &SessionArchive::archived, "hide or show")};
  }
  friend bool operator==(const SessionArchive&, const SessionArchive&) = default;
};
struct SessionTagReply {
  static constexpr std::string_view kType = "session_tag";
  static constexpr std::string_view kDoc = "The tags that the session has now.";
  std::vector<std::string> tags;
  static constexpr auto fields() { return std::tuple{required("tags", &SessionTagReply::tags, "in order")}; }
  friend bool operator==(const SessionTagReply&, const SessionTagReply&) = default;
};
struct SessionTag {
  using Reply = SessionTagReply;
  static constexpr std::string_view kType = "session_tag";
  static constexpr std::string_view kDoc =
      "Adds tags to a session, and takes others away; with neither it tells those there are. A tag is one word of at "
      "most 64 bytes without `/` and `,`; a session has at most 32.";
  std::string session;
  std::vector<std::string> add;
  std::vector<std::string> remove;
  static constexpr auto fields() {
    return std::tuple{required("session", &SessionTag::session, "the session's id"),
                      optional("add", &SessionTag::add, "tags that it gets"),
                      optional("remove", &SessionTag::remove, "tags that it loses; one that it has not is no error")};
  }
  friend bool operator==(const SessionTag&, const SessionTag&) = default;
};
struct SessionMarkRead {
  using Reply = OkReply;
  static constexpr std::string_view kType = "session_mark_read";
  static constexpr std::string_view kDoc =
      "Says that a person has looked at the session, or takes that back. Front ends call it where they show a person "
      "what came of a Task.";
  std::string session;
  std::int64_t seq = 0;
  bool unread = false;
  static constexpr auto fields() {
    return std::tuple{required("session", &SessionMarkRead::session, "the session's id"),
                      optional("seq", &SessionMarkRead::seq, "the last record that was looked at; 0: all there are"),
                      optional("unread", &SessionMarkRead::unread, "nothing of it counts as looked at any more")};
  }
  friend bool operator==(const SessionMarkRead&, const SessionMarkRead&) = default;
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
  static constexpr std::string_view kDoc =
      "Reads a session's records, those of its parents first; needs no lock. Of a damaged session those before the "
      "damage are given, and the page after them is the error.";
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

struct UndoReply {
  static constexpr std::string_view kType = "undo";
  static constexpr std::string_view kDoc = "What was brought back, or would be.";
  std::string to;
  std::vector<std::string> restored;
  std::vector<std::string> removed;
  std::vector<std::string> conflicts;
  std::vector<std::string> not_covered;
  bool done = false;
  static constexpr auto fields() {
    using S = UndoReply;
    return std::tuple{required("to", &S::to, "the Task or Turn before which they were so"),
                      optional("restored", &S::restored, "files that get their former content"),
                      optional("removed", &S::removed, "files that did not exist then"),
                      optional("conflicts", &S::conflicts, "changed since by someone else, left alone"),
                      optional("not_covered", &S::not_covered, "what undo cannot bring back"),
                      required("done", &S::done, "false: a dry run")};
  }
  friend bool operator==(const UndoReply&, const UndoReply&) = default;
};
struct Undo {
  using Reply = UndoReply;
  static constexpr std::string_view kType = "undo";
  static constexpr std::string_view kDoc = "Brings files back to what they were before a Task or Turn.";
  std::string session;
  std::string task;
  std::string response_id;
  bool dry_run = false;
  static constexpr auto fields() {
    using S = Undo;
    return std::tuple{required("session", &S::session, "the session"),
                      optional("task", &S::task, "before this Task (default: the last one)"),
                      optional("response_id", &S::response_id, "before this Turn"),
                      optional("dry_run", &S::dry_run, "only tell")};
  }
  friend bool operator==(const Undo&, const Undo&) = default;
};

}  // namespace lathe::protocol
