#pragma once

#include <functional>
#include <memory>

#include "lathe/base/result.h"
#include "lathe/base/unique_fd.h"
#include "lathe/runtime/async.h"
#include "lathe/runtime/cancel.h"
#include "lathe/runtime/loop.h"
#include "lathe/runtime/tcp_listener.h"

namespace lathe::gateways::grpc {

/// Takes gRPC's clients at an address of this machine and carries the frames of each call (connect.proto) to the daemon
/// and back (relay.h). Connections are accepted on the loop; HTTP/2 is spoken on threads of gRPC's.
///
/// Loop thread, but for what gRPC asks its service on its own (frame_call.h).
class GrpcServer final {
 public:
  struct Parts {
    runtime::Loop& loop;
    /// A connection to the daemon's socket on which nothing was said yet.
    std::function<runtime::Async<base::Result<base::UniqueFd>>()> connect;
  };
  [[nodiscard]] static base::Result<std::unique_ptr<GrpcServer>> create(Parts parts,
                                                                        std::unique_ptr<runtime::TcpListener> listener);
  ~GrpcServer();
  GrpcServer(const GrpcServer&) = delete;
  GrpcServer& operator=(const GrpcServer&) = delete;

  /// Serves until cancelled; then all calls end as `unavailable`, those whose client takes nothing after a moment.
  /// Awaited once.
  runtime::Async<void> serve(runtime::CancelToken until);

 private:
  class Service;
  GrpcServer(Parts parts, std::unique_ptr<runtime::TcpListener> listener);

  std::unique_ptr<runtime::TcpListener> listener_;
  std::unique_ptr<Service> service_;
};

}  // namespace lathe::gateways::grpc
