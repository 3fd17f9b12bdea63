#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "lathe/protocol/fields.h"
#include "lathe/protocol/session_calls.h"

// The process behind the wire: what it does, and its end.

namespace lathe::protocol {

struct DaemonStatusReply {
  static constexpr std::string_view kType = "daemon_status";
  static constexpr std::string_view kDoc = "What the daemon does.";
  std::string version;
  std::int64_t clients = 0;
  std::vector<SessionInfo> sessions;
  std::string listen;
  std::string settings_problem;
  static constexpr auto fields() {
    using S = DaemonStatusReply;
    return std::tuple{required("version", &S::version, "version of its Lathe"),
                      required("clients", &S::clients, "connections, this one included"),
                      required("sessions", &S::sessions, "those that are open in it"),
                      optional("listen", &S::listen, "the TCP address at which it takes clients with a token"),
                      optional("settings_problem", &S::settings_problem,
                               "what is wrong with the person's files, with its place; what they said before holds")};
  }
  friend bool operator==(const DaemonStatusReply&, const DaemonStatusReply&) = default;
};
struct DaemonStatus {
  using Reply = DaemonStatusReply;
  static constexpr std::string_view kType = "daemon_status";
  static constexpr std::string_view kDoc = "Tells what the daemon does.";
  static constexpr auto fields() { return std::tuple<>{}; }
  friend bool operator==(const DaemonStatus&, const DaemonStatus&) = default;
};

struct SessionCounts {
  static constexpr std::string_view kDoc = "How many sessions of the data root are in which state.";
  std::int64_t idle = 0;
  std::int64_t running = 0;
  std::int64_t parked = 0;
  std::int64_t interrupted = 0;
  std::int64_t damaged = 0;
  static constexpr auto fields() {
    using S = SessionCounts;
    return std::tuple{required("idle", &S::idle, "nothing runs"), required("running", &S::running, "a Task runs"),
                      required("parked", &S::parked, "a Task waits for a person"),
                      required("interrupted", &S::interrupted, "a Task was running when its process died"),
                      required("damaged", &S::damaged, "the stream cannot be read to its end")};
  }
  friend bool operator==(const SessionCounts&, const SessionCounts&) = default;
};

/// Of one process, and of the disk that its data root is on.
struct ProcessVitals {
  static constexpr std::string_view kDoc = "What the process takes of the machine.";
  std::int64_t uptime_ms = 0;
  std::int64_t cpu_ms = 0;
  std::int64_t memory_bytes = 0;
  std::int64_t open_files = 0;
  std::int64_t disk_free_bytes = 0;
  std::int64_t disk_size_bytes = 0;
  static constexpr auto fields() {
    using S = ProcessVitals;
    return std::tuple{required("uptime_ms", &S::uptime_ms, "since it started"),
                      required("cpu_ms", &S::cpu_ms, "processor time of all its threads"),
                      required("memory_bytes", &S::memory_bytes, "resident memory"),
                      required("open_files", &S::open_files, "descriptors"),
                      required("disk_free_bytes", &S::disk_free_bytes, "free for it where the data root lies"),
                      required("disk_size_bytes", &S::disk_size_bytes, "size of that file system")};
  }
  friend bool operator==(const ProcessVitals&, const ProcessVitals&) = default;
};

/// What clients have still to take of the events that are theirs.
struct QueueVitals {
  static constexpr std::string_view kDoc = "Events that wait for clients to take them.";
  std::int64_t events = 0;
  std::int64_t bytes = 0;
  std::int64_t deepest_bytes = 0;
  std::int64_t lagging = 0;
  static constexpr auto fields() {
    using S = QueueVitals;
    return std::tuple{required("events", &S::events, "in all queues"), required("bytes", &S::bytes, "in all queues"),
                      required("deepest_bytes", &S::deepest_bytes, "in the deepest one"),
                      required("lagging", &S::lagging,
                               "clients that have fallen behind and get nothing more until "
                               "they subscribe again")};
  }
  friend bool operator==(const QueueVitals&, const QueueVitals&) = default;
};

struct VitalsReply {
  static constexpr std::string_view kType = "vitals";
  static constexpr std::string_view kDoc = "How the process that serves clients is.";
  ProcessVitals process;
  SessionCounts sessions;
  std::int64_t open_sessions = 0;
  std::int64_t open_questions = 0;
  std::int64_t keepers = 0;
  std::int64_t clients = 0;
  QueueVitals queues;
  std::int64_t longest_block_us = 0;
  std::int64_t long_blocks = 0;
  static constexpr auto fields() {
    using S = VitalsReply;
    return std::tuple{required("process", &S::process, "processor, memory, files, disk"),
                      required("sessions", &S::sessions, "all that the data root has, by state"),
                      required("open_sessions", &S::open_sessions, "those that are open in it"),
                      required("open_questions", &S::open_questions, "approvals and questions that wait for a person"),
                      required("keepers", &S::keepers, "keepers of these sessions that are alive"),
                      required("clients", &S::clients, "connections, this one included"),
                      required("queues", &S::queues, "what clients have still to take"),
                      required("longest_block_us", &S::longest_block_us,
                               "microseconds for which its event loop was kept busy by one thing at most"),
                      required("long_blocks", &S::long_blocks, "how often that was more than 50 ms")};
  }
  friend bool operator==(const VitalsReply&, const VitalsReply&) = default;
};
struct Vitals {
  using Reply = VitalsReply;
  static constexpr std::string_view kType = "vitals";
  static constexpr std::string_view kDoc = "Tells how the process that serves clients is.";
  static constexpr auto fields() { return std::tuple<>{}; }
  friend bool operator==(const Vitals&, const Vitals&) = default;
};

struct DaemonReload {
  using Reply = OkReply;
  static constexpr std::string_view kType = "daemon_reload";
  static constexpr std::string_view kDoc =
      "Takes in what changed of the person's files (settings, models, rules), which otherwise happens before each "
      "Task. "
      "What is broken is the error, and what the files said before holds.";
  static constexpr auto fields() { return std::tuple<>{}; }
  friend bool operator==(const DaemonReload&, const DaemonReload&) = default;
};

struct DaemonStop {
  using Reply = OkReply;
  static constexpr std::string_view kType = "daemon_stop";
  static constexpr std::string_view kDoc = "Ends the daemon and what runs in it; everything is kept.";
  bool if_unused = false;
  static constexpr auto fields() {
    return std::tuple{
        optional("if_unused", &DaemonStop::if_unused, "only when no other client is there and no session is open")};
  }
  friend bool operator==(const DaemonStop&, const DaemonStop&) = default;
};

struct DaemonHandOverReply {
  static constexpr std::string_view kType = "daemon_hand_over";
  static constexpr std::string_view kDoc = "What the next daemon is to know.";
  std::string state;
  std::string listen;
  static constexpr auto fields() {
    using S = DaemonHandOverReply;
    return std::tuple{required("state", &S::state, "for it alone, in memory: what clients had lent, keys included"),
                      optional("listen", &S::listen, "the TCP address at which clients were taken")};
  }
  friend bool operator==(const DaemonHandOverReply&, const DaemonHandOverReply&) = default;
};
struct DaemonHandOver {
  using Reply = DaemonHandOverReply;
  static constexpr std::string_view kType = "daemon_hand_over";
  static constexpr std::string_view kDoc =
      "Has the daemon end for another one to take its place: no new work is taken, Tasks stop at the edge of a Turn, "
      "and "
      "jobs go on. Done when no Task runs any more, or that took too long. For clients of the socket only.";
  static constexpr auto fields() { return std::tuple<>{}; }
  friend bool operator==(const DaemonHandOver&, const DaemonHandOver&) = default;
};

}  // namespace lathe::protocol
