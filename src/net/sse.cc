#include "lathe/net/sse.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <utility>

namespace lathe::net {

namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
constexpr std::array<std::string_view, 4> kFields{"data", "event", "id", "retry"};
constexpr std::size_t kOpeningBytes = 512;
/// A buffer that grew past this for one large event is given back after it.
constexpr std::size_t kKeptBufferBytes = 1U << 20;

void clear_buffer(std::string& buffer) {
  if (buffer.capacity() > kKeptBufferBytes) {
    std::string().swap(buffer);
  } else {
    buffer.clear();
  }
}

/// Finds one character again and again in the same bytes; each byte is looked at once.
class Finder {
 public:
  Finder(std::string_view bytes, char wanted) : bytes_(bytes), wanted_(wanted) {}
  /// The first at or after `from`, or the end. `from` never goes back.
  std::size_t at_or_after(std::size_t from) {
    if (known_ && found_ >= from) return found_;
    known_ = true;
    const void* hit = from < bytes_.size() ? std::memchr(bytes_.data() + from, wanted_, bytes_.size() - from) : nullptr;
    found_ = hit == nullptr ? bytes_.size() : static_cast<std::size_t>(static_cast<const char*>(hit) - bytes_.data());
    return found_;
  }

 private:
  std::string_view bytes_;
  char wanted_;
  bool known_ = false;
  std::size_t found_ = 0;
};

std::string_view without_mark(std::string_view line) {
  return line.starts_with(kByteOrderMark) ? line.substr(kByteOrderMark.size()) : line;
}

}  // namespace

base::Result<void> SseParser::feed(std::string_view bytes, const OnSseEvent& on_event) {
  if (too_large_) return check_size();
  if (opening_.size() < kOpeningBytes) opening_.append(bytes.substr(0, kOpeningBytes - opening_.size()));
  std::size_t begin = 0;
  if (skip_lf_ && !bytes.empty()) {
    if (bytes.front() == '\n') begin = 1;
    skip_lf_ = false;
  }
  Finder next_lf(bytes, '\n');
  Finder next_cr(bytes, '\r');
  while (begin < bytes.size()) {
    const std::size_t end = std::min(next_lf.at_or_after(begin), next_cr.at_or_after(begin));
    if (end == bytes.size()) break;
    const std::string_view piece = bytes.substr(begin, end - begin);
    if (partial_.empty()) {
      if (kind_ == Kind::kUnknown) judge(piece, /*complete=*/true);
      TRY_OK(check_size(piece.size()));
      take_line(piece, on_event);
    } else {
      partial_.append(piece);
      TRY_OK(check_size());
      take_line(partial_, on_event);
      clear_buffer(partial_);
    }
    TRY_OK(check_size());
    begin = end + 1;
    if (bytes[end] == '\r') {
      if (begin == bytes.size()) {
        skip_lf_ = true;
      } else if (bytes[begin] == '\n') {
        ++begin;
      }
    }
  }
  partial_.append(bytes.substr(std::min(begin, bytes.size())));
  if (kind_ == Kind::kUnknown) judge(partial_, /*complete=*/false);
  return check_size();
}

base::Result<void> SseParser::finish(const OnSseEvent& on_event) {
  TRY_OK(check_size());
  if (kind_ == Kind::kUnknown) judge(partial_, /*complete=*/true);
  clear_buffer(partial_);
  dispatch(on_event);
  return {};
}

void SseParser::take_line(std::string_view line, const OnSseEvent& on_event) {
  if (kind_ == Kind::kUnknown) judge(line, /*complete=*/true);
  if (std::exchange(at_start_, false)) line = without_mark(line);
  if (line.empty()) return dispatch(on_event);
  const std::size_t colon = line.find(':');
  if (colon == 0) return;
  if (colon == std::string_view::npos) return take_field(line, {});
  std::string_view value = line.substr(colon + 1);
  if (value.starts_with(' ')) value.remove_prefix(1);
  take_field(line.substr(0, colon), value);
}

void SseParser::take_field(std::string_view name, std::string_view value) {
  if (name == "data") {
    if (std::exchange(has_data_, true)) data_.push_back('\n');
    data_.append(value);
  } else if (name == "event") {
    event_.assign(value);
  } else if (name == "id") {
    if (value.find('\0') == std::string_view::npos) id_.assign(value);
  } else if (name == "retry") {
    std::uint32_t milliseconds = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), milliseconds);
    if (error == std::errc() && end == value.data() + value.size()) retry_ = std::chrono::milliseconds(milliseconds);
  }
}

void SseParser::dispatch(const OnSseEvent& on_event) {
  if (has_data_) on_event(SseEvent{.event = event_, .data = data_, .id = id_});
  has_data_ = false;
  clear_buffer(data_);
  clear_buffer(event_);
}

/// Decides from the first line that is not blank whether this is an event stream; `complete` when no more of it comes.
void SseParser::judge(std::string_view line, bool complete) {
  if (at_start_) {
    if (!complete && kByteOrderMark.starts_with(line)) return;
    line = without_mark(line);
  }
  if (line.empty()) return;
  if (line.front() == ':') {
    kind_ = Kind::kEventStream;
    return;
  }
  const std::size_t colon = line.find(':');
  const std::string_view name = line.substr(0, colon);
  for (const std::string_view field : kFields) {
    if (colon == std::string_view::npos && !complete) {
      if (field.starts_with(name)) return;
    } else if (name == field) {
      kind_ = Kind::kEventStream;
      return;
    }
  }
  kind_ = Kind::kForeign;
}

base::Result<void> SseParser::check_size(std::size_t line_bytes) {
  too_large_ =
      too_large_ || line_bytes + partial_.size() + data_.size() + event_.size() + id_.size() > max_event_bytes_;
  if (!too_large_) return {};
  return base::Error{
      .code = base::codes::kLimit,
      .message = "one event of the stream is larger than " + std::to_string(max_event_bytes_) + " bytes"};
}

}  // namespace lathe::net
