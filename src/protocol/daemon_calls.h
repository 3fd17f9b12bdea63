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

}  // namespace lathe::protocol
