#pragma once

#include <optional>
#include <string>

#include "lathe/base/result.h"
#include "lathe/runtime/async.h"
#include "lathe/runtime/cancel.h"
#include "lathe/runtime/deadline.h"

namespace lathe::gateways::grpc {

/// A client's frames, one at a time each way; reading and writing do not disturb each other. Nothing is read before it
/// is asked for. Loop thread.
class FrameStream {
 public:
  virtual ~FrameStream() = default;
  /// The next frame; nothing once the client has closed its side or is gone. `invalid` for a message that is none. Not
  /// called again after it was cancelled.
  virtual runtime::Async<base::Result<std::optional<std::string>>> read(runtime::CancelToken cancel) = 0;
  /// Is done when there is room for the next. Not called again after an error: `unavailable` when the client is gone,
  /// `timeout` when it takes nothing.
  virtual runtime::Async<base::Result<void>> write(std::string frame, runtime::CancelToken cancel,
                                                   runtime::Deadline deadline) = 0;
};

}  // namespace lathe::gateways::grpc
