#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

#include "lathe/base/result.h"
#include "lathe/base/unique_fd.h"
#include "lathe/runtime/async.h"
#include "lathe/runtime/cancel.h"
#include "lathe/runtime/deadline.h"
#include "lathe/runtime/loop.h"

namespace lathe::runtime {

/// Bytes from and to one peer: a connected socket, or two descriptors such as stdin and stdout. One read and one write
/// at a time, which do not disturb each other; what is read into and written from outlives the await. Loop thread.
class ByteStream final {
 public:
  /// Takes a connected stream socket and makes it non-blocking.
  [[nodiscard]] static base::Result<std::unique_ptr<ByteStream>> of_socket(Loop& loop, base::UniqueFd socket);
  /// Descriptors that other processes may share, so they stay as they are: a read or write is tried only when poll(2)
  /// says that it will not block, and a write is no longer than a pipe takes at once. Files are fine. Not owned.
  [[nodiscard]] static std::unique_ptr<ByteStream> of_descriptors(Loop& loop, int in, int out);
  ByteStream(const ByteStream&) = delete;
  ByteStream& operator=(const ByteStream&) = delete;

  /// At least one byte; 0 at the end.
  Async<base::Result<std::size_t>> read(std::span<char> into, CancelToken cancel, Deadline deadline);
  /// All of it. `unavailable` when nobody reads any more; after an error the peer may have got a part.
  Async<base::Result<void>> write(std::string_view bytes, CancelToken cancel, Deadline deadline);
  /// Tells a socket's peer that no more comes.
  void end_writing() const;
  /// Nobody will ever read what is written; false where the system cannot tell.
  [[nodiscard]] bool peer_gone() const;

 private:
  ByteStream(Loop& loop, int in, int out, std::size_t most_at_once)
      : in_(in), out_(out), most_at_once_(most_at_once), in_watch_(loop, in), out_watch_(loop, out) {}

  // Of a socket only, and two of them: a cancelled wait on a descriptor ends every other wait on it.
  base::UniqueFd owned_in_;
  base::UniqueFd owned_out_;
  const int in_;
  const int out_;
  const std::size_t most_at_once_;
  FdWatch in_watch_;
  FdWatch out_watch_;
};

}  // namespace lathe::runtime
