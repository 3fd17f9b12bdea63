#pragma once

#include <cstdint>

// Landlock as kernel 6.12 documents it (userspace-api/landlock), by number because the system's headers may be older.

namespace lathe::sandbox::landlock {

inline constexpr std::uint64_t kExecute = 1U << 0U;
inline constexpr std::uint64_t kWriteFile = 1U << 1U;
inline constexpr std::uint64_t kReadFile = 1U << 2U;
inline constexpr std::uint64_t kReadDir = 1U << 3U;
inline constexpr std::uint64_t kRemoveDir = 1U << 4U;
inline constexpr std::uint64_t kRemoveFile = 1U << 5U;
inline constexpr std::uint64_t kMakeChar = 1U << 6U;
inline constexpr std::uint64_t kMakeDir = 1U << 7U;
inline constexpr std::uint64_t kMakeReg = 1U << 8U;
inline constexpr std::uint64_t kMakeSock = 1U << 9U;
inline constexpr std::uint64_t kMakeFifo = 1U << 10U;
inline constexpr std::uint64_t kMakeBlock = 1U << 11U;
inline constexpr std::uint64_t kMakeSym = 1U << 12U;
/// Linking and renaming between folders; from ABI 2, before which both are always denied.
inline constexpr std::uint64_t kRefer = 1U << 13U;
/// From ABI 3, before which truncation is never denied.
inline constexpr std::uint64_t kTruncate = 1U << 14U;
/// ioctl on devices; from ABI 5.
inline constexpr std::uint64_t kIoctlDev = 1U << 15U;

/// What can be granted on a file; the rest is for folders.
inline constexpr std::uint64_t kFileRights = kExecute | kWriteFile | kReadFile | kTruncate | kIoctlDev;

/// From ABI 4.
inline constexpr std::uint64_t kBindTcp = 1U << 0U;
inline constexpr std::uint64_t kConnectTcp = 1U << 1U;

/// From ABI 6: no connection to abstract unix sockets, no signals, to processes outside.
inline constexpr std::uint64_t kScopeAbstractSockets = 1U << 0U;
inline constexpr std::uint64_t kScopeSignals = 1U << 1U;

// Numbers of the system calls, the same on every architecture.
inline constexpr long kCreateRuleset = 444;
inline constexpr long kAddRule = 445;
inline constexpr long kRestrictSelf = 446;
inline constexpr unsigned kCreateRulesetVersion = 1;
inline constexpr int kRulePathBeneath = 1;

}  // namespace lathe::sandbox::landlock
