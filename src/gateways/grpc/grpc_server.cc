#include "lathe/gateways/grpc/grpc_server.h"

#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <grpcpp/server_posix.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "connect.grpc.pb.h"
#include "lathe/base/strings.h"
#include "lathe/gateways/grpc/frame_call.h"
#include "lathe/gateways/grpc/relay.h"
#include "lathe/runtime/byte_stream.h"
#include "lathe/runtime/pool.h"
#include "lathe/runtime/scope.h"

namespace lathe::gateways::grpc {

using base::Error;
using base::Result;
using base::UniqueFd;
using runtime::Async;
using runtime::CancelToken;

namespace {

/// Room for a frame that is too long for the daemon, which says so and goes on; gRPC itself ends the call of a longer
/// one, and names this.
constexpr int kMaxMessageBytes = 64 << 20;
/// A connection without a call is closed after that; a client's next call opens one.
constexpr int kIdleConnectionMillis = 30'000;
/// How long calls may take to end by themselves.
constexpr std::chrono::milliseconds kEndPatience{1'000};

::grpc::Status status_of(const Result<void>& outcome) {
  if (outcome.ok()) return ::grpc::Status::OK;
  const Error& error = outcome.error();
  auto code = ::grpc::StatusCode::UNAVAILABLE;
  if (error.code == base::codes::kPermission) code = ::grpc::StatusCode::UNAUTHENTICATED;
  if (error.code == base::codes::kInvalid) code = ::grpc::StatusCode::INVALID_ARGUMENT;
  if (error.code == base::codes::kLimit) code = ::grpc::StatusCode::RESOURCE_EXHAUSTED;
  if (error.code == base::codes::kUnsupported) code = ::grpc::StatusCode::FAILED_PRECONDITION;
  if (error.code == base::codes::kInternal) code = ::grpc::StatusCode::INTERNAL;
  return {code, error.text()};
}

/// The token of "Bearer …"; "" of nothing.
Result<std::string> token_in(std::string_view authorization) {
  constexpr std::string_view kScheme = "bearer ";
  if (authorization.empty()) return std::string();
  const std::string_view token = base::trim(authorization.substr(std::min(kScheme.size(), authorization.size())));
  if (base::lower(authorization.substr(0, kScheme.size())) == kScheme && !token.empty()) return std::string(token);
  return Error{.code = base::codes::kPermission,
               .message = "the metadata \"authorization\" holds no token",
               .hint = "authorization: Bearer TOKEN"};
}

}  // namespace

/// The calls that there are. gRPC's threads ask for Frames(); the rest is the loop's.
class GrpcServer::Service final : public v1::Connect::WithRawCallbackMethod_Frames<v1::Connect::Service> {
 public:
  explicit Service(Parts parts)
      : parts_(std::move(parts)), ending_pool_(parts_.loop, "grpc-end", 1), calls_(parts_.loop) {}

  Result<void> start() {
    ::grpc::ServerBuilder builder;
    builder.RegisterService(this);
    builder.SetMaxReceiveMessageSize(kMaxMessageBytes);
    builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_IDLE_MS, kIdleConnectionMillis);
    server_ = builder.BuildAndStart();
    if (server_) return {};
    return Error{.code = base::codes::kInternal, .message = "gRPC could not be started"};
  }

  void take(UniqueFd socket) { ::grpc::AddInsecureChannelFromFd(server_.get(), socket.release()); }

  /// Is done when gRPC has let go of everything. Calls that come meanwhile end at once.
  Async<void> end() {
    ending_.cancel({.code = base::codes::kUnavailable, .message = "lathe-grpc ends", .retryable = true});
    (void)co_await ending_pool_.run([this] {
      server_->Shutdown(std::chrono::system_clock::now() + kEndPatience);
      return true;
    });
    co_await calls_.join();
  }

 private:
  ::grpc::ServerBidiReactor<::grpc::ByteBuffer, ::grpc::ByteBuffer>* Frames(
      ::grpc::CallbackServerContext* context) override {
    auto made = std::make_unique<FrameCall>(parts_.loop, *context);
    FrameCall* call = made.get();
    parts_.loop.post([this, made = std::move(made)]() mutable { calls_.spawn(serve(std::move(made))); });
    return call;
  }

  Async<void> serve(std::unique_ptr<FrameCall> call) {
    call->begin(ending_.token());
    const Result<void> outcome = co_await carry(call.get());
    co_await call->finish(status_of(outcome));
  }

  Async<Result<void>> carry(FrameCall* call) {
    CO_TRY(std::string token, token_in(call->authorization()));
    if (call->gone().cancelled()) co_return call->gone().reason();
    CO_TRY(UniqueFd socket, co_await parts_.connect());
    CO_TRY(auto daemon, runtime::ByteStream::of_socket(parts_.loop, std::move(socket)));
    Relay relay(parts_.loop, *call, std::move(daemon), call->gone());
    co_return co_await relay.run(std::move(token));
  }

  Parts parts_;
  std::unique_ptr<::grpc::Server> server_;
  /// Ends all calls.
  runtime::CancelSource ending_;
  /// Where gRPC is waited for, whose calls end on the loop.
  runtime::Pool ending_pool_;
  runtime::Scope calls_;
};

GrpcServer::GrpcServer(Parts parts, std::unique_ptr<runtime::TcpListener> listener)
    : listener_(std::move(listener)), service_(std::make_unique<Service>(std::move(parts))) {}
GrpcServer::~GrpcServer() = default;

Result<std::unique_ptr<GrpcServer>> GrpcServer::create(Parts parts, std::unique_ptr<runtime::TcpListener> listener) {
  std::unique_ptr<GrpcServer> made(new GrpcServer(std::move(parts), std::move(listener)));
  TRY_OK(made->service_->start());
  return made;
}

Async<void> GrpcServer::serve(CancelToken until) {
  while (true) {
    auto socket = co_await listener_->accept(until);
    if (!socket.ok()) break;
    service_->take(*std::move(socket));
  }
  listener_.reset();
  co_await service_->end();
}

}  // namespace lathe::gateways::grpc
