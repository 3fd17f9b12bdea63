#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "lathe/protocol/fields.h"

// Bodies that only the HTTP wire has (docs/reference/http.md). Those of calls, ops and events are the protocol's own.

namespace lathe::protocol {

struct HttpErrorDetail {
  static constexpr std::string_view kDoc = "Why not.";
  std::string code;
  std::string message;
  std::string hint;
  bool retryable = false;
  static constexpr auto fields() {
    using S = HttpErrorDetail;
    return std::tuple{required("code", &S::code, "stable name"),
                      required("message", &S::message, "what failed, for a person"),
                      optional("hint", &S::hint, "what to do"),
                      required("retryable", &S::retryable, "the same may succeed later as it is")};
  }
  friend bool operator==(const HttpErrorDetail&, const HttpErrorDetail&) = default;
};
struct HttpError {
  static constexpr std::string_view kDoc = "What is answered to a request that is refused.";
  HttpErrorDetail error;
  static constexpr auto fields() { return std::tuple{required("error", &HttpError::error, "why")}; }
  friend bool operator==(const HttpError&, const HttpError&) = default;
};

struct HttpAck {
  static constexpr std::string_view kDoc = "The op is recorded.";
  std::string session;
  std::int64_t seq = 0;
  static constexpr auto fields() {
    return std::tuple{required("session", &HttpAck::session, "the session that it reached"),
                      required("seq", &HttpAck::seq, "the record that acknowledges it")};
  }
  friend bool operator==(const HttpAck&, const HttpAck&) = default;
};

struct HealthAgent {
  static constexpr std::string_view kDoc = "What runs a session.";
  std::string name;
  bool usable = false;
  static constexpr auto fields() {
    return std::tuple{required("name", &HealthAgent::name, "as POST /sessions takes it"),
                      required("usable", &HealthAgent::usable, "sessions can be made with it")};
  }
  friend bool operator==(const HealthAgent&, const HealthAgent&) = default;
};
struct Health {
  static constexpr std::string_view kDoc = "Who answers.";
  std::string status;
  std::string version;
  std::string runtime;
  std::string default_runtime;
  std::vector<std::string> runtimes;
  std::vector<HealthAgent> agents;
  static constexpr auto fields() {
    using S = Health;
    return std::tuple{required("status", &S::status, "ok"),
                      required("version", &S::version, "of this Lathe"),
                      required("runtime", &S::runtime, "where agents run"),
                      required("default_runtime", &S::default_runtime, "where agents run unless it is said"),
                      required("runtimes", &S::runtimes, "where they can"),
                      required("agents", &S::agents, "what can run a session")};
  }
  friend bool operator==(const Health&, const Health&) = default;
};

// ---- agentruntime's (agentruntime "API Reference")

enum class AgentruntimeStatus { kPending, kRunning, kCompleted, kFailed };
constexpr auto enum_names(AgentruntimeStatus) {
  return std::array{
      EnumName{AgentruntimeStatus::kPending, "pending"}, EnumName{AgentruntimeStatus::kRunning, "running"},
      EnumName{AgentruntimeStatus::kCompleted, "completed"}, EnumName{AgentruntimeStatus::kFailed, "failed"}};
}

struct AgentruntimeError {
  static constexpr std::string_view kDoc = "What is answered to a request that is refused.";
  std::string error;
  std::string code;
  bool retryable = false;
  static constexpr auto fields() {
    using S = AgentruntimeError;
    return std::tuple{required("error", &S::error, "what failed, for a person"),
                      required("code", &S::code, "stable name"),
                      required("retryable", &S::retryable, "the same may succeed later as it is")};
  }
  friend bool operator==(const AgentruntimeError&, const AgentruntimeError&) = default;
};

struct AgentruntimeMount {
  static constexpr std::string_view kDoc = "The folder in which the agent works.";
  std::string host;
  std::string container;
  std::string mode;
  std::string type;
  static constexpr auto fields() {
    using S = AgentruntimeMount;
    return std::tuple{required("host", &S::host, "what work_dir would be"),
                      required("container", &S::container, "/workspace"), optional("mode", &S::mode, "rw"),
                      optional("type", &S::type, "bind")};
  }
  friend bool operator==(const AgentruntimeMount&, const AgentruntimeMount&) = default;
};

/// What the native agent honours of agentruntime's SessionRequest; read by gateways/http, which refuses the rest.
struct AgentruntimeSessionRequest {
  static constexpr std::string_view kDoc = "What the native agent honours of a SessionRequest.";
  std::string agent;
  std::string runtime;
  std::string prompt;
  bool interactive = false;
  std::string resume_session;
  bool persist_session = false;
  std::string work_dir;
  std::vector<AgentruntimeMount> mounts;
  std::string model;
  std::string name;
  std::string timeout;
  std::string task_id;
  std::map<std::string, std::string> tags;
  std::map<std::string, std::string> env;
  static constexpr auto fields() {
    using S = AgentruntimeSessionRequest;
    return std::tuple{required("agent", &S::agent, "native"),
                      optional("runtime", &S::runtime, "local"),
                      optional("prompt", &S::prompt, "what it is to do; may be absent only when it is interactive"),
                      optional("interactive", &S::interactive, "goes on until it is deleted"),
                      optional("resume_session", &S::resume_session, "id of a session that is to go on"),
                      optional("persist_session", &S::persist_session, "every session is kept"),
                      optional("work_dir", &S::work_dir,
                               "absolute folder in which it works; needed unless a session is to go on, which stays in "
                               "its own without it"),
                      optional("mounts", &S::mounts, "one at most, as another word for work_dir"),
                      optional("model", &S::model, "model name, or backend/model"),
                      optional("name", &S::name, "for lists"),
                      optional("timeout", &S::timeout, "of each Task: 90s, 5m, 1h30m"),
                      optional("task_id", &S::task_id, "the session is tagged task_id=…"),
                      optional("tags", &S::tags, "an object of strings; the session is tagged name=value"),
                      optional("env", &S::env,
                               "an object of strings: for commands of the session beside what the daemon has around "
                               "it, and keys of backends; needs the scope admin")};
  }
  friend bool operator==(const AgentruntimeSessionRequest&, const AgentruntimeSessionRequest&) = default;
};

struct AgentruntimeCreated {
  static constexpr std::string_view kDoc = "The session that was made.";
  std::string session_id;
  std::string task_id;
  std::string agent;
  std::string runtime;
  AgentruntimeStatus status = AgentruntimeStatus::kRunning;
  std::string ws_url;
  std::string log_url;
  static constexpr auto fields() {
    using S = AgentruntimeCreated;
    return std::tuple{required("session_id", &S::session_id, "its id"),
                      optional("task_id", &S::task_id, "what the client gave it"),
                      required("agent", &S::agent, "native"),
                      required("runtime", &S::runtime, "local"),
                      required("status", &S::status, "running"),
                      required("ws_url", &S::ws_url, "where it can be watched and steered"),
                      required("log_url", &S::log_url, "where its log is")};
  }
  friend bool operator==(const AgentruntimeCreated&, const AgentruntimeCreated&) = default;
};

struct AgentruntimeSummary {
  static constexpr std::string_view kDoc = "One line of a list.";
  std::string session_id;
  std::string task_id;
  std::string agent;
  std::string runtime;
  AgentruntimeStatus status = AgentruntimeStatus::kPending;
  std::string created_at;
  std::map<std::string, std::string> tags;
  static constexpr auto fields() {
    using S = AgentruntimeSummary;
    return std::tuple{required("session_id", &S::session_id, "its id"),
                      optional("task_id", &S::task_id, "what the client gave it"),
                      optional("tags", &S::tags, "those of the form name=value"),
                      required("agent", &S::agent, "native"),
                      required("runtime", &S::runtime, "local"),
                      required("status", &S::status, "where it stands"),
                      required("created_at", &S::created_at, "RFC 3339")};
  }
  friend bool operator==(const AgentruntimeSummary&, const AgentruntimeSummary&) = default;
};

struct AgentruntimeSnapshot {
  static constexpr std::string_view kDoc = "One session, with what it used.";
  std::string id;
  std::string task_id;
  std::map<std::string, std::string> tags;
  std::string agent_name;
  std::string runtime_name;
  std::string work_dir;
  std::string session_dir;
  AgentruntimeStatus state = AgentruntimeStatus::kPending;
  std::optional<std::int64_t> exit_code;
  std::string ended_at;
  std::string created_at;
  std::string last_activity;
  std::int64_t input_tokens = 0;
  std::int64_t output_tokens = 0;
  std::optional<double> cost_usd;
  std::int64_t tool_call_count = 0;
  static constexpr auto fields() {
    using S = AgentruntimeSnapshot;
    return std::tuple{required("id", &S::id, "its id"),
                      optional("task_id", &S::task_id, "what the client gave it"),
                      optional("tags", &S::tags, "those of the form name=value"),
                      required("agent_name", &S::agent_name, "native"),
                      required("runtime_name", &S::runtime_name, "local"),
                      required("work_dir", &S::work_dir, "folder in which it works"),
                      required("session_dir", &S::session_dir, "folder in which it is kept"),
                      required("state", &S::state, "where it stands"),
                      optional("exit_code", &S::exit_code, "once it has ended: that of lathe exec"),
                      optional("ended_at", &S::ended_at, "RFC 3339, once it has ended"),
                      required("created_at", &S::created_at, "RFC 3339"),
                      required("last_activity", &S::last_activity, "RFC 3339"),
                      required("input_tokens", &S::input_tokens, "of all Tasks"),
                      required("output_tokens", &S::output_tokens, "of all Tasks"),
                      optional("cost_usd", &S::cost_usd, "absent when any price is unknown"),
                      required("tool_call_count", &S::tool_call_count, "calls that the model asked for")};
  }
  friend bool operator==(const AgentruntimeSnapshot&, const AgentruntimeSnapshot&) = default;
};

struct AgentruntimeInfo {
  static constexpr std::string_view kDoc = "One session, with the addresses that lead to it.";
  std::string session_id;
  std::string task_id;
  std::string agent;
  std::string runtime;
  AgentruntimeStatus status = AgentruntimeStatus::kPending;
  std::optional<std::int64_t> exit_code;
  std::string ended_at;
  std::string created_at;
  std::string last_activity;
  std::string work_dir;
  std::string session_dir;
  std::string log_file;
  std::string ws_url;
  std::string log_url;
  std::int64_t input_tokens = 0;
  std::int64_t output_tokens = 0;
  std::optional<double> cost_usd;
  std::int64_t tool_call_count = 0;
  static constexpr auto fields() {
    using S = AgentruntimeInfo;
    return std::tuple{required("session_id", &S::session_id, "its id"),
                      optional("task_id", &S::task_id, "what the client gave it"),
                      required("agent", &S::agent, "native"),
                      required("runtime", &S::runtime, "local"),
                      required("status", &S::status, "where it stands"),
                      optional("exit_code", &S::exit_code, "once it has ended: that of lathe exec"),
                      optional("ended_at", &S::ended_at, "RFC 3339, once it has ended"),
                      required("created_at", &S::created_at, "RFC 3339"),
                      required("last_activity", &S::last_activity, "RFC 3339"),
                      required("work_dir", &S::work_dir, "folder in which it works"),
                      required("session_dir", &S::session_dir, "folder in which it is kept"),
                      required("log_file", &S::log_file, "its journal: the records of which its log is made"),
                      required("ws_url", &S::ws_url, "where it can be watched and steered"),
                      required("log_url", &S::log_url, "where its log is"),
                      required("input_tokens", &S::input_tokens, "of all Tasks"),
                      required("output_tokens", &S::output_tokens, "of all Tasks"),
                      optional("cost_usd", &S::cost_usd, "absent when any price is unknown"),
                      required("tool_call_count", &S::tool_call_count, "calls that the model asked for")};
  }
  friend bool operator==(const AgentruntimeInfo&, const AgentruntimeInfo&) = default;
};

struct AgentruntimeEnded {
  static constexpr std::string_view kDoc = "The session that was ended.";
  std::string session_id;
  AgentruntimeStatus status = AgentruntimeStatus::kCompleted;
  static constexpr auto fields() {
    return std::tuple{required("session_id", &AgentruntimeEnded::session_id, "its id"),
                      required("status", &AgentruntimeEnded::status, "how it ended")};
  }
  friend bool operator==(const AgentruntimeEnded&, const AgentruntimeEnded&) = default;
};

/// Everything above that a route takes or gives as a whole.
using HttpPayloads =
    std::tuple<HttpError, HttpAck, Health, AgentruntimeError, AgentruntimeSessionRequest, AgentruntimeCreated,
               AgentruntimeSummary, AgentruntimeSnapshot, AgentruntimeInfo, AgentruntimeEnded>;

/// One of HttpPayloads, or a list of one, as compact JSON.
template <class T>
[[nodiscard]] std::string payload_text(const T& payload);

}  // namespace lathe::protocol
