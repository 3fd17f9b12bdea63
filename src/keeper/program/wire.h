#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace lathe::keeper {

/// One packet from the client: its strings and the descriptors that came with it, which the receiver closes.
struct Message {
  std::vector<std::string> words;
  std::vector<int> fds;
};

enum class Received { kMessage, kNothing, kClosed, kBroken };

/// Takes the next packet without waiting. kBroken: not a message of the protocol.
[[nodiscard]] Received receive(int socket, Message& message);

enum class Sent { kDone, kFull };
/// Without waiting. kFull: try again when the socket takes more. A client that went away is noticed when receiving.
Sent send(int socket, const std::vector<std::string>& words, std::span<const int> fds = {});

/// False unless it is a decimal number.
[[nodiscard]] bool parse_number(std::string_view text, unsigned long long& number);
/// Milliseconds of a clock that only goes on.
[[nodiscard]] long long now_ms();
/// Closes every descriptor from 3 on but these.
void close_all_but(std::span<const int> kept);

}  // namespace lathe::keeper
