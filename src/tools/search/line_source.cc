#include "lathe/tools/search/line_source.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace lathe::tools::search {

namespace {

constexpr std::size_t kProbeBytes = 64U << 10;
constexpr std::size_t kChunkBytes = 256U << 10;
constexpr std::size_t kMaxLineBytes = 16U << 20;

}  // namespace

void LineSource::fill() {
  const std::size_t before = bytes_.size();
  bytes_.resize(before + kChunkBytes);
  ssize_t got = 0;
  do {
    got = ::read(fd_, bytes_.data() + before, kChunkBytes);
  } while (got < 0 && errno == EINTR);
  // What cannot be read has no further lines.
  bytes_.resize(before + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
  ended_ = got <= 0;
  if (const std::size_t nul = bytes_.find('\0', before); nul != std::string::npos) {
    bytes_.resize(nul);
    ended_ = nul_ = true;
  }
}

void LineSource::begin() {
  begun_ = true;
  while (!ended_ && bytes_.size() < kProbeBytes) fill();
  if (nul_ && bytes_.size() < kProbeBytes) bytes_.clear();
}

std::size_t LineSource::find_end() {
  while (true) {
    const std::size_t end = bytes_.find('\n', searched_);
    if (end != std::string::npos) return end;
    searched_ = bytes_.size();
    if (ended_) return bytes_.size();
    bytes_.erase(0, at_);
    searched_ -= at_;
    at_ = 0;
    if (bytes_.size() > kMaxLineBytes) {
      bytes_.resize(kMaxLineBytes);
      searched_ = kMaxLineBytes;
    }
    fill();
  }
}

std::optional<std::string_view> LineSource::next() {
  if (!begun_) begin();
  if (at_ >= bytes_.size() && ended_) return std::nullopt;
  const std::size_t end = find_end();
  if (end == at_ && end == bytes_.size()) return std::nullopt;
  std::string_view line = std::string_view(bytes_).substr(at_, end - at_);
  at_ = searched_ = end + 1;
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line.substr(0, kMaxLineBytes);
}

}  // namespace lathe::tools::search
