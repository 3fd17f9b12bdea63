#include "lathe/gateways/http/agentruntime_api.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "lathe/base/check.h"
#include "lathe/gateways/http/agentruntime_engine.h"
#include "lathe/gateways/http/agentruntime_request.h"
#include "lathe/protocol/http_payloads.h"

namespace lathe::gateways::http {

using base::Error;
using base::Result;
using net::IncomingRequest;
using net::OutgoingResponse;
using protocol::AgentruntimeStatus;
using protocol::HttpMatch;
using protocol::HttpRouteId;
using protocol::SessionInfo;
using protocol::SessionState;
using runtime::Async;

namespace {

constexpr const char* kAgent = "native";
constexpr const char* kRuntime = "local";
constexpr std::int64_t kListedByDefault = 100;
constexpr std::int64_t kHistoryByDefault = 50;
constexpr double kMicro = 1e6;

/// RFC 3339.
std::string time_text(base::UnixMillis time) {
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", fmt::gmtime(static_cast<std::time_t>(time / 1000)), time % 1000);
}

/// agentruntime's states: pending, running, completed, failed.
AgentruntimeStatus status_of(const SessionInfo& info, const AgentruntimeStanding& standing) {
  if (const auto exit = standing.exit(info.archived)) {
    return exit->code == 0 ? AgentruntimeStatus::kCompleted : AgentruntimeStatus::kFailed;
  }
  switch (info.state) {
    case SessionState::kRunning:
    case SessionState::kParked:
      return AgentruntimeStatus::kRunning;
    case SessionState::kInterrupted:
    case SessionState::kDamaged:
      return AgentruntimeStatus::kFailed;
    case SessionState::kIdle:
      // An interactive one waits for its next input.
      return standing.interactive || standing.task_runs ? AgentruntimeStatus::kRunning : AgentruntimeStatus::kPending;
  }
  return AgentruntimeStatus::kPending;
}

class Api final {
 public:
  Api(const HttpParts& parts, protocol::Scopes scopes, std::string host)
      : parts_(parts), engine_(parts, scopes), host_(std::move(host)) {}

  Async<Result<OutgoingResponse>> answer(HttpMatch match, IncomingRequest request) {
    std::string id = match.values.empty() ? "" : std::move(match.values[0]);
    switch (match.route->id) {
      case HttpRouteId::kAgentruntimeCreate:
        return create(std::move(request));
      case HttpRouteId::kAgentruntimeList:
        return list(std::move(request));
      case HttpRouteId::kAgentruntimeHistory:
        return history(std::move(request));
      case HttpRouteId::kAgentruntimeSnapshot:
        return snapshot(std::move(id));
      case HttpRouteId::kAgentruntimeInfo:
        return info(std::move(id));
      case HttpRouteId::kAgentruntimeLogs:
        return logs(std::move(id), std::move(request));
      case HttpRouteId::kAgentruntimeLog:
        return whole_log(std::move(id));
      case HttpRouteId::kAgentruntimeEnd:
        return end(std::move(id));
      case HttpRouteId::kHealth:
      case HttpRouteId::kMetrics:
      case HttpRouteId::kWatch:
      case HttpRouteId::kCall:
      case HttpRouteId::kNewSession:
      case HttpRouteId::kOp:
      case HttpRouteId::kEvents:
      case HttpRouteId::kBlob:
      case HttpRouteId::kBlobHead:
      case HttpRouteId::kConnect:
      case HttpRouteId::kAgentruntimeBridge:
      case HttpRouteId::kAgentruntimeEvents:
        break;
    }
    CHECK_REQUEST(false);  // the gateway answers these itself
    return info(std::move(id));
  }

 private:
  [[nodiscard]] std::string socket_url(const std::string& id) const {
    return fmt::format("ws://{}/ws/sessions/{}", host_, id);
  }
  [[nodiscard]] std::string log_url(const std::string& id) const {
    return fmt::format("http://{}/sessions/{}/logs", host_, id);
  }

  Async<Result<OutgoingResponse>> create(IncomingRequest request) {
    CO_TRY(AgentruntimeRequest wanted, parse_agentruntime_request(request.body));
    if (!wanted.work_dir.empty()) CO_TRY_OK(check_work_dir(wanted.work_dir));
    if (!wanted.session_id.empty()) {
      const bool taken = (co_await engine_.find(wanted.session_id)).ok();
      co_return Error{.code = taken ? base::codes::kExists : base::codes::kInvalid,
                      .message = taken ? fmt::format("there is a session {} already", wanted.session_id)
                                       : "session_id is not honoured with agent \"native\"",
                      .hint = "leave it out"};
    }
    SessionInfo resumed;
    if (!wanted.resume_session.empty()) {
      CO_TRY(resumed, co_await find_at_rest(std::move(wanted.resume_session)));
    }
    if (!wanted.environment.empty()) CO_TRY_OK(co_await lend(std::move(wanted.environment)));
    protocol::ConfigureSession configure;
    if (!wanted.work_dir.empty()) configure.cwd = std::move(wanted.work_dir);
    if (!wanted.model.empty()) configure.model = std::move(wanted.model);
    if (!wanted.name.empty()) configure.title = std::move(wanted.name);
    // Nobody waits at a prompt's session who could be asked.
    configure.ask = wanted.interactive ? protocol::AskMode::kClient : protocol::AskMode::kDeny;
    if (wanted.timeout) configure.budget = protocol::Budget{.millis = wanted.timeout->count()};
    CO_TRY(const protocol::Ack made,
           co_await engine_.submit(resumed.session_id, std::move(configure),
                                   std::string(wanted.interactive ? kInteractiveOp : kOnceOp)));
    if (resumed.archived) {
      CO_TRY_OK(co_await engine_.call(protocol::SessionArchive{.session = made.session, .archived = false}));
    }
    auto tags = co_await tag(made.session, std::move(resumed), std::move(wanted.tags));
    if (!tags.ok()) co_return std::move(tags).error();
    if (!wanted.prompt.empty()) {
      protocol::UserInput input{.items = {protocol::TextPart{std::move(wanted.prompt)}},
                                .if_busy = protocol::IfBusy::kSteer};
      CO_TRY_OK(co_await engine_.submit(made.session, std::move(input)));
    }
    co_return OutgoingResponse{
        .status = 201,
        .body = protocol::payload_text(protocol::AgentruntimeCreated{.session_id = made.session,
                                                                     .task_id = named_tags(*tags).task_id,
                                                                     .agent = kAgent,
                                                                     .runtime = kRuntime,
                                                                     .status = AgentruntimeStatus::kRunning,
                                                                     .ws_url = socket_url(made.session),
                                                                     .log_url = log_url(made.session)})};
  }

  /// To be configured would end a Task that runs in it.
  Async<Result<SessionInfo>> find_at_rest(std::string id) {
    CO_TRY(SessionInfo session, co_await engine_.find(id));
    if (session.state != SessionState::kRunning) co_return session;
    co_return Error{.code = base::codes::kLocked,
                    .message = fmt::format("a Task runs in session {}", id),
                    .hint = fmt::format("wait for it, or say it at {}", socket_url(id)),
                    .retryable = true};
  }

  /// Gives those that the session has then. `before`: as it was, without an id when it is new.
  Async<Result<std::vector<std::string>>> tag(std::string session, SessionInfo before, std::vector<std::string> given) {
    if (given.empty()) co_return std::move(before.tags);
    protocol::SessionTag call{.session = session, .add = given, .remove = replaced_tags(before.tags, given)};
    auto tagged = co_await engine_.call(std::move(call));
    if (tagged.ok()) co_return std::move(tagged->tags);
    if (before.session_id.empty()) co_await take_back(std::move(session));
    co_return std::move(tagged).error();
  }

  /// One that nobody knows of yet. Whoever may not remove it hides it.
  Async<void> take_back(std::string session) {
    (void)co_await engine_.submit(session, protocol::Shutdown{});
    const auto removed = co_await engine_.call(protocol::SessionRemove{.session = session});
    if (!removed.ok()) (void)co_await engine_.call(protocol::SessionArchive{.session = session, .archived = true});
  }

  /// As another client lends what it has around it, by its hello; so it takes the same scopes.
  Async<Result<void>> lend(std::vector<std::string> named) {
    CO_TRY(std::vector<std::string> environment, parts_.environment_with(std::move(named)));
    CO_TRY_OK(co_await engine_.call(
        protocol::Hello{.client = std::string(kAgentruntimeClient), .environment = std::move(environment)}));
    co_return Result<void>();
  }

  Async<Result<OutgoingResponse>> list(IncomingRequest request) {
    CO_TRY(const std::int64_t limit, count_parameter(request, "limit", kListedByDefault));
    CO_TRY(const auto reply, co_await engine_.call(protocol::SessionList{.limit = limit}));
    std::vector<protocol::AgentruntimeSummary> listed;
    for (const SessionInfo& session : reply.sessions) listed.push_back(co_await summary(session));
    co_return OutgoingResponse{.body = protocol::payload_text(listed)};
  }

  Async<Result<OutgoingResponse>> history(IncomingRequest request) {
    CO_TRY(const std::int64_t limit, count_parameter(request, "limit", kHistoryByDefault));
    std::vector<protocol::AgentruntimeSummary> ended;
    protocol::SessionList page{.limit = kListedByDefault, .archived = true};
    do {
      CO_TRY(auto reply, co_await engine_.call(page));
      for (const SessionInfo& session : reply.sessions) {
        if (std::cmp_greater_equal(ended.size(), limit)) break;
        protocol::AgentruntimeSummary one = co_await summary(session);
        const bool over = one.status == AgentruntimeStatus::kCompleted || one.status == AgentruntimeStatus::kFailed;
        if (over) ended.push_back(std::move(one));
      }
      page.cursor = std::move(reply.next_cursor);
    } while (!page.cursor.empty() && std::cmp_less(ended.size(), limit));
    co_return OutgoingResponse{.body = protocol::payload_text(ended)};
  }

  Async<protocol::AgentruntimeSummary> summary(SessionInfo session) {
    // How the last Task ended stands in the log only; one that is damaged has failed whatever stands there.
    AgentruntimeStanding standing;
    if (session.state == SessionState::kIdle) {
      if (const auto found = co_await engine_.standing(session.session_id); found.ok()) standing = *found;
    }
    AgentruntimeTags tags = named_tags(session.tags);
    co_return protocol::AgentruntimeSummary{.session_id = session.session_id,
                                            .task_id = std::move(tags.task_id),
                                            .agent = kAgent,
                                            .runtime = kRuntime,
                                            .status = status_of(session, standing),
                                            .created_at = time_text(session.created_at),
                                            .tags = std::move(tags.tags)};
  }

  struct View {
    protocol::SessionGetReply known;
    AgentruntimeStanding standing;
  };
  /// The sums are no older than the status: one that has ended shows all that it used.
  Async<Result<View>> look_at(std::string id) {
    CO_TRY_OK(co_await engine_.find(id));
    CO_TRY(AgentruntimeStanding standing, co_await engine_.standing(id));
    CO_TRY(protocol::SessionGetReply known, co_await engine_.get(id));
    co_return View{.known = std::move(known), .standing = std::move(standing)};
  }

  /// What a snapshot and an info tell in the same words.
  template <class Body>
  static Body told(const View& view, Body body) {
    const SessionInfo& session = view.known.session;
    body.task_id = named_tags(session.tags).task_id;
    body.work_dir = session.cwd;
    body.session_dir = view.known.folder;
    body.created_at = time_text(session.created_at);
    body.last_activity = time_text(session.updated_at);
    body.input_tokens = session.usage.input_tokens;
    body.output_tokens = session.usage.output_tokens;
    body.tool_call_count = view.standing.tool_calls;
    if (const auto exit = view.standing.exit(session.archived)) {
      body.exit_code = exit->code;
      body.ended_at = time_text(view.standing.ended_at > 0 ? view.standing.ended_at : session.updated_at);
    }
    if (session.cost_micro_usd) body.cost_usd = static_cast<double>(*session.cost_micro_usd) / kMicro;
    return body;
  }

  Async<Result<OutgoingResponse>> snapshot(std::string id) {
    CO_TRY(const View view, co_await look_at(id));
    const SessionInfo& session = view.known.session;
    protocol::AgentruntimeSnapshot body{.id = std::move(id),
                                        .tags = named_tags(session.tags).tags,
                                        .agent_name = kAgent,
                                        .runtime_name = kRuntime,
                                        .state = status_of(session, view.standing)};
    co_return OutgoingResponse{.body = protocol::payload_text(told(view, std::move(body)))};
  }

  Async<Result<OutgoingResponse>> info(std::string id) {
    CO_TRY(const View view, co_await look_at(id));
    protocol::AgentruntimeInfo body{.session_id = id,
                                    .agent = kAgent,
                                    .runtime = kRuntime,
                                    .status = status_of(view.known.session, view.standing),
                                    .log_file = view.known.journal,
                                    .ws_url = socket_url(id),
                                    .log_url = log_url(id)};
    co_return OutgoingResponse{.body = protocol::payload_text(told(view, std::move(body)))};
  }

  Async<Result<OutgoingResponse>> logs(std::string id, IncomingRequest request) {
    CO_TRY(const std::int64_t cursor, offset_parameter(request, "cursor", /*fallback=*/0, /*least=*/0));
    CO_TRY_OK(co_await engine_.find(id));
    CO_TRY(AgentruntimeRead read, co_await engine_.read_log(id, cursor));
    co_return OutgoingResponse{.content_type = "text/plain; charset=utf-8",
                               .headers = {{"Agentruntime-Log-Cursor", std::to_string(read.log.size())}},
                               .body = std::move(read.bytes)};
  }

  Async<Result<OutgoingResponse>> whole_log(std::string id) {
    CO_TRY_OK(co_await engine_.find(id));
    CO_TRY(AgentruntimeRead read, co_await engine_.read_log(id, /*from=*/0));
    co_return OutgoingResponse{.content_type = "application/x-ndjson", .body = std::move(read.bytes)};
  }

  Async<Result<OutgoingResponse>> end(std::string id) {
    CO_TRY(SessionInfo session, co_await engine_.find(id));
    if (!session.archived) {
      // Archived before it is closed: whoever watches is told of the end then, and finds out what kind it was.
      CO_TRY_OK(co_await engine_.submit(id, protocol::Interrupt{}));
      CO_TRY_OK(co_await engine_.call(protocol::SessionArchive{.session = id, .archived = true}));
      CO_TRY_OK(co_await engine_.submit(id, protocol::Shutdown{}));
      session.archived = true;
    }
    CO_TRY(const AgentruntimeStanding standing, co_await engine_.standing(id));
    co_return OutgoingResponse{.body = protocol::payload_text(protocol::AgentruntimeEnded{
                                   .session_id = id, .status = status_of(session, standing)})};
  }

  const HttpParts& parts_;
  AgentruntimeEngine engine_;
  /// As the client named it, for addresses that it can reach.
  const std::string host_;
};

}  // namespace

Async<OutgoingResponse> answer_agentruntime(const HttpParts* parts, protocol::Scopes scopes, HttpMatch match,
                                            IncomingRequest request) {
  Api api(*parts, scopes, std::string(request.header("host")));
  Result<OutgoingResponse> response = co_await api.answer(std::move(match), std::move(request));
  if (!response.ok()) co_return agentruntime_error(response.error());
  co_return *std::move(response);
}

}  // namespace lathe::gateways::http
