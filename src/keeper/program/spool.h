#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "lathe/keeper/protocol.h"

namespace lathe::keeper {

/// What a command writes, on its way into the spool that the client gave (protocol.h). Nothing is kept in memory.
class Spool final {
 public:
  enum class Policy {
    /// The writer waits when the client falls behind.
    kHold,
    /// What lies between head and newest part is forgotten.
    kKeep,
  };
  Spool(int fd, Policy policy) : fd_(fd), policy_(policy) {}

  /// Goes on where another process stopped, which may have died in the middle of a write.
  void go_on();

  /// From now on the last part of the room may be used too: what a dead tree left in its pipes always finds a place.
  void use_reserve() { reserve_ = 0; }
  /// Bytes of the stream that may be written now.
  [[nodiscard]] std::size_t room(int stream) const;
  /// At most room() bytes.
  void write(int stream, std::span<const char> bytes);
  /// The client has taken so much.
  void seen(const std::uint64_t (&totals)[protocol::kStreams]);
  [[nodiscard]] std::uint64_t total(int stream) const { return totals_[stream]; }

 private:
  /// More than a pipe holds.
  static constexpr std::uint64_t kReserveBytes = 128U << 10;

  int fd_;
  Policy policy_;
  std::uint64_t reserve_ = kReserveBytes;
  std::uint64_t totals_[protocol::kStreams] = {};
  std::uint64_t seen_[protocol::kStreams] = {};
};

}  // namespace lathe::keeper
