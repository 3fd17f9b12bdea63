#pragma once

#include <string>
#include <string_view>

namespace lathe::base {

/// What went wrong, for programs (`code`) and for people (`message`, `hint`).
///
/// `code` is stable and snake_case; the general ones are in `codes`, those of the wire in protocol/error_codes.h.
/// `message` names what failed and the value; `hint` names the next action, or is empty.
/// A value: copyable, comparable. Context is added in front on the way up.
struct Error {
  std::string code;
  std::string message;
  std::string hint = {};
  /// The same request may succeed later without anyone changing anything.
  bool retryable = false;

  /// The same error with "context: " in front of its message.
  [[nodiscard]] Error within(std::string_view context) const;
  /// The same error, with this hint unless it has one.
  [[nodiscard]] Error or_hint(std::string_view next_action) const;
  /// "message (hint)" in one line, for a person.
  [[nodiscard]] std::string text() const;

  friend bool operator==(const Error&, const Error&) = default;
};

namespace codes {
inline constexpr const char* kCancelled = "cancelled";
inline constexpr const char* kTimeout = "timeout";
inline constexpr const char* kNotFound = "not_found";
inline constexpr const char* kExists = "exists";
inline constexpr const char* kInvalid = "invalid";
inline constexpr const char* kPermission = "permission_denied";
inline constexpr const char* kIo = "io_error";
inline constexpr const char* kNoSpace = "no_space";
inline constexpr const char* kLocked = "locked";
inline constexpr const char* kCorrupt = "corrupt";
inline constexpr const char* kLimit = "limit_exceeded";
inline constexpr const char* kUnavailable = "unavailable";
inline constexpr const char* kUnsupported = "unsupported";
inline constexpr const char* kInternal = "internal";
}  // namespace codes

/// An Error from errno: "context: strerror". ENOENT, EEXIST, EACCES, ENOSPC and friends get their own codes.
[[nodiscard]] Error errno_error(int errno_value, std::string_view context);

}  // namespace lathe::base
