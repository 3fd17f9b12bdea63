#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lathe/base/ids.h"
#include "lathe/config/config.h"
#include "lathe/engine/client_context.h"
#include "lathe/engine/policy_book.h"
#include "lathe/ports/catalog.h"
#include "lathe/ports/driver.h"
#include "lathe/ports/event_observer.h"
#include "lathe/ports/job_runner.h"
#include "lathe/ports/model_directory.h"
#include "lathe/ports/session_host.h"
#include "lathe/ports/session_index.h"
#include "lathe/ports/session_store.h"
#include "lathe/ports/tool.h"
#include "lathe/ports/workspace_history.h"
#include "lathe/protocol/daemon_calls.h"
#include "lathe/runtime/loop.h"
#include "lathe/runtime/pool.h"

namespace lathe::engine {

/// What a driver is made for.
struct DriverSetup {
  std::string session_id;
  std::string cwd;
  protocol::SandboxMode sandbox_mode = protocol::SandboxMode::kWorkspaceWrite;
  protocol::NetworkMode network = protocol::NetworkMode::kNone;
  /// Hosts that are reached unasked; checked.
  std::vector<std::string> allow_hosts;
  ports::Questioner* questioner = nullptr;
  /// Records or shows what belongs to no call of the moment: the end of a job. Done in the background, in order.
  ports::RecordEvent record = {};
  /// What rules alone say about an action that belongs to no Task, so that nobody can be asked. Empty: they allow it.
  std::function<policy::Verdict(const ports::Action& action)> verdict_on = {};
  /// Null where nothing is kept.
  ports::WorkspaceHistory* history = nullptr;
  /// The models to try, in order; asked again before each Turn, because they may change.
  std::function<std::vector<ports::ResolvedModel>()> candidates;
  /// For sub-agents; null: the session may have none.
  ports::SessionHost* agents = nullptr;
  /// The agents that the session descends from, its own last: each narrows tools and policies. Empty: a person's.
  std::vector<ports::AgentDefinition> lineage = {};
  /// Of the client that works with the session: for commands, and for files that tools make.
  SharedContext context = {};
};

/// What the person's files (settings, models, rules) say by now.
struct SettingsState {
  /// Another one whenever something of them was taken in.
  std::uint64_t generation = 0;
  /// What is wrong with them, with its place; what they said before holds.
  std::optional<base::Error> problem = {};
};

/// What the engine is made of; apps/ provides it and keeps it alive longer than the engine.
struct EngineParts {
  runtime::Loop& loop;
  runtime::Pool& fs_pool;
  ports::SessionStore& sessions;
  ports::SessionIndex& index;
  ports::ModelDirectory& models;
  ports::BlobStore& blobs;
  PolicyBook& policy;
  ports::Catalog& catalog;
  base::Random& random;
  std::function<std::unique_ptr<ports::Driver>(const DriverSetup&)> make_driver;
  /// What files were before, of a session in a folder; may be empty, then nothing is kept.
  std::function<std::unique_ptr<ports::WorkspaceHistory>(const std::string& session_id, const std::string& cwd)>
      make_history;
  /// The system prompt of a new session; `extra` are the instructions of its configuration.
  std::function<std::string(const std::string& extra)> system_prompt;
  /// Values that no record and no client may ever see (keys of backends), as far as they are known by now.
  std::function<std::vector<std::string>()> secrets;
  config::Config config;
  std::string version;
  /// Where Lathe keeps its own files: no session works at or below one of these.
  std::vector<std::string> own_folders = {};
  /// The level at which commands of such a session are confined. An error where that is less than the person accepts.
  /// Absent: "none".
  std::function<base::Result<std::string>(protocol::SandboxMode, protocol::NetworkMode)> confinement = {};
  /// Takes keys of backends from what a client lends. Absent: all are at hand.
  std::function<base::Result<void>(const std::vector<std::string>&)> borrow = {};
  /// Reads /proc and the file system; called on the pool. Absent: this process is no daemon, and tells nothing of
  /// itself.
  std::function<protocol::ProcessVitals()> read_vitals = {};
  /// Shown everything that happens. They outlive the engine.
  std::vector<ports::EventObserver*> observers = {};
  /// Ends the process, which serves clients. Absent: it is the only client's own.
  std::function<void(std::string why)> end_process = {};
  /// So long after its last Task a session that is at rest lets go of its driver: of a hundred kilobytes of tools, and
  /// of its keeper. The next Task makes another. Absent: they stay as long as the session is open.
  std::optional<base::Millis> rest_after = {};
  /// The TCP address at which the process takes clients; empty where it takes none.
  std::string listen_address = {};
  /// Answers come from a recording.
  bool replayed = false;
  /// What a call would do in a session of that folder, as the gate is told. An error: that of an unknown tool, or the
  /// one with which the call fails before anything is decided about it. Absent: calls of tools are not explained.
  std::function<runtime::Async<base::Result<ports::Action>>(protocol::ToolCall call, std::string cwd)> read_call = {};
  /// Takes in what changed of the person's files since it was last called; quick when nothing did. `config` and what
  /// the other parts are set to are new then. Absent: they are read once.
  std::function<SettingsState()> refresh = {};

  SettingsState refreshed() const { return refresh ? refresh() : SettingsState(); }
};

}  // namespace lathe::engine
