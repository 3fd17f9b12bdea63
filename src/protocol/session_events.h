#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "lathe/base/json.h"
#include "lathe/protocol/fields.h"
#include "lathe/protocol/items.h"

// What a session is configured as, and what concerns it as a whole.

namespace lathe::protocol {

/// The `provider` of answers that come from a recording. No backend of a person's own has it, whatever its name is.
inline constexpr std::string_view kRecordingProvider = "cassette";

struct SessionConfigured {
  static constexpr std::string_view kType = "session_configured";
  static constexpr std::string_view kDoc =
      "The session's configuration; the first event of a session, and after each change of it.";
  std::string session_id;
  std::string model;
  std::string backend;
  std::string provider;
  std::string cwd;
  ApprovalPolicy approval_policy = ApprovalPolicy::kOnRequest;
  AskMode ask = AskMode::kClient;
  Budget budget;
  std::string system_prompt;
  std::vector<std::string> fallback_models;
  std::string title;
  std::string sandbox;
  SandboxMode sandbox_mode = SandboxMode::kWorkspaceWrite;
  NetworkMode network = NetworkMode::kNone;
  std::vector<std::string> allow_hosts;
  std::string driver;
  bool replayed = false;
  std::string parent_session;
  std::string agent;
  std::vector<std::string> from_settings;
  static constexpr auto fields() {
    using S = SessionConfigured;
    return std::tuple{
        required("session_id", &S::session_id, "UUIDv7"),
        required("model", &S::model, "model name at the backend"),
        required("backend", &S::backend, "name of the backend"),
        required("provider", &S::provider,
                 "wire format: openai_responses, openai_chat, anthropic, …; empty where there was no key"),
        required("cwd", &S::cwd, "absolute folder in which tools work"),
        required("approval_policy", &S::approval_policy, "when a person is asked"),
        required("ask", &S::ask, "what happens to a question"),
        optional("budget", &S::budget, "ceilings of each Task"),
        optional("system_prompt", &S::system_prompt, "the whole system prompt, kept for a stable prefix"),
        optional("fallback_models", &S::fallback_models, "tried in order"),
        optional("title", &S::title, "a name for lists"),
        required("sandbox", &S::sandbox, "level of confinement that commands run at"),
        optional("sandbox_mode", &S::sandbox_mode, "what commands may write"),
        optional("network", &S::network, "what commands may reach"),
        optional("allow_hosts", &S::allow_hosts, "hosts that the proxy lets through unasked"),
        required("driver", &S::driver, "what runs the Tasks"),
        optional("replayed", &S::replayed, "answers come from a recording"),
        optional("parent_session", &S::parent_session, "the session whose model spawned this one"),
        optional("agent", &S::agent, "name of the agent that was spawned"),
        optional("from_settings", &S::from_settings,
                 "names of those above that no client chose: when a Task starts they are what the "
                 "person's settings say then")};
  }
  friend bool operator==(const SessionConfigured&, const SessionConfigured&) = default;
};

struct ForkedFrom {
  static constexpr std::string_view kType = "forked_from";
  static constexpr std::string_view kDoc =
      "First record of a forked session: everything up to that seq is the parent's.";
  std::string session_id;
  std::int64_t seq = 0;
  std::string response_id;
  static constexpr auto fields() {
    return std::tuple{required("session_id", &ForkedFrom::session_id, "the parent"),
                      required("seq", &ForkedFrom::seq, "last record of the parent that counts"),
                      optional("response_id", &ForkedFrom::response_id, "the bookmark that was forked from")};
  }
  friend bool operator==(const ForkedFrom&, const ForkedFrom&) = default;
};

struct SessionUpdated {
  static constexpr std::string_view kType = "session_updated";
  static constexpr std::string_view kDoc = "Some of the configuration changed without a new configure.";
  std::string model;
  std::string backend;
  std::string provider;
  std::string title;
  static constexpr auto fields() {
    using S = SessionUpdated;
    return std::tuple{
        optional("model", &S::model, "the new model"), optional("backend", &S::backend, "the new backend"),
        optional("provider", &S::provider, "its wire format"), optional("title", &S::title, "the new title")};
  }
  friend bool operator==(const SessionUpdated&, const SessionUpdated&) = default;
};

struct RolledBack {
  static constexpr std::string_view kType = "rolled_back";
  static constexpr std::string_view kDoc =
      "The end of the conversation was taken back; what is taken back stays in the journal.";
  std::int64_t to_seq = 0;
  std::string response_id;
  std::int64_t tasks = 0;
  static constexpr auto fields() {
    using S = RolledBack;
    return std::tuple{required("to_seq", &S::to_seq, "last record that still counts; 0: none"),
                      optional("response_id", &S::response_id, "the bookmark that is the latest again"),
                      optional("tasks", &S::tasks, "how many Tasks were taken back, when asked so")};
  }
  friend bool operator==(const RolledBack&, const RolledBack&) = default;
};

struct Warning {
  static constexpr std::string_view kType = "warning";
  static constexpr std::string_view kDoc = "Something a person should know; the Task goes on.";
  std::string code;
  std::string message;
  static constexpr auto fields() {
    return std::tuple{optional("code", &Warning::code, "stable name"),
                      required("message", &Warning::message, "the text")};
  }
  friend bool operator==(const Warning&, const Warning&) = default;
};

struct ErrorEvent {
  static constexpr std::string_view kType = "error";
  static constexpr std::string_view kDoc = "Something failed.";
  std::string code;
  std::string message;
  std::string hint;
  bool retryable = false;
  bool ends_task = false;
  static constexpr auto fields() {
    using S = ErrorEvent;
    return std::tuple{required("code", &S::code, "error code"), required("message", &S::message, "what failed"),
                      optional("hint", &S::hint, "what to do"),
                      required("retryable", &S::retryable, "may succeed later as it is"),
                      optional("ends_task", &S::ends_task, "the Task is over")};
  }
  friend bool operator==(const ErrorEvent&, const ErrorEvent&) = default;
};

struct Lagged {
  static constexpr std::string_view kType = "lagged";
  static constexpr std::string_view kDoc = "This subscriber was too slow: subscribe again from the last seq.";
  static constexpr bool kPassing = true;
  std::int64_t last_seq = 0;
  static constexpr auto fields() {
    return std::tuple{required("last_seq", &Lagged::last_seq, "last record that was sent")};
  }
  friend bool operator==(const Lagged&, const Lagged&) = default;
};

struct ShutdownComplete {
  static constexpr std::string_view kType = "shutdown_complete";
  static constexpr std::string_view kDoc =
      "The session is closed; nothing more comes. Without a session: the daemon ends, told to who watches all.";
  static constexpr bool kPassing = true;
  bool handed_over = false;
  static constexpr auto fields() {
    return std::tuple{optional("handed_over", &ShutdownComplete::handed_over,
                               "the next daemon goes on with it: connect again and subscribe")};
  }
  friend bool operator==(const ShutdownComplete&, const ShutdownComplete&) = default;
};

}  // namespace lathe::protocol
