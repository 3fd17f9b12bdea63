#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "lathe/base/unique_fd.h"
#include "lathe/engine/client_context.h"
#include "lathe/engine/event_queue.h"
#include "lathe/protocol/frames.h"
#include "lathe/runtime/async.h"

namespace lathe::engine {

class Engine;
class LiveSession;

/// One client of the engine, whatever wire it comes by. Any number of submit() and call() at once; one events(). Loop
/// thread. When it goes, its subscriptions go; its Tasks go on.
class Connection final {
 public:
  Connection(Engine& engine, std::string client);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// Done when acknowledged. An empty session means the one that this connection configured last; configure_session
  /// without one makes a new session. The connection is subscribed to what it configures.
  /// `folder`, where it is set, is the one in which a configure_session has its session work, whatever its `cwd` says:
  /// of a client that came locally. It is closed when its path is known.
  runtime::Async<base::Result<protocol::Ack>> submit(std::string session, protocol::Op op, std::string op_id,
                                                     base::UniqueFd folder = {});
  runtime::Async<base::Result<protocol::ReplyMsg>> call(protocol::Call call);
  runtime::Async<base::Result<std::vector<Delivered>>> events(runtime::CancelToken cancel, runtime::Deadline deadline);
  /// Whether a Task runs in a session that this connection is subscribed to. Of one whose end has been given out by
  /// events(), no more.
  [[nodiscard]] bool has_running_task() const;
  /// The path at which this process finds the folder that a client has sent (`descriptor`; -1: none) or else named. An
  /// error when it finds none, or another one than the client does. Blocks.
  using FindFolder = std::function<base::Result<std::string>(const std::string& named, int descriptor)>;
  /// It is a process of this machine and of the person whose engine this is. What is known of it before it says
  /// anything: groups that are not this process's; an error when what runs for it could not have them. It may look
  /// then, answer questions, and end what runs.
  void came_locally(base::Result<std::optional<base::UserGroups>> groups, FindFolder find_folder = {});
  /// What comes from now on is said for somebody who is elsewhere: how it came tells nothing of him, and what it lent
  /// is not his.
  void speaks_for_another();
  /// The client can answer no question, because it will say nothing more or may not: none waits for it. Its events go
  /// on.
  void only_listens();
  /// No event comes after those that wait: events() gives them, and `unavailable` then.
  void finish() { queue_->close(); }
  [[nodiscard]] const EventQueue& queue() const { return *queue_; }

 private:
  /// Whether nobody else has claimed the session, where it is open here.
  [[nodiscard]] base::Result<void> check_may_drive(const std::string& session);
  /// Whoever configures a session works with it, and so it has what this client has around it; one that nobody has
  /// configured here, whoever comes first.
  enum class Comes { kToConfigure, kToUse };
  base::Result<void> lend_context(LiveSession& session, Comes comes) const;
  /// Where it configures a session (empty: a new one) to work, by the path that this process finds the folder at;
  /// nothing: where it works already, which then is the folder that the client sees there.
  runtime::Async<base::Result<std::optional<std::string>>> find_folder(std::string session,
                                                                       std::optional<std::string> named,
                                                                       base::UniqueFd folder);
  /// As others are told of it.
  [[nodiscard]] std::string name() const;
  using Reply = runtime::Async<base::Result<protocol::ReplyMsg>>;
  runtime::Async<base::Result<protocol::Ack>> configure_new(protocol::ConfigureSession op, std::string op_id);
  runtime::Async<base::Result<void>> subscribe(std::string session, std::int64_t since,
                                               Audience audience = Audience::kMayAnswer);

  /// Lets the Task go on that waits for this session's answers, once there are all of them: the session's own, or that
  /// of the one that spawned it. The session in which it goes on; "" where it does not.
  runtime::Async<base::Result<std::string>> go_on_if_answered(std::string session,
                                                              std::optional<protocol::Budget> budget);

  Reply on(protocol::Hello call);
  Reply on(protocol::SessionList call);
  Reply on(protocol::SessionGet call);
  Reply on(protocol::SessionSubscribe call);
  Reply on(protocol::SessionUnsubscribe call);
  Reply on(protocol::SessionClaim call);
  Reply on(protocol::SessionFork call);
  Reply on(protocol::SessionArchive call);
  Reply on(protocol::SessionTag call);
  Reply on(protocol::SessionMarkRead call);
  Reply on(protocol::SessionRemove call);
  Reply on(protocol::SessionSearch call);
  Reply on(protocol::SessionExport call);
  Reply on(protocol::ApprovalList call);
  Reply on(protocol::ApprovalAnswer call);
  Reply on(protocol::ModelList call);
  Reply on(protocol::BackendList call);
  Reply on(protocol::BackendTest call);
  Reply on(protocol::UsageCall call);
  Reply on(protocol::IndexRebuild call);
  Reply on(protocol::Undo call);
  Reply on(protocol::PolicyExplain call);
  Reply on(protocol::PolicyTest call);
  Reply on(protocol::ChainCheck call);
  Reply on(protocol::ChainShow call);
  Reply on(protocol::ChainSchema call);
  Reply on(protocol::TrustList call);
  Reply on(protocol::TrustSet call);
  Reply on(protocol::DaemonStatus call);
  Reply on(protocol::DaemonReload call);
  Reply on(protocol::DaemonStop call);
  Reply on(protocol::DaemonHandOver call);
  Reply on(protocol::Vitals call);
  Reply on(protocol::Watch call);

  /// Has the keys and backends count that came with its hello.
  [[nodiscard]] base::Result<void> lend() const;

  Engine& engine_;
  /// As the engine was told when it came, or as its hello says.
  std::string client_;
  /// The program, as its hello says.
  std::string program_;
  /// What it lends: by its hello, and by how it came.
  SharedContext context_;
  /// Why it may not lend what it has, and so not work with sessions.
  std::optional<base::Error> unfit_;
  bool came_locally_ = false;
  FindFolder find_folder_;
  std::string configured_session_;
  std::shared_ptr<EventQueue> queue_;  // shared with the feeds that it is subscribed to
  std::set<std::string> subscribed_;
};

}  // namespace lathe::engine
