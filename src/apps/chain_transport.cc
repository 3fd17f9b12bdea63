#include "lathe/apps/chain_transport.h"

#include <utility>

#include "lathe/engine/chain_calls.h"

namespace lathe::apps {

using base::Result;
using runtime::Async;

namespace {

base::Error only_chains() {
  return {.code = base::codes::kUnsupported, .message = "this connection answers calls about workflow files only"};
}

}  // namespace

Async<Result<protocol::Ack>> ChainTransport::submit(std::string, protocol::Op) { co_return only_chains(); }

Async<Result<protocol::ReplyMsg>> ChainTransport::call(protocol::Call call) {
  if (const auto* check = std::get_if<protocol::ChainCheck>(&call)) {
    co_return protocol::ReplyMsg(engine::check_chain(*check));
  }
  if (const auto* show = std::get_if<protocol::ChainShow>(&call)) {
    CO_TRY(protocol::ChainShowReply shown, engine::show_chain(*show));
    co_return protocol::ReplyMsg(std::move(shown));
  }
  if (std::holds_alternative<protocol::ChainSchema>(call)) co_return protocol::ReplyMsg(engine::chain_schema());
  co_return only_chains();
}

Async<Result<std::vector<client::Delivery>>> ChainTransport::events(runtime::CancelToken, runtime::Deadline) {
  co_return only_chains();
}

}  // namespace lathe::apps
