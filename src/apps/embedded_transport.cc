#include "lathe/apps/embedded_transport.h"

namespace lathe::apps {

using base::Result;
using runtime::Async;

EmbeddedTransport::EmbeddedTransport(std::unique_ptr<EmbeddedEngine> engine, std::string client)
    : engine_(std::move(engine)), connection_(engine_->engine().connect(std::move(client))) {}

EmbeddedTransport::~EmbeddedTransport() = default;

Async<Result<protocol::Ack>> EmbeddedTransport::submit(std::string session, protocol::Op op) {
  return connection_->submit(std::move(session), std::move(op), std::to_string(next_op_++));
}

Async<Result<protocol::ReplyMsg>> EmbeddedTransport::call(protocol::Call call) {
  return connection_->call(std::move(call));
}

Async<Result<std::vector<client::Delivery>>> EmbeddedTransport::events(runtime::CancelToken cancel,
                                                                       runtime::Deadline deadline) {
  CO_TRY(std::vector<engine::Delivered> delivered, co_await connection_->events(std::move(cancel), deadline));
  std::vector<client::Delivery> out;
  out.reserve(delivered.size());
  for (engine::Delivered& one : delivered) out.push_back({*one.event, std::move(one.line)});
  co_return out;
}

Async<void> EmbeddedTransport::close() { return engine_->shut_down(); }

}  // namespace lathe::apps
