#include "lathe/gateways/grpc/frame_call.h"

#include <utility>

#include "connect.grpc.pb.h"

namespace lathe::gateways::grpc {

using base::Error;
using base::Result;
using runtime::Async;
using runtime::CancelToken;
using runtime::Deadline;

namespace {

using FrameTraits = ::grpc::SerializationTraits<v1::Frame>;

/// How long the last frame may take to go to the client: gRPC's threads take a moment for each.
constexpr base::Millis kLastWrite{500};
/// How long the end of a call may take to reach its client.
constexpr base::Millis kFarewell{5'000};

std::string authorization_of(const ::grpc::CallbackServerContext& context) {
  const auto found = context.client_metadata().find("authorization");
  return found == context.client_metadata().end() ? "" : std::string(found->second.data(), found->second.size());
}

}  // namespace

FrameCall::FrameCall(runtime::Loop& loop, ::grpc::CallbackServerContext& context)
    : loop_(loop),
      context_(context),
      authorization_(authorization_of(context)),
      read_(loop),
      written_(loop),
      done_(loop) {}

Async<Result<std::optional<std::string>>> FrameCall::read(CancelToken cancel) {
  StartRead(&incoming_);
  CO_TRY_OK(co_await read_.wait(cancel, Deadline::never()));
  if (!read_ok_) co_return std::optional<std::string>();
  v1::Frame frame;
  if (FrameTraits::Deserialize(&incoming_, &frame).ok()) co_return std::optional(std::move(*frame.mutable_json()));
  co_return Error{.code = base::codes::kInvalid,
                  .message = "a message is no lathe.v1.Frame",
                  .hint = "message Frame { string json = 1; }, in UTF-8"};
}

Async<Result<void>> FrameCall::write(std::string frame, CancelToken cancel, Deadline deadline) {
  v1::Frame message;
  message.set_json(std::move(frame));
  bool owned = false;
  // gRPC writes into an empty one only.
  outgoing_.Clear();
  if (!FrameTraits::Serialize(message, &outgoing_, &owned).ok()) {
    co_return Error{.code = base::codes::kInternal, .message = "a frame could not be made a message"};
  }
  writing_ = true;
  StartWrite(&outgoing_);
  CO_TRY_OK(co_await written_.wait(cancel, deadline));
  if (write_ok_) co_return Result<void>();
  co_return Error{.code = base::codes::kUnavailable, .message = "the client is gone"};
}

Async<void> FrameCall::finish(::grpc::Status status) {
  // A status waits behind the frame that is on its way. A client that is cut off learns of no status.
  if (writing_) (void)co_await written_.wait(CancelToken(), Deadline::after(loop_, kLastWrite));
  if (writing_) cut();
  Finish(std::move(status));
  const auto done = co_await done_.wait(CancelToken(), Deadline::after(loop_, kFarewell));
  if (done.ok()) co_return;
  cut();
  (void)co_await done_.wait(CancelToken(), Deadline::never());
}

void FrameCall::cut() {
  const std::lock_guard lock(mutex_);
  if (!let_go_) context_.TryCancel();
}

void FrameCall::OnReadDone(bool ok) {
  loop_.post([this, ok] {
    read_ok_ = ok;
    read_.notify();
  });
}

void FrameCall::OnWriteDone(bool ok) {
  loop_.post([this, ok] {
    writing_ = false;
    write_ok_ = ok;
    written_.notify();
  });
}

void FrameCall::OnCancel() {
  loop_.post([this] { gone_->cancel(runtime::cancelled_error("the client is gone")); });
}

void FrameCall::OnDone() {
  {
    const std::lock_guard lock(mutex_);
    let_go_ = true;
  }
  loop_.post([this] { done_.notify(); });
}

}  // namespace lathe::gateways::grpc
