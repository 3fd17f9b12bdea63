#pragma once

#include <span>
#include <string_view>

#include "lathe/base/result.h"
#include "lathe/base/unique_fd.h"
#include "lathe/egress/address.h"
#include "lathe/runtime/async.h"
#include "lathe/runtime/loop.h"

namespace lathe::egress {

/// A stream socket on a loop. What is read into and written from outlives the await. Loop thread.
class Socket final {
 public:
  /// Takes a non-blocking descriptor.
  Socket(runtime::Loop& loop, base::UniqueFd fd) : fd_(std::move(fd)), watch_(loop, fd_.get()) {}
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  /// At least one byte; 0 at the end.
  runtime::Async<base::Result<std::size_t>> read(std::span<char> into, runtime::CancelToken cancel,
                                                 runtime::Deadline deadline);
  /// All of it.
  runtime::Async<base::Result<void>> write(std::string_view bytes, runtime::CancelToken cancel,
                                           runtime::Deadline deadline);
  /// Connects a socket that open_towards() made.
  runtime::Async<base::Result<void>> connect(Address address, std::uint16_t port, runtime::CancelToken cancel,
                                             runtime::Deadline deadline);
  /// Tells the other side that no more comes.
  void end_writing() const;

 private:
  base::UniqueFd fd_;
  runtime::FdWatch watch_;
};

/// An unconnected socket of that address's family.
[[nodiscard]] base::Result<base::UniqueFd> open_towards(const Address& address);

}  // namespace lathe::egress
