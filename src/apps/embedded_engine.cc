#include "lathe/apps/embedded_engine.h"

#include <fmt/format.h>

#include <cstdio>
#include <filesystem>

#include "lathe/agent/system_prompt.h"
#include "lathe/apps/cassette_catalog.h"
#include "lathe/apps/cassette_facts.h"
#include "lathe/apps/host_facts.h"
#include "lathe/apps/jailed_program.h"
#include "lathe/apps/own_secrets.h"
#include "lathe/apps/policy_transport.h"
#include "lathe/apps/refused_place.h"
#include "lathe/apps/settings_stamp.h"
#include "lathe/crypto/sha256.h"
#include "lathe/engine/trust.h"
#include "lathe/facts/file_catalog.h"
#include "lathe/facts/file_facts.h"
#include "lathe/keeper/client.h"
#include "lathe/runtime/files.h"
#include "lathe/storage/disk.h"
#include "lathe/storage/filesystem.h"
#include "lathe/telemetry/metrics_page.h"
#include "lathe/telemetry/process_vitals.h"
#include "lathe/undo/session_history.h"

namespace lathe::apps {

using base::Result;

namespace {

constexpr std::size_t kFsThreads = 4;
/// Twice what is kept of one output (agent::Options::spool_bytes).
constexpr std::size_t kMaxBlobBytes = 128U << 20;

void tell(const std::string& warning) { std::fprintf(stderr, "lathe: warning: %s\n", warning.c_str()); }

/// LATHE_FAULT is for tests: it fails or kills the process at one durable operation (storage/fault.h).
Result<std::unique_ptr<storage::FaultPoint>> faults_of(const config::Environment& environment) {
  const std::string plan = environment.get("LATHE_FAULT");
  if (plan.empty()) return std::unique_ptr<storage::FaultPoint>();
  TRY(std::unique_ptr<storage::FaultPoint> parsed, storage::FaultPlan::parse(plan));
  return parsed;
}

/// Whether a person trusted this content of a repository's file (`lathe trust`); read anew, as it may be done
/// meanwhile.
auto trusted_content(const std::string& state_dir) {
  return [file = trust_file(state_dir)](std::string_view, const std::string& path, std::string_view content) {
    const auto store = engine::TrustStore::read(file);
    const auto real = runtime::real_path(path);
    if (!store.ok() || !real.ok()) return false;
    const std::string root = engine::repository_root(real->substr(0, real->rfind('/')));
    return real->starts_with(root + "/") && store->trusts(root, real->substr(root.size() + 1), crypto::sha256(content));
  };
}

/// What is broken in the person's files is told where only records are looked at, and left out.
template <class T>
Result<T> bearable(Result<T> read, const client::OpenOptions& options) {
  if (read.ok() || !options.records_only) return read;
  tell(read.error().text());
  return T();
}

Result<std::unique_ptr<engine::PolicyBook>> read_policy(const engine::PolicyPlaces& places,
                                                        const client::OpenOptions& options) {
  TRY(auto book, bearable(engine::PolicyBook::read(places), options));
  if (book) return book;
  return engine::PolicyBook::read({.folder = {}, .policy = {}, .only = {}, .trust_file = places.trust_file});
}

}  // namespace

EmbeddedEngine::EmbeddedEngine(runtime::Loop& loop, telemetry::Log* log)
    : loop_(loop),
      fs_pool_(loop, "lathe-fs", kFsThreads),
      index_pool_(loop, "lathe-index", 1),
      log_(log),
      resolver_(loop),
      http_(loop) {}

EmbeddedEngine::~EmbeddedEngine() {
  if (log_ != nullptr) log_->hide({});
}

std::function<void(const std::string&)> EmbeddedEngine::teller() const {
  if (log_ == nullptr) return tell;
  return [log = log_](const std::string& warning) { log->write(telemetry::LogLevel::kWarning, warning); };
}

Result<std::unique_ptr<EmbeddedEngine>> EmbeddedEngine::create(runtime::Loop& loop,
                                                               const config::Environment& environment,
                                                               const client::OpenOptions& options, std::string version,
                                                               telemetry::Log* log) {
  std::unique_ptr<EmbeddedEngine> made(new EmbeddedEngine(loop, log));
  made->environment_ = environment;
  made->options_ = options;
  TRY_OK(made->wire(std::move(version)));
  return made;
}

runtime::Durability EmbeddedEngine::durability() const {
  return loaded().config.durability == "power" ? runtime::Durability::kPower : runtime::Durability::kProcess;
}

Result<EmbeddedEngine::FreshSettings> EmbeddedEngine::read_settings() {
  FreshSettings fresh;
  const auto settings = std::make_shared<Settings>();
  TRY(settings->loaded, bearable(config::load(paths_, environment_), options_));
  const config::Config& config = settings->loaded.config;
  TRY(fresh.models, bearable(config::ModelData::load(paths_), options_));
  TRY(fresh.policy, read_policy(policy_places(environment_, paths_, config, options_, teller()), options_));
  TRY(settings->secrets, bearable(globs::SecretFiles::create(config.secret_files), options_));
  settings->secret_guard = make_secret_guard(settings->secrets, environment_, paths_);
  settings->call_reader = std::make_unique<CallReader>(CallReader::Parts{.loop = loop_,
                                                                         .pool = fs_pool_,
                                                                         .http = http_,
                                                                         .resolver = resolver_,
                                                                         .config = config,
                                                                         .secrets = *settings->secret_guard});
  TRY(settings->sandbox, sandbox_setup(config, environment_, paths_, keeper_program_));
  fresh.settings = settings;
  return fresh;
}

Result<void> EmbeddedEngine::check_may_change(const config::Config& next) const {
  if (next.durability == loaded().config.durability) return {};
  return base::Error{.code = base::codes::kUnsupported,
                     .message = fmt::format("durability is {} since the start, and {} in {}",
                                            loaded().config.durability, next.durability, paths_.config_file),
                     .hint = "lathe daemon restart"};
}

engine::SettingsState EmbeddedEngine::refresh() {
  std::string stamp = settings_stamp(paths_, loaded().config.policy);
  if (options_.records_only || stamp == stamp_) return state_;
  stamp_ = std::move(stamp);
  Result<FreshSettings> fresh = read_settings();
  Result<void> taken;
  if (!fresh.ok()) {
    taken = std::move(fresh).error();
  } else if (taken = check_may_change(fresh->settings->loaded.config); taken.ok()) {
    put(*std::move(fresh));
  }
  state_.problem = taken.ok() ? std::nullopt : std::optional(std::move(taken).error());
  if (on_refresh_) on_refresh_(state_);
  return state_;
}

void EmbeddedEngine::put(FreshSettings fresh) {
  settings_ = std::move(fresh.settings);
  // Of another file of rules, where the setting names one now.
  stamp_ = settings_stamp(paths_, loaded().config.policy);
  backends_->use(loaded().config, std::move(fresh.models));
  policy_->put_person_of(std::move(*fresh.policy));
  file_facts_->set_docs_fallback(loaded().config.project_docs_fallback);
  engine_->parts().config = loaded().config;
  ++state_.generation;
}

Result<void> EmbeddedEngine::open_records() {
  auto store = journal::JournalStore::create(loop_, fs_pool_,
                                             {.state_dir = paths_.state_dir,
                                              .durability = durability(),
                                              .faults = faults_.get(),
                                              .sync_times = &sync_times_,
                                              .on_warning = teller()});
  if (!store.ok()) return refused_place(store.error());
  store_ = *std::move(store);
  TRY(index_, index::SqliteIndex::create(loop_, index_pool_, store_->source(),
                                         {.state_dir = paths_.state_dir,
                                          .faults = faults_.get(),
                                          .project_of = engine::repository_root,
                                          .on_warning = teller()}));
  return {};
}

void EmbeddedEngine::know_facts() {
  auto read = std::make_unique<facts::FileFacts>(
      fs_pool_, loop_,
      facts::FileFactsOptions{.shell = environment_.get("SHELL"),
                              .docs_fallback = loaded().config.project_docs_fallback});
  file_facts_ = read.get();
  facts_ = std::make_unique<CassetteFacts>(std::move(read), *cassette_);
  auto files = std::make_unique<facts::FileCatalog>(
      fs_pool_, facts::CatalogOptions{.config_dir = std::filesystem::path(paths_.config_file).parent_path().string(),
                                      .home = environment_.get("HOME"),
                                      .trusted = trusted_content(paths_.state_dir)});
  catalog_ = std::make_unique<CassetteCatalog>(std::move(files), *cassette_);
}

std::unique_ptr<ports::Driver> EmbeddedEngine::make_driver(const engine::DriverSetup& setup) {
  return std::make_unique<NativeSession>(NativeSession::Shared{.loop = loop_,
                                                               .fs_pool = fs_pool_,
                                                               .http = http_,
                                                               .resolver = resolver_,
                                                               .blobs = store_->blobs(),
                                                               .facts = *facts_,
                                                               .catalog = *catalog_,
                                                               .config = loaded().config,
                                                               .cassette = *cassette_,
                                                               .sandbox = settings_->sandbox,
                                                               .host = host_,
                                                               .keepers_dir = paths_.runtime_dir + "/keepers",
                                                               .proxies_dir = paths_.runtime_dir + "/egress",
                                                               .secrets = *settings_->secret_guard,
                                                               .keys = [this] { return backends_->secrets(); }},
                                         setup);
}

runtime::Async<Result<runtime::CommandOutput>> EmbeddedEngine::run_git(ports::JailedProgram program) {
  const std::shared_ptr<const Settings> settings = settings_;
  co_return co_await run_jailed(&loop_, &fs_pool_, &settings->sandbox, &host_, std::move(program));
}

runtime::Async<Result<ports::Action>> EmbeddedEngine::read_call(protocol::ToolCall call, std::string cwd) {
  const std::shared_ptr<const Settings> settings = settings_;
  co_return co_await settings->call_reader->read(std::move(call), std::move(cwd));
}

std::unique_ptr<ports::WorkspaceHistory> EmbeddedEngine::make_history(const std::string& session_id,
                                                                      const std::string& cwd) {
  return std::make_unique<undo::SessionHistory>(
      fs_pool_, store_->blobs(),
      undo::HistoryOptions{.folder = store_->place(session_id).folder + "/undo",
                           .cache_folder = paths_.cache_dir + "/workspaces",
                           .root = cwd,
                           .left_out = runtime::real_path(paths_.state_dir).value_or(paths_.state_dir),
                           .secrets = settings_->secrets,
                           .keys = [this] { return backends_->secrets(); },
                           .disk = storage::Disk(faults_.get(), &sync_times_),
                           .durability = durability(),
                           .run_git = [this](ports::JailedProgram program) { return run_git(std::move(program)); }});
}

std::vector<ports::EventObserver*> EmbeddedEngine::observers() {
  std::vector<ports::EventObserver*> all{&counts_};
  if (task_log_) all.push_back(task_log_.get());
  if (exporter_) all.push_back(exporter_.get());
  return all;
}

void EmbeddedEngine::start_exporter(const std::string& version) {
  const config::Config& config = loaded().config;
  if (cassette_->replays() || (config.otlp_endpoint.empty() && config.otlp_file.empty())) return;
  exporter_ = std::make_unique<telemetry::SpanExporter>(
      loop_, fs_pool_, http_,
      telemetry::ExportOptions{.endpoint = config.otlp_endpoint,
                               .headers = [this] { return backends_->variable(loaded().config.otlp_headers_variable); },
                               .file = config.otlp_file,
                               .version = version,
                               .on_warning = teller()});
}

void EmbeddedEngine::warm_up() {
  if (!cassette_->replays()) http_.warm_up();
}

Result<void> EmbeddedEngine::wire(std::string version) {
  TRY(paths_, config::find_paths(environment_));
  TRY(keeper_program_, keeper::installed_program());
  // Before they are read, so that what changes meanwhile is seen.
  const std::string stamp = settings_stamp(paths_, "");
  TRY(FreshSettings fresh, read_settings());
  settings_ = fresh.settings;
  // The file that the setting `policy` names, if it names one, is read once more.
  stamp_ = stamp;
  for (const std::string& warning : loaded().warnings) teller()(warning);
  TRY(faults_, faults_of(environment_));
  TRY(cassette_, CassetteDeck::create(options_, loop_.unix_now(), [this] {
        return backends_ ? backends_->secrets() : std::vector<std::string>();
      }));
  // A daemon takes clients first, and whoever only looks at what is recorded asks no model.
  if (log_ == nullptr && !options_.records_only && !options_.only_policy) warm_up();

  TRY_OK(open_records());
  know_facts();
  backends_ = std::make_unique<BackendDirectory>(fs_pool_, http_, loaded().config, environment_,
                                                 std::move(fresh.models), *cassette_, paths_.cache_dir, teller());
  if (log_ != nullptr) {
    log_->hide([this] { return backends_->secrets(); });
    task_log_ = std::make_unique<telemetry::TaskLog>(*log_);
  }
  start_exporter(version);
  policy_ = std::move(fresh.policy);
  host_ = known_host_facts(paths_.cache_dir);
  engine_ = std::make_unique<engine::Engine>(engine_parts(std::move(version)));
  return {};
}

runtime::Async<Result<gateways::http::HttpParts::Page>> EmbeddedEngine::metrics() {
  CO_TRY(const protocol::VitalsReply vitals, co_await engine_->vitals());
  co_return gateways::http::HttpParts::Page{
      .content_type = std::string(telemetry::MetricsText::kContentType),
      .text = telemetry::metrics_page(vitals, counts_, sync_times_, engine_->parts().version)};
}

engine::EngineParts EmbeddedEngine::engine_parts(std::string version) {
  return {.loop = loop_,
          .fs_pool = fs_pool_,
          .sessions = *store_,
          .index = *index_,
          .models = *backends_,
          .blobs = store_->blobs(),
          .policy = *policy_,
          .catalog = *catalog_,
          .random = random_,
          .make_driver = [this](const engine::DriverSetup& setup) { return make_driver(setup); },
          .make_history = [this](const std::string& session_id,
                                 const std::string& cwd) { return make_history(session_id, cwd); },
          .system_prompt = [](const std::string& extra) { return agent::build_system_prompt({.addition = extra}); },
          .secrets = [this] { return backends_->secrets(); },
          .config = loaded().config,
          .version = std::move(version),
          .own_folders = own_folders(paths_),
          .confinement =
              [this](protocol::SandboxMode mode, protocol::NetworkMode network) {
                return session_level(loaded().config, host_, mode, network);
              },
          .borrow = [this](const std::vector<std::string>& lent) { return backends_->borrow(lent); },
          .read_vitals = [this] { return telemetry::read_process_vitals(paths_.state_dir); },
          .observers = observers(),
          .replayed = cassette_->replays(),
          .read_call = [this](protocol::ToolCall call,
                              std::string cwd) { return read_call(std::move(call), std::move(cwd)); },
          .refresh = [this] { return refresh(); }};
}

runtime::Async<void> EmbeddedEngine::shut_down() {
  co_await engine_->shut_down();
  if (exporter_) co_await exporter_->stop();
  co_await resolver_.stop();
}

runtime::Async<Result<std::string>> EmbeddedEngine::read_blob(base::Sha256Hex hash) {
  co_return co_await fs_pool_.run([this, &hash] { return store_->blobs().get(hash, kMaxBlobBytes); });
}

namespace {

/// Of what a person waits for that asks whether all is well.
constexpr base::Millis kCheckPatience{5'000};

}  // namespace

runtime::Async<Result<void>> check_metrics(runtime::Loop* loop, std::string address) {
  constexpr std::size_t kMaxBytes = 1U << 20;
  constexpr int kNoToken = 401;
  constexpr int kTooManyWithoutToken = 429;
  const std::string url = "http://" + address + "/metrics";
  net::HttpClient http(*loop);
  CO_TRY(const net::HttpResponse answer,
         co_await http.fetch({.url = url, .headers = {}}, runtime::CancelToken(),
                             runtime::Deadline::after(*loop, kCheckPatience), kMaxBytes));
  const int status = answer.head.status;
  if (status == kNoToken || status == kTooManyWithoutToken) co_return Result<void>();
  co_return base::Error{.code = base::codes::kUnavailable,
                        .message = fmt::format("{} answers {} to who has no token", url, status)};
}

runtime::Async<Result<std::optional<std::string>>> check_collector(runtime::Loop* loop,
                                                                   config::Environment environment) {
  CO_TRY(const config::Paths paths, config::find_paths(environment));
  CO_TRY(const config::Loaded loaded, config::load(paths, environment));
  const std::string endpoint = loaded.config.otlp_endpoint;
  if (endpoint.empty()) co_return std::optional<std::string>();
  net::HttpClient http(*loop);
  const std::string headers = environment.get(loaded.config.otlp_headers_variable);
  telemetry::ExportOptions options{.endpoint = endpoint, .headers = [headers] { return headers; }};
  CO_TRY_OK(
      co_await telemetry::try_collector(&http, std::move(options), runtime::Deadline::after(*loop, kCheckPatience)));
  co_return std::optional(endpoint);
}

Result<void> check_data_root(const config::Environment& environment) {
  TRY(const config::Paths paths, config::find_paths(environment));
  TRY_OK(runtime::make_folders(paths.state_dir));
  TRY_OK(storage::refuse_network_filesystem(paths.state_dir));
  const std::string probe = paths.state_dir + "/doctor-probe";
  TRY_OK(runtime::replace_file(probe, "probe", 0600, runtime::Durability::kProcess));
  if (std::remove(probe.c_str()) != 0) return base::errno_error(errno, probe);
  return {};
}

}  // namespace lathe::apps
