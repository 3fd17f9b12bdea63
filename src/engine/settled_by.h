#pragma once

// Who settled a question that no client answered.

namespace lathe::engine {

inline constexpr const char* kUnattended = "unattended";
inline constexpr const char* kExpired = "expired";
inline constexpr const char* kChanged = "changed";
inline constexpr const char* kRules = "rules";
inline constexpr const char* kGranted = "granted";
inline constexpr const char* kEnded = "ended";

}  // namespace lathe::engine
