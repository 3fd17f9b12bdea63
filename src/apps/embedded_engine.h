#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "lathe/apps/backend_directory.h"
#include "lathe/apps/call_reader.h"
#include "lathe/apps/cassette_deck.h"
#include "lathe/apps/native_session.h"
#include "lathe/client/transport.h"
#include "lathe/config/config.h"
#include "lathe/engine/engine.h"
#include "lathe/facts/file_facts.h"
#include "lathe/gateways/http/http_gateway.h"
#include "lathe/globs/secret_files.h"
#include "lathe/index/sqlite_index.h"
#include "lathe/journal/journal_store.h"
#include "lathe/net/http_client.h"
#include "lathe/ports/catalog.h"
#include "lathe/ports/jailed_program.h"
#include "lathe/ports/project_facts.h"
#include "lathe/runtime/loop.h"
#include "lathe/runtime/pool.h"
#include "lathe/storage/fault.h"
#include "lathe/storage/sync_times.h"
#include "lathe/telemetry/event_counts.h"
#include "lathe/telemetry/log.h"
#include "lathe/telemetry/span_exporter.h"
#include "lathe/telemetry/task_log.h"

namespace lathe::apps {

/// An engine with everything that it is made of, on the loop of this process. With a log, which outlives it, warnings
/// and the course of Tasks go there; else warnings go to stderr, and Tasks are their front end's to tell of. Members
/// stand in the order of their dependence: each outlives those below it.
class EmbeddedEngine final {
 public:
  static base::Result<std::unique_ptr<EmbeddedEngine>> create(runtime::Loop& loop,
                                                              const config::Environment& environment,
                                                              const client::OpenOptions& options, std::string version,
                                                              telemetry::Log* log = nullptr);
  ~EmbeddedEngine();

  [[nodiscard]] engine::Engine& engine() { return *engine_; }
  /// What holds by now.
  [[nodiscard]] const config::Loaded& loaded() const { return settings_->loaded; }
  /// Takes in what changed of the person's files since it was last looked: all of it, or none where something of it is
  /// broken (EngineParts::refresh).
  engine::SettingsState refresh();
  /// Called whenever something was taken in, or found broken.
  void on_refresh(std::function<void(const engine::SettingsState&)> told) { on_refresh_ = std::move(told); }
  /// For work that blocks or takes long, also that of a wire.
  [[nodiscard]] runtime::Pool& fs_pool() { return fs_pool_; }
  /// Loads what a model's request needs, in the background. Done from the start on, but in a daemon, which says when.
  void warm_up();
  /// For Prometheus.
  runtime::Async<base::Result<gateways::http::HttpParts::Page>> metrics();
  runtime::Async<void> shut_down();
  /// Bytes that a record of this data root names by their hash.
  runtime::Async<base::Result<std::string>> read_blob(base::Sha256Hex hash);

 private:
  /// What the person's files say, read all at once. Whoever works with it beyond a wait keeps it.
  struct Settings {
    config::Loaded loaded;
    globs::SecretFiles secrets;
    std::unique_ptr<tools::common::SecretGuard> secret_guard;
    std::unique_ptr<CallReader> call_reader;
    SandboxSetup sandbox;
  };
  /// Settings with what others are set to by them.
  struct FreshSettings {
    std::shared_ptr<const Settings> settings;  // shared with work under way
    config::ModelData models;
    std::unique_ptr<engine::PolicyBook> policy;
  };
  EmbeddedEngine(runtime::Loop& loop, telemetry::Log* log);
  base::Result<FreshSettings> read_settings();
  /// Nothing has changed that holds from the start on only.
  [[nodiscard]] base::Result<void> check_may_change(const config::Config& next) const;
  void put(FreshSettings fresh);
  runtime::Async<base::Result<runtime::CommandOutput>> run_git(ports::JailedProgram program);
  runtime::Async<base::Result<ports::Action>> read_call(protocol::ToolCall call, std::string cwd);
  engine::EngineParts engine_parts(std::string version);
  base::Result<void> wire(std::string version);
  /// Tells a warning where whoever runs this looks.
  [[nodiscard]] std::function<void(const std::string&)> teller() const;
  [[nodiscard]] runtime::Durability durability() const;
  std::vector<ports::EventObserver*> observers();
  /// Where spans of what happens are wanted. Of what a recording plays none are.
  void start_exporter(const std::string& version);
  /// The streams and their index.
  base::Result<void> open_records();
  /// What is true around a Task, and what may be loaded.
  void know_facts();
  std::unique_ptr<ports::Driver> make_driver(const engine::DriverSetup& setup);
  std::unique_ptr<ports::WorkspaceHistory> make_history(const std::string& session_id, const std::string& cwd);

  runtime::Loop& loop_;
  config::Environment environment_;
  client::OpenOptions options_;
  config::Paths paths_;
  std::string keeper_program_;
  /// Of the files, when they were last looked at.
  std::string stamp_;
  engine::SettingsState state_;
  std::function<void(const engine::SettingsState&)> on_refresh_;
  base::SystemRandom random_;
  runtime::Pool fs_pool_;
  runtime::Pool index_pool_;
  std::unique_ptr<storage::FaultPoint> faults_;
  storage::SyncTimes sync_times_;
  telemetry::EventCounts counts_;
  telemetry::Log* const log_;
  std::unique_ptr<telemetry::TaskLog> task_log_;
  egress::SystemResolver resolver_;
  net::HttpClient http_;
  std::shared_ptr<const Settings> settings_;  // see FreshSettings
  std::unique_ptr<CassetteDeck> cassette_;
  std::unique_ptr<journal::JournalStore> store_;
  std::unique_ptr<index::SqliteIndex> index_;
  std::unique_ptr<ports::ProjectFacts> facts_;
  /// Within facts_.
  facts::FileFacts* file_facts_ = nullptr;
  std::unique_ptr<ports::Catalog> catalog_;
  std::unique_ptr<BackendDirectory> backends_;
  sandbox::HostFacts host_;
  std::unique_ptr<telemetry::SpanExporter> exporter_;
  std::unique_ptr<engine::PolicyBook> policy_;
  std::unique_ptr<engine::Engine> engine_;
};

/// Whether the collector that is configured takes spans; nothing where none is.
[[nodiscard]] runtime::Async<base::Result<std::optional<std::string>>> check_collector(runtime::Loop* loop,
                                                                                       config::Environment environment);

/// Whether the daemon at that TCP address has a page of metrics that a token opens.
[[nodiscard]] runtime::Async<base::Result<void>> check_metrics(runtime::Loop* loop, std::string address);

/// Whether the data root can be used: there or creatable, writable, on a file system that keeps locks.
[[nodiscard]] base::Result<void> check_data_root(const config::Environment& environment);

}  // namespace lathe::apps
