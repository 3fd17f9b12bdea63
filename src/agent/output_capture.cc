#include "lathe/agent/output_capture.h"

#include <algorithm>
#include <utility>

#include "lathe/base/strings.h"
#include "lathe/base/utf8.h"

namespace lathe::agent {
namespace {

/// Room for the marker between head and tail.
constexpr std::size_t kMarkerBytes = 320;
/// A large write is taken in slices, so that no copy of all of it is made.
constexpr std::size_t kSliceBytes = 64U << 10;

/// Valid UTF-8 without NUL, which no wire and no terminal likes.
std::string clean(std::string_view bytes) {
  std::string text = base::to_utf8(bytes);
  if (text.find('\0') == std::string::npos) return text;
  return base::replace_all(std::move(text), std::string_view("\0", 1), "\xEF\xBF\xBD");
}

std::size_t half_of(std::size_t limit) { return (limit - std::min(limit, kMarkerBytes)) / 2; }

}  // namespace

OutputCapture::OutputCapture(ports::BlobStore& blobs, CaptureLimits limits, std::vector<std::string> secrets, Show show)
    : blobs_(blobs),
      limits_(limits),
      show_(std::move(show)),
      filters_{base::SecretFilter(secrets), base::SecretFilter(secrets)} {}

void OutputCapture::write(protocol::OutputStream stream, std::string_view bytes) {
  for (; !bytes.empty(); bytes.remove_prefix(std::min(bytes.size(), kSliceBytes))) {
    take(stream, filters_[static_cast<std::size_t>(stream)].take(bytes.substr(0, kSliceBytes)));
  }
}

void OutputCapture::take(protocol::OutputStream stream, std::string_view bytes) {
  raw_bytes_ += bytes.size();
  if (cut_) {
    spool(bytes);
  } else {
    raw_ += bytes;
  }
  std::string& unfinished = unfinished_[static_cast<std::size_t>(stream)];
  std::string whole = std::exchange(unfinished, {}) + std::string(bytes);
  const std::size_t waiting = base::utf8_incomplete_tail(whole);
  unfinished = whole.substr(whole.size() - waiting);
  whole.resize(whole.size() - waiting);
  if (!whole.empty()) take_text(stream, clean(whole));
}

void OutputCapture::take_text(protocol::OutputStream stream, std::string text) {
  show_piece(stream, text);
  text_bytes_ += static_cast<std::int64_t>(text.size());
  if (!cut_) {
    text_ += text;
    if (text_.size() > limits_.model_bytes) start_cutting();
    return;
  }
  tail_ += text;
  const std::size_t half = half_of(limits_.model_bytes);
  if (tail_.size() > 2 * half) tail_ = std::string(base::utf8_suffix(tail_, half));
}

void OutputCapture::show_piece(protocol::OutputStream stream, const std::string& text) {
  if (!show_ || shown_pieces_ >= limits_.shown_pieces || shown_bytes_ + text.size() > limits_.shown_bytes) {
    // Offsets would have holes if a later, smaller piece were shown.
    show_ = nullptr;
    return;
  }
  ++shown_pieces_;
  shown_bytes_ += text.size();
  show_(stream, text_bytes_, text);
}

void OutputCapture::start_cutting() {
  cut_ = true;
  const std::size_t half = half_of(limits_.model_bytes);
  tail_ = base::utf8_suffix(text_, half);
  text_ = std::string(base::utf8_prefix(text_, half));
  base::Result<std::unique_ptr<ports::BlobWriter>> writer = blobs_.writer();
  if (writer.ok()) {
    spool_ = *std::move(writer);
    spool(raw_);
  } else {
    spool_problem_ = writer.error().message;
  }
  raw_ = {};
}

void OutputCapture::spool(std::string_view bytes) {
  if (!spool_) return;
  const std::string_view fits = bytes.substr(0, limits_.spool_bytes - spooled_bytes_);
  if (fits.empty()) return;
  base::Result<void> written = spool_->write(fits);
  if (!written.ok()) {
    spool_problem_ = written.error().message;
    spool_.reset();
    return;
  }
  spooled_bytes_ += fits.size();
}

std::string OutputCapture::marker() const {
  std::string text = "\n[... the middle of " + base::with_thousands(static_cast<std::int64_t>(raw_bytes_)) +
                     " bytes of output is left out here. To see it, narrow the call: filter, name a range, or write "
                     "the output to a file and read that in parts.";
  if (!spool_problem_.empty()) {
    text += " The whole output could not be kept.";
  } else if (spooled_bytes_ < raw_bytes_) {
    text += " Only its first " + base::format_bytes(spooled_bytes_) + " were kept.";
  }
  return text + " ...]\n";
}

protocol::CallOutcome OutputCapture::finish(std::string header) {
  for (const protocol::OutputStream stream : {protocol::OutputStream::kStdout, protocol::OutputStream::kStderr}) {
    take(stream, filters_[static_cast<std::size_t>(stream)].finish());
    const std::string rest = std::exchange(unfinished_[static_cast<std::size_t>(stream)], {});
    if (!rest.empty()) take_text(stream, clean(rest));
  }
  header = head_and_tail(clean(header), limits_.model_bytes / 2);
  if (!header.empty() && text_bytes_ > 0) header += '\n';
  if (!cut_ && header.size() + text_.size() > limits_.model_bytes) start_cutting();
  protocol::CallOutcome outcome{.header_bytes = static_cast<std::int64_t>(header.size())};
  if (!cut_) {
    outcome.output = header + text_;
    return outcome;
  }
  if (spool_) {
    base::Result<base::Sha256Hex> hash = spool_->finish();
    if (hash.ok()) {
      outcome.output_blob = *std::move(hash);
    } else {
      spool_problem_ = hash.error().message;
    }
  }
  outcome.output_bytes = static_cast<std::int64_t>(raw_bytes_);
  const std::string middle = marker();
  const std::size_t room = limits_.model_bytes - std::min(limits_.model_bytes, header.size() + middle.size());
  outcome.output = header;
  outcome.output += base::utf8_prefix(text_, room / 2);
  outcome.output += middle;
  outcome.output += base::utf8_suffix(tail_, room / 2);
  return outcome;
}

std::string head_and_tail(std::string_view text, std::size_t limit) {
  if (text.size() <= limit) return std::string(text);
  const std::string middle = "\n[... the middle of " + base::with_thousands(static_cast<std::int64_t>(text.size())) +
                             " bytes is left out ...]\n";
  const std::size_t half = (limit - std::min(limit, middle.size())) / 2;
  return std::string(base::utf8_prefix(text, half)) + middle + std::string(base::utf8_suffix(text, half));
}

}  // namespace lathe::agent
