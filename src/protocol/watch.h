#pragma once

#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "lathe/protocol/fields.h"
#include "lathe/protocol/session_calls.h"

// All sessions at once, as they change.

namespace lathe::protocol {

struct Watch {
  using Reply = OkReply;
  static constexpr std::string_view kType = "watch";
  static constexpr std::string_view kDoc =
      "Sends a session_changed for each session, the newest last, then one for each change of any of them, those of "
      "other processes included, until the connection ends. After lagged it is called again.";
  bool archived = false;
  static constexpr auto fields() {
    return std::tuple{optional("archived", &Watch::archived, "archived ones and those of sub-agents too")};
  }
  friend bool operator==(const Watch&, const Watch&) = default;
};

struct SessionChanged {
  static constexpr std::string_view kType = "session_changed";
  static constexpr std::string_view kDoc = "How a session stands by now, for clients that watch all of them.";
  static constexpr bool kPassing = true;
  SessionInfo session;
  std::vector<std::string> open_questions;
  bool gone = false;
  static constexpr auto fields() {
    using S = SessionChanged;
    return std::tuple{required("session", &S::session, "the session"),
                      optional("open_questions", &S::open_questions, "ids of what it waits for"),
                      optional("gone", &S::gone, "it was removed, or is no longer listed")};
  }
  friend bool operator==(const SessionChanged&, const SessionChanged&) = default;
};

}  // namespace lathe::protocol
