#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lathe/base/result.h"
#include "lathe/base/unique_fd.h"
#include "lathe/keeper/process.h"

// The client's side of the wire: packets, specs, and what the keeper's words mean.

namespace lathe::keeper {

struct Packet {
  std::vector<std::string> words;
  std::vector<base::UniqueFd> fds;
};

enum class Received { kPacket, kNothing, kEnd };
/// Takes the next packet from a socket that does not block.
[[nodiscard]] Received receive_packet(int socket, Packet& packet);
/// 0, or the errno.
[[nodiscard]] int send_packet(int socket, const std::vector<std::string>& words, const std::vector<int>& fds);

/// A memory file with these bytes, which nobody can change any more.
[[nodiscard]] base::Result<base::UniqueFd> sealed_file(std::string_view bytes);
/// Folder, arguments, environment and jail, as protocol.h has it.
[[nodiscard]] base::Result<std::string> spec_of(const Command& command);
/// A keeper of an older version takes no RLIMITS.
enum class RunWords { kAll, kWithoutLimits };
/// The `run` message.
[[nodiscard]] std::vector<std::string> run_words(std::uint64_t id, const Command& command, RunWords which);

/// From `exit ID CODE SIGNAL ENDED SURVIVORS OUT ERR [DISK]`.
[[nodiscard]] std::optional<Exit> exit_of(const std::vector<std::string>& words);
/// Why a command did not start, from the step that failed and its errno.
[[nodiscard]] base::Error start_error(const Command& command, std::string_view stage, int error,
                                      const std::string& detail);
[[nodiscard]] std::uint64_t number_of(const std::string& word);

}  // namespace lathe::keeper
