#include "lathe/keeper/program/spool.h"

#include <unistd.h>

#include <algorithm>

namespace lathe::keeper {

void Spool::go_on() { (void)!pread(fd_, totals_, sizeof totals_, 0); }

std::size_t Spool::room(int stream) const {
  if (policy_ == Policy::kKeep) return protocol::kRingBytes;
  const std::uint64_t used = totals_[stream] - seen_[stream] + reserve_;
  return used >= protocol::kRingBytes ? 0 : static_cast<std::size_t>(protocol::kRingBytes - used);
}

void Spool::write(int stream, std::span<const char> bytes) {
  std::uint64_t at = totals_[stream];
  totals_[stream] += bytes.size();
  (void)!pwrite(fd_, totals_, sizeof totals_, 0);
  while (!bytes.empty()) {
    const protocol::SpoolPlace place = protocol::spool_place(stream, at);
    const auto piece = static_cast<std::size_t>(std::min<std::uint64_t>(place.room, bytes.size()));
    // A spool that takes no more (a full memory) shows as zeros; the command is not to stand still for it.
    const ssize_t put = pwrite(fd_, bytes.data(), piece, static_cast<off_t>(place.offset));
    const std::size_t done = put > 0 ? static_cast<std::size_t>(put) : piece;
    at += done;
    bytes = bytes.subspan(done);
  }
}

void Spool::seen(const std::uint64_t (&totals)[protocol::kStreams]) {
  for (int stream = 0; stream < protocol::kStreams; ++stream) {
    seen_[stream] = std::clamp(totals[stream], seen_[stream], totals_[stream]);
  }
}

}  // namespace lathe::keeper
