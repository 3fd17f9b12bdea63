#pragma once

#include <cstddef>
#include <string_view>

// The keeper's protocol, over one SOCK_SEQPACKET unix socket: one message per packet, a list of strings each ended by
// a NUL byte, the first of which names the message. Numbers are decimal.
//
//   client -> keeper   hello VERSION
//                      run ID TIMEOUT_MS UMASK       with four descriptors: stdin, stdout, stderr, and a memory file
//                                                    that holds CWD, the number of arguments, the arguments and the
//                                                    environment, again as strings ended by NUL. TIMEOUT_MS 0: none.
//                      kill ID
//   keeper -> client   hello VERSION FEATURE...
//                      started ID PID
//                      exit ID CODE SIGNAL ENDED SURVIVORS      ENDED: exited, killed, timeout or lost
//                      failed ID STAGE ERRNO                    nothing ran; STAGE: limit, spec, fork, cwd, stdio, exec
//
// A run ends with exactly one exit or failed. End of file from the client ends every command, then the keeper.

namespace lathe::keeper::protocol {

inline constexpr std::string_view kVersion = "1";
inline constexpr std::size_t kMaxMessageBytes = 4096;
inline constexpr std::size_t kMaxSpecBytes = 8U << 20;
inline constexpr int kMaxCommands = 64;
/// The keeper's end of the socket.
inline constexpr int kSocketFd = 3;

}  // namespace lathe::keeper::protocol
