#pragma once

#include <string>

// Who settles a question.

namespace lathe::engine {

/// Where no client answers.
inline constexpr const char* kUnattended = "unattended";
inline constexpr const char* kExpired = "expired";
inline constexpr const char* kChanged = "changed";
inline constexpr const char* kRules = "rules";
inline constexpr const char* kGranted = "granted";
inline constexpr const char* kEnded = "ended";

struct SettledBy {
  /// As others are told of it: the client's name, or one of those above.
  std::string who;
  /// "<client>/<op id>" of a client's answer; "" where none answers.
  std::string submission = {};
  [[nodiscard]] bool is_client() const { return !submission.empty(); }
};

}  // namespace lathe::engine
