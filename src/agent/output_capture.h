#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "lathe/base/secret_filter.h"
#include "lathe/ports/blob_store.h"
#include "lathe/ports/output_sink.h"
#include "lathe/protocol/events.h"
#include "lathe/protocol/items.h"

namespace lathe::agent {

struct CaptureLimits {
  /// What the model sees at most, header and marker included.
  std::size_t model_bytes = 40'000;
  /// What goes to the blob store at most.
  std::size_t spool_bytes = 64U << 20;
  /// Pieces and bytes of output that are shown while it comes.
  std::size_t shown_pieces = 10'000;
  std::size_t shown_bytes = 4U << 20;
};

/// What one call writes while it runs. Memory stays within a few times `model_bytes`, however much is written:
///
///   whole   everything is kept, raw and as text
///   cut     past model_bytes: the raw bytes go to a blob (up to spool_bytes), of the text head and tail are kept
///
/// Text is valid UTF-8 without NUL; a character may be split between writes. Owned by the call, on the loop thread;
/// writing to the blob store is a buffered local write.
class OutputCapture final : public ports::OutputSink {
 public:
  /// A piece of text and the bytes of text before it; called at most as often as the limits say.
  using Show = std::function<void(protocol::OutputStream stream, std::int64_t offset, std::string text)>;

  /// `secrets` are cut out of everything before it is kept, shown or told.
  OutputCapture(ports::BlobStore& blobs, CaptureLimits limits, std::vector<std::string> secrets, Show show);

  void write(protocol::OutputStream stream, std::string_view bytes) override;

  /// The text for the model after `header`, and where the rest is. Call once, when the call is over.
  [[nodiscard]] protocol::CallOutcome finish(std::string header);

 private:
  void take(protocol::OutputStream stream, std::string_view bytes);
  void take_text(protocol::OutputStream stream, std::string text);
  void show_piece(protocol::OutputStream stream, const std::string& text);
  void start_cutting();
  void spool(std::string_view bytes);
  std::string marker() const;

  ports::BlobStore& blobs_;
  const CaptureLimits limits_;
  Show show_;

  /// One for each stream.
  std::array<base::SecretFilter, 2> filters_;
  /// Bytes at the end of the last write of each stream that may begin a character.
  std::array<std::string, 2> unfinished_;
  std::string raw_;
  std::string text_;
  std::string tail_;
  bool cut_ = false;
  std::unique_ptr<ports::BlobWriter> spool_;
  std::string spool_problem_;
  std::uint64_t raw_bytes_ = 0;
  std::uint64_t spooled_bytes_ = 0;
  std::int64_t text_bytes_ = 0;
  std::size_t shown_pieces_ = 0;
  std::size_t shown_bytes_ = 0;
};

/// `text` within `limit` bytes: whole, or head and tail around a marker that says what is missing.
[[nodiscard]] std::string head_and_tail(std::string_view text, std::size_t limit);

}  // namespace lathe::agent
