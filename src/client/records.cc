#include "lathe/client/records.h"

#include <utility>

namespace lathe::client {

using base::Result;
using runtime::Async;

Async<Result<void>> read_records(Transport* transport, std::string session,
                                 std::function<Async<Result<void>>(std::vector<std::string> lines)> take) {
  protocol::SessionExport request{.session = std::move(session)};
  while (true) {
    CO_TRY(auto page, co_await call_as(transport, request));
    CO_TRY_OK(co_await take(std::move(page.records)));
    if (page.next == 0) co_return Result<void>();
    if (page.next <= request.since) {
      co_return base::Error{.code = base::codes::kInternal,
                            .message = "the engine sent the same page of records twice"};
    }
    request.since = page.next;
  }
}

Async<Result<std::set<std::string>>> recorded_sessions(Transport* transport) {
  CO_TRY(const auto list, co_await call_as(transport, protocol::SessionList{.archived = true}));
  std::set<std::string> ids;
  for (const protocol::SessionInfo& session : list.sessions) {
    if (session.replayed) ids.insert(session.session_id);
  }
  co_return ids;
}

Async<Result<protocol::SessionInfo>> find_session(Transport* transport, std::string name) {
  protocol::SessionGet request{.session = std::move(name)};
  CO_TRY(auto reply, co_await call_as(transport, std::move(request)));
  co_return std::move(reply.session);
}

Async<void> mark_read(Transport* transport, std::string session, std::int64_t seq) {
  (void)co_await call_as(transport, protocol::SessionMarkRead{.session = std::move(session), .seq = seq});
}

}  // namespace lathe::client
