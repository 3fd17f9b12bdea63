#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

// The keeper's protocol, over SOCK_SEQPACKET unix sockets: one message per packet, a list of strings each ended by a
// NUL byte, the first of which names the message. Numbers are decimal, 0 means no limit. IDs are numbers that the
// client gives out; NAME is the client's word for the command, for whoever takes the keeper over.
//
//   client -> keeper
//     hello VERSION LINGER_MS      how long commands go on when the client is gone and no other comes
//     run ID NAME TIMEOUT_MS UMASK INPUT OUTPUT COLUMNS ROWS PROCESSES MEMORY FREE OUTPUT_BYTES [RLIMITS]
//                                  with the spec, the spool, for INPUT file what is to be standard input, and up to
//                                  kMaxGroups files to which the command's process writes "0" (cgroup.procs, tasks).
//                                  INPUT: file, pipe, terminal. OUTPUT: hold (two streams; the command waits when the
//                                  client falls behind), keep (one stream; head and newest part are kept).
//                                  FREE: bytes that must stay free in the working folder's file system.
//                                  RLIMITS: RESOURCE:SOFT:HARD, with commas between them, numbers as setrlimit takes
//                                  them. Where they are above what the keeper has, that holds.
//     seen ID OUT ERR              bytes of each stream that the client has taken
//     close ID                     end of file on an INPUT pipe
//     kill ID
//     forget ID                    its end is known and its output taken
//     list
//     forward PORT                 with a handle (O_PATH) on a unix socket: connections to 127.0.0.1:PORT go there
//     stop                         ends every command and the keeper
//   keeper -> client
//     hello VERSION FEATURE...
//     busy                         another client is connected; end of file follows
//     started ID PID               with the writing end of an INPUT pipe or terminal
//     output ID OUT ERR            bytes written so far
//     exit ID CODE SIGNAL ENDED SURVIVORS OUT ERR [DISK]
//                                  ENDED: exited, killed, timeout, lost, processes, memory, disk, output. DISK: a
//                                  folder on the one that was full
//     failed ID STAGE ERRNO DETAIL nothing ran; STAGE: limit, spec, fork, terminal, cwd, stdio, limits,
//                                  jail, exec
//     command ID NAME STATE OUTPUT OUT ERR SEEN_OUT SEEN_ERR
//                                  with its spool and its input, if it has one; STATE: running, ended. The exit or
//                                  failed of an ended one comes next.
//     listed
//     forwarding PORT ERRNO
//
// A run ends with exactly one exit or failed, which is repeated to whoever connects until it is forgotten.
//
// The spec is a memory file with strings ended by NUL (CWD, number of arguments, the arguments, number of variables,
// the environment) and behind them the bytes of the jail, as sandbox/ encodes them; none: not confined.
//
// The spool is a file of the client's: a page, then for each stream its first kHeadBytes and a ring of the newest
// kRingBytes. The page begins with the bytes claimed of each stream (two 64-bit numbers, advanced before the bytes are
// written); at kSpoolNameAt stands the client's word for the command, `OUTPUT NAME`, and at kSpoolEndAt the exit or
// failed message, which the keeper writes too, both with an empty string behind them. With the spools in the keeper's
// folder nothing is lost with the keeper either.

namespace lathe::keeper::protocol {

inline constexpr std::string_view kVersion = "2";
inline constexpr std::size_t kMaxMessageBytes = 4096;
inline constexpr std::size_t kMaxNameBytes = 256;
inline constexpr std::size_t kMaxSpecBytes = 8U << 20;
/// Commands that run at once, those with OUTPUT hold and those with OUTPUT keep each.
inline constexpr int kMaxCommands = 64;
/// The keeper's own socket: one that listens, or the only client's.
inline constexpr int kSocketFd = 3;
/// What `lathe-keeper once` has instead: the jail, a handle on the proxy's socket, the first of the groups' files.
inline constexpr int kOnceJailFd = 3;
inline constexpr int kOnceProxyFd = 4;
inline constexpr int kOnceGroupFd = 5;
/// The listening socket's name in the keeper's folder.
inline constexpr std::string_view kSocketName = "keeper.sock";
/// Of it. The keeper listens anew on what it was given, so that SO_PEERCRED names it to whoever takes it over.
inline constexpr int kBacklog = 4;

/// The feature of a keeper that takes RLIMITS.
inline constexpr std::string_view kLimitsFeature = "rlimits";
/// Of them, for one command.
inline constexpr std::size_t kMaxResourceLimits = 16;

/// Of the kernel's groups that one command is put in.
inline constexpr std::size_t kMaxGroups = 2;
/// Descriptors of one message.
inline constexpr std::size_t kMaxFds = 3 + kMaxGroups;

inline constexpr int kStreams = 2;
inline constexpr std::uint64_t kSpoolHeaderBytes = 4096;
inline constexpr std::uint64_t kSpoolNameAt = 256;
inline constexpr std::uint64_t kSpoolEndAt = 1024;
/// Of either at most, its ending included.
inline constexpr std::size_t kSpoolWordsBytes = 768;
/// What a spool's name ends with in the keeper's folder; before it stands the command's ID.
inline constexpr std::string_view kSpoolSuffix = ".spool";
inline constexpr std::uint64_t kHeadBytes = 512U << 10;
inline constexpr std::uint64_t kRingBytes = 512U << 10;

/// Where byte `position` of a stream stands in the spool, and how many bytes follow it there without a break.
struct SpoolPlace {
  std::uint64_t offset;
  std::uint64_t room;
};
constexpr SpoolPlace spool_place(int stream, std::uint64_t position) {
  const std::uint64_t start = kSpoolHeaderBytes + static_cast<std::uint64_t>(stream) * (kHeadBytes + kRingBytes);
  if (position < kHeadBytes) return {start + position, kHeadBytes - position};
  const std::uint64_t in_ring = (position - kHeadBytes) % kRingBytes;
  return {start + kHeadBytes + in_ring, kRingBytes - in_ring};
}

}  // namespace lathe::keeper::protocol
