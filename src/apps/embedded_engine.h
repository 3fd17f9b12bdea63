#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "lathe/apps/backend_directory.h"
#include "lathe/apps/call_reader.h"
#include "lathe/apps/cassette_deck.h"
#include "lathe/apps/native_session.h"
#include "lathe/client/transport.h"
#include "lathe/config/config.h"
#include "lathe/engine/engine.h"
#include "lathe/gateways/http/http_gateway.h"
#include "lathe/globs/secret_files.h"
#include "lathe/index/sqlite_index.h"
#include "lathe/journal/journal_store.h"
#include "lathe/net/http_client.h"
#include "lathe/ports/catalog.h"
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
  /// For work that blocks or takes long, also that of a wire.
  [[nodiscard]] runtime::Pool& fs_pool() { return fs_pool_; }
  /// For Prometheus.
  runtime::Async<base::Result<gateways::http::HttpParts::Page>> metrics();
  runtime::Async<void> shut_down();

 private:
  EmbeddedEngine(runtime::Loop& loop, telemetry::Log* log);
  base::Result<void> wire(const config::Environment& environment, const client::OpenOptions& options,
                          std::string version);
  /// Tells a warning where whoever runs this looks.
  [[nodiscard]] std::function<void(const std::string&)> teller() const;
  [[nodiscard]] runtime::Durability durability() const;
  std::vector<ports::EventObserver*> observers();
  /// Where spans of what happens are wanted. Of what a recording plays none are.
  void start_exporter(const std::string& version);
  /// The streams and their index.
  base::Result<void> open_records(const config::Paths& paths);
  /// What is true around a Task, and what may be loaded.
  void know_facts(const config::Environment& environment, const config::Paths& paths);
  std::unique_ptr<ports::Driver> make_driver(const std::string& runtime_dir, const engine::DriverSetup& setup);
  std::unique_ptr<ports::WorkspaceHistory> make_history(const config::Paths& paths, const std::string& session_id,
                                                        const std::string& cwd);

  runtime::Loop& loop_;
  config::Loaded loaded_;
  base::SystemRandom random_;
  runtime::Pool fs_pool_;
  runtime::Pool index_pool_;
  std::unique_ptr<storage::FaultPoint> faults_;
  storage::SyncTimes sync_times_;
  telemetry::EventCounts counts_;
  telemetry::Log* const log_;
  std::unique_ptr<telemetry::TaskLog> task_log_;
  globs::SecretFiles secrets_;
  std::unique_ptr<tools::common::SecretGuard> secret_guard_;
  egress::SystemResolver resolver_;
  net::HttpClient http_;
  std::unique_ptr<CallReader> call_reader_;
  std::unique_ptr<CassetteDeck> cassette_;
  std::unique_ptr<journal::JournalStore> store_;
  std::unique_ptr<index::SqliteIndex> index_;
  std::unique_ptr<ports::ProjectFacts> facts_;
  std::unique_ptr<ports::Catalog> catalog_;
  std::unique_ptr<BackendDirectory> backends_;
  SandboxSetup sandbox_;
  sandbox::HostFacts host_;
  std::unique_ptr<telemetry::SpanExporter> exporter_;
  std::unique_ptr<engine::PolicyBook> policy_;
  std::unique_ptr<engine::Engine> engine_;
};

/// Whether the collector that is configured takes spans; nothing where none is.
[[nodiscard]] runtime::Async<base::Result<std::optional<std::string>>> check_collector(runtime::Loop* loop,
                                                                                       config::Environment environment);

/// Whether the data root can be used: there or creatable, writable, on a file system that keeps locks.
[[nodiscard]] base::Result<void> check_data_root(const config::Environment& environment);

}  // namespace lathe::apps
