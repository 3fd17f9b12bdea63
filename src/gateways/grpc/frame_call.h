#pragma once

#include <grpcpp/server_context.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/server_callback.h>
#include <grpcpp/support/status.h>

#include <mutex>
#include <optional>
#include <string>

#include "lathe/base/result.h"
#include "lathe/gateways/grpc/frame_stream.h"
#include "lathe/runtime/async.h"
#include "lathe/runtime/cancel.h"
#include "lathe/runtime/deadline.h"
#include "lathe/runtime/loop.h"
#include "lathe/runtime/signal.h"

// One call of Connect.Frames. gRPC tells on threads of its own what has happened (the On… functions); each does nothing
// but post that to the loop, where everything else is.
//
//   made on gRPC's thread --begin()--> open --finish()--> finishing --OnDone--> done, may be destroyed
//
// gRPC keeps a pointer to it until OnDone, so whoever has begun it finishes it.

namespace lathe::gateways::grpc {

class FrameCall final : public FrameStream, public ::grpc::ServerBidiReactor<::grpc::ByteBuffer, ::grpc::ByteBuffer> {
 public:
  /// The context is gRPC's, and stays until OnDone.
  FrameCall(runtime::Loop& loop, ::grpc::CallbackServerContext& context);

  // From here on the loop's thread.

  /// From now on gone() is cancelled with `parent`, too. Called first, once.
  void begin(const runtime::CancelToken& parent) { gone_.emplace(parent); }
  /// Cancelled when the client is gone.
  [[nodiscard]] runtime::CancelToken gone() const { return gone_->token(); }
  /// The call's metadata `authorization`; empty: there was none.
  [[nodiscard]] const std::string& authorization() const { return authorization_; }
  runtime::Async<base::Result<std::optional<std::string>>> read(runtime::CancelToken cancel) override;
  runtime::Async<base::Result<void>> write(std::string frame, runtime::CancelToken cancel,
                                           runtime::Deadline deadline) override;
  /// Ends the call, and is done when gRPC has let go of it. A client that does not take what was written is cut off.
  /// Awaited once.
  runtime::Async<void> finish(::grpc::Status status);

 private:
  // gRPC's threads.
  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;

  /// Ends what hangs in a client that does not read.
  void cut();

  runtime::Loop& loop_;
  ::grpc::CallbackServerContext& context_;
  const std::string authorization_;
  std::mutex mutex_;
  /// Under the mutex: gRPC lets go of the context.
  bool let_go_ = false;
  // The loop's thread.
  std::optional<runtime::CancelSource> gone_;
  ::grpc::ByteBuffer incoming_;
  ::grpc::ByteBuffer outgoing_;
  bool writing_ = false;
  /// Whether the last read, and the last write, brought something.
  bool read_ok_ = false;
  bool write_ok_ = false;
  runtime::Signal read_;
  runtime::Signal written_;
  runtime::Signal done_;
};

}  // namespace lathe::gateways::grpc
