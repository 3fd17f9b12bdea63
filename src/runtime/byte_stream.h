#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>
#include <utility>

#include "lathe/base/result.h"
#include "lathe/base/unique_fd.h"
#include "lathe/runtime/async.h"
#include "lathe/runtime/cancel.h"
#include "lathe/runtime/deadline.h"
#include "lathe/runtime/loop.h"

namespace lathe::runtime {

/// Bytes from and to one peer: a connected socket, two descriptors such as stdin and stdout, or what a gateway makes
/// look like one. One read and one write at a time, which do not disturb each other; what is read into and written from
/// outlives the await. Loop thread.
class ByteStream {
 public:
  enum class Carries {
    kBytes,
    /// Bytes, and descriptors along with them: a unix socket (SCM_RIGHTS).
    kDescriptors,
  };
  /// Takes a connected stream socket and makes it non-blocking.
  [[nodiscard]] static base::Result<std::unique_ptr<ByteStream>> of_socket(Loop& loop, base::UniqueFd socket,
                                                                           Carries carries = Carries::kBytes);
  /// Descriptors that other processes may share, so they stay as they are: a read or write is tried only when poll(2)
  /// says that it will not block, and a write is no longer than a pipe takes at once. Files are fine. Not owned.
  [[nodiscard]] static std::unique_ptr<ByteStream> of_descriptors(Loop& loop, int in, int out);
  virtual ~ByteStream() = default;
  ByteStream(const ByteStream&) = delete;
  ByteStream& operator=(const ByteStream&) = delete;

  /// At least one byte; 0 at the end.
  virtual Async<base::Result<std::size_t>> read(std::span<char> into, CancelToken cancel, Deadline deadline) = 0;
  /// The descriptor that came with what was read last, where the stream carries any: that one only, sent with bytes of
  /// which the last one read is one. Others that were sent with the same bytes are closed, and so is this when it is
  /// not taken before the next read.
  [[nodiscard]] virtual base::UniqueFd take_descriptor() { return {}; }
  /// All of it. `unavailable` when nobody reads any more; after an error the peer may have got a part.
  virtual Async<base::Result<void>> write(std::string_view bytes, CancelToken cancel, Deadline deadline) = 0;
  /// The same, and the descriptor, which stays the caller's, goes with the bytes where the stream carries any.
  virtual Async<base::Result<void>> write_with(std::string_view bytes, int /*descriptor*/, CancelToken cancel,
                                               Deadline deadline) {
    return write(bytes, std::move(cancel), deadline);
  }
  /// Tells the peer that no more comes, where that can be told.
  virtual void end_writing() = 0;
  /// Nobody will ever read what is written; false where the system cannot tell.
  [[nodiscard]] virtual bool peer_gone() const = 0;

 protected:
  ByteStream() = default;
};

}  // namespace lathe::runtime
