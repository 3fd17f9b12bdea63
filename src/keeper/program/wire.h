#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace lathe::keeper {

/// One packet from the client: its strings and the descriptors that came with it, which the receiver closes.
struct Message {
  std::vector<std::string> words;
  std::vector<int> fds;
};

enum class Received { kMessage, kClosed, kBroken };

/// Waits for the next packet. kBroken: not a message of the protocol.
[[nodiscard]] Received receive(int socket, Message& message);
/// A client that went away is noticed when receiving.
void send(int socket, const std::vector<std::string>& words);

/// False unless it is a decimal number.
[[nodiscard]] bool parse_number(std::string_view text, unsigned long long& number);

}  // namespace lathe::keeper
