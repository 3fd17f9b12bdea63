#include "lathe/apps/backend_directory.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "lathe/base/strings.h"
#include "lathe/config/backend_types.h"
#include "lathe/config/url.h"
#include "lathe/protocol/error_codes.h"
#include "lathe/providers/anthropic/wire.h"
#include "lathe/providers/common/fallback_model.h"
#include "lathe/providers/common/http_model.h"
#include "lathe/providers/ollama/wire.h"
#include "lathe/providers/openai_chat/wire.h"
#include "lathe/providers/openai_responses/wire.h"
#include "lathe/runtime/files.h"
#include "lathe/runtime/subprocess.h"

namespace lathe::apps {

using base::Error;
using base::Result;
using config::Backend;
using runtime::Async;

namespace {

constexpr std::chrono::milliseconds kProbeTimeout{300};
constexpr std::chrono::seconds kKeyCommandTimeout{30};
/// A shorter key ("x", for a local server) is no secret and stands in any text.
constexpr std::size_t kShortestSecret = 8;
/// Longer than a connection may take (Endpoint::connect_timeout), so that a server that is not there is known as such.
constexpr std::chrono::milliseconds kWindowLimit{2'500};
/// Until then a server that told nothing is not asked again, whichever of its models are looked up.
constexpr std::chrono::seconds kSilenceKept{10};
constexpr std::size_t kMaxUrlBytes = 8192;
constexpr std::string_view kModelFacts = "model";

/// Splits "backend/model" when the first part names a backend; model names may hold slashes of their own.
void split_name(const std::vector<std::string>& backends, std::string& backend, std::string& model) {
  const std::size_t slash = model.find('/');
  if (!backend.empty() || slash == std::string::npos) return;
  const std::string first = model.substr(0, slash);
  if (std::ranges::find(backends, first) == backends.end()) return;
  backend = first;
  model = model.substr(slash + 1);
}

/// Its URL was checked when it was loaded.
std::string server_of(const Backend& backend) {
  const auto url = config::parse_url(backend.url);
  return url.ok() ? url->server() : "";
}

providers::ollama::Settings ollama_settings(const Backend& backend) {
  providers::ollama::Settings settings;
  if (backend.context_tokens > 0) settings.set_context_tokens(backend.context_tokens);
  if (!backend.keep_loaded.empty()) settings.set_keep_loaded(backend.keep_loaded);
  return settings;
}

/// What a replay needs to know of the model to ask as the recording did. By its prices a limit in USD ends the Task
/// where it did, although nothing is paid then.
base::Json facts_to_record(const std::string& model, const ports::ModelFacts& facts) {
  base::Json out = {{"model", model},
                    {"context_window", facts.context_window},
                    {"max_output_tokens", facts.max_output_tokens},
                    {"images", facts.images}};
  if (facts.prices) {
    out["prices"] = {{"input", facts.prices->input},
                     {"cached_input", facts.prices->cached_input},
                     {"cache_write", facts.prices->cache_write},
                     {"output", facts.prices->output}};
  }
  return out;
}

std::optional<ports::Prices> recorded_prices(const base::Json& json) {
  if (!json.is_object()) return std::nullopt;
  return ports::Prices{.input = base::json_int(json, "input"),
                       .cached_input = base::json_int(json, "cached_input"),
                       .cache_write = base::json_int(json, "cache_write"),
                       .output = base::json_int(json, "output")};
}

ports::ModelFacts recorded_facts(const base::Json& json) {
  return {.context_window = base::json_int(json, "context_window"),
          .max_output_tokens = base::json_int(json, "max_output_tokens"),
          .prices = recorded_prices(base::json_at(json, "prices")),
          .images = base::json_at(json, "images") != false};
}

struct Probe {
  Backend backend;
  bool answered = false;
};

Async<Probe> probe(net::HttpClient* http, runtime::Loop* loop, config::LocalServer server) {
  net::HttpRequest request;
  request.url = server.backend.url + std::string(server.probe_path);
  request.connect_timeout = kProbeTimeout;
  const auto response = co_await http->fetch(std::move(request), runtime::CancelToken(),
                                             runtime::Deadline::after(*loop, kProbeTimeout), 1U << 20);
  co_return Probe{.backend = std::move(server.backend), .answered = response.ok() && response->head.status == 200};
}

}  // namespace

BackendDirectory::BackendDirectory(runtime::Pool& pool, net::HttpClient& http, const config::Config& config,
                                   config::Environment environment, config::ModelData models, CassetteDeck& cassette,
                                   std::string cache_dir, std::function<void(const std::string&)> on_warning)
    : loop_(pool.loop()),
      pool_(pool),
      http_(http),
      config_(config),
      environment_(std::move(environment)),
      models_(std::move(models)),
      cassette_(cassette),
      cache_dir_(std::move(cache_dir)),
      on_warning_(std::move(on_warning)) {}

const Backend* BackendDirectory::find(const std::string& name) const {
  for (const std::vector<Backend>* list : {&config_.backends, &found_}) {
    const auto found = std::ranges::find(*list, name, &Backend::name);
    if (found != list->end()) return &*found;
  }
  return nullptr;
}

std::vector<std::string> BackendDirectory::names() const {
  std::vector<std::string> out;
  for (const Backend& backend : config_.backends) out.push_back(backend.name);
  for (const Backend& backend : found_) out.push_back(backend.name);
  return out;
}

Result<void> BackendDirectory::borrow(const std::vector<std::string>& lent) {
  const config::Environment theirs = config::Environment::of(lent);
  TRY(std::vector<Backend> made, config::environment_backends(theirs));
  bool changed = false;
  for (const std::string& name : config::backend_variables(config_)) {
    // What makes a backend is taken as a whole: no key goes to a URL that another client lent.
    const bool makes_one = std::ranges::find(made, name, &Backend::api_key_env) != made.end();
    const std::string value = theirs.get(name);
    if ((value.empty() && !makes_one) || environment_.get(name) == value) continue;
    environment_.variables[name] = value;
    changed = true;
  }
  std::erase_if(made, [this](const Backend& one) {
    return std::ranges::find(config_.backends, one.name, &Backend::name) != config_.backends.end();
  });
  for (const Backend& one : made) {
    const Backend* known = find(one.name);
    changed = changed || known == nullptr || known->url != one.url;
    std::erase_if(found_, [&one](const Backend& other) { return other.name == one.name; });
  }
  // Theirs come first, in their order, as they would in a process of their own.
  found_.insert(found_.begin(), std::make_move_iterator(made.begin()), std::make_move_iterator(made.end()));
  if (changed) drop_connections();
  return {};
}

void BackendDirectory::use(const config::Config& config, config::ModelData models) {
  config_ = config;
  models_ = std::move(models);
  std::erase_if(found_, [this](const Backend& one) {
    return std::ranges::find(config_.backends, one.name, &Backend::name) != config_.backends.end();
  });
  windows_.clear();
  silent_servers_.clear();
  drop_connections();
}

void BackendDirectory::drop_connections() {
  connections_.clear();
  ++dropped_;
}

Async<void> BackendDirectory::find_local_servers() {
  std::vector<Async<Probe>> probes;
  for (config::LocalServer& server : config::local_servers()) {
    if (find(server.backend.name) == nullptr) probes.push_back(probe(&http_, &loop_, std::move(server)));
  }
  for (Probe& probed : co_await runtime::when_all(std::move(probes))) {
    // Another search may have found it meanwhile.
    if (!probed.answered || find(probed.backend.name) != nullptr) continue;
    probed.backend.origin = "found";
    found_.push_back(std::move(probed.backend));
  }
}

Async<Result<Backend>> BackendDirectory::choose(std::string name) {
  if (name.empty()) name = config_.default_backend;
  if (name.empty() && !names().empty()) name = names().front();
  const Backend* known = name.empty() ? nullptr : find(name);
  if (known == nullptr) {
    co_await find_local_servers();
    known = name.empty() ? (found_.empty() ? nullptr : &found_.front()) : find(name);
  }
  if (known != nullptr) co_return *known;
  if (name.empty()) {
    co_return Error{.code = protocol::error_codes::kNoBackend,
                    .message = "no model backend is configured, and no local one was found",
                    .hint = "run `lathe setup`, or set OPENAI_API_KEY or ANTHROPIC_API_KEY, or start Ollama"};
  }
  if (name == providers::cassette::kProvider) {
    co_return Error{.code = base::codes::kNotFound,
                    .message = "the answers of this session came from a recording, which is not played now",
                    .hint = "name who answers: --model BACKEND/MODEL, or --replay FILE"};
  }
  co_return config::no_such_backend(name, names());
}

bool BackendDirectory::names_unknown_local_server(const std::string& model) const {
  return std::ranges::any_of(config::local_servers(), [&](const config::LocalServer& server) {
    return model.starts_with(server.backend.name + "/") && find(server.backend.name) == nullptr;
  });
}

Async<Result<BackendDirectory::Named>> BackendDirectory::read_name(std::string backend, std::string model) {
  if (backend.empty() && names_unknown_local_server(model)) co_await find_local_servers();
  if (!backend.empty() && model.starts_with(backend + "/")) model.erase(0, backend.size() + 1);
  split_name(names(), backend, model);
  if (backend.empty()) CO_TRY_OK(config::refuse_mistyped_backend(names(), model));
  co_return Named{.backend = std::move(backend), .model = std::move(model)};
}

Async<Result<BackendDirectory::Named>> BackendDirectory::default_name() {
  auto named = co_await read_name("", config_.default_model);
  if (!named.ok()) co_return named.error().within("default-model");
  co_return named;
}

Result<void> BackendDirectory::check_defaults(const Named& named) const {
  const std::string& backend = config_.default_backend;
  if (backend.empty() || named.backend.empty() || named.backend == backend) return {};
  return Error{.code = base::codes::kInvalid,
               .message = fmt::format("default-backend is {}, and default-model is {}, a model of backend {}", backend,
                                      config_.default_model, named.backend),
               .hint = fmt::format("lathe config set default-backend {}, or name a model of {} as default-model",
                                   named.backend, backend)};
}

Async<Result<std::string>> BackendDirectory::choose_model(Backend backend) {
  const bool is_default = config_.default_backend.empty() || config_.default_backend == backend.name;
  if (is_default && !config_.default_model.empty()) {
    CO_TRY(const Named named, co_await default_name());
    if (named.backend.empty() || named.backend == backend.name) co_return named.model;
  }
  if (std::string model = models_.default_model(backend); !model.empty()) co_return model;
  // Whatever the server has first: a local server usually has the one model that was loaded into it.
  CO_TRY(const std::shared_ptr<ports::Model> connection, co_await connect(backend.name));
  const auto listed = co_await connection->list_models(runtime::CancelToken());
  if (!listed) co_return listed.error().error;
  if (listed->empty()) {
    co_return Error{.code = protocol::error_codes::kModelNotFound,
                    .message = fmt::format("backend {} has no model", backend.name),
                    .hint = backend.type == "ollama" ? "ollama pull <model>" : "name one with --model"};
  }
  co_return listed->front().model;
}

ports::ResolvedModel BackendDirectory::replayed(std::string model) {
  if (model.empty()) model = cassette_.replayed_model_name();
  const ports::ModelFacts known = recorded_facts(cassette_.tape()->find_value(kModelFacts, "model", model));
  return {.backend = std::string(providers::cassette::kProvider),
          .model = std::move(model),
          .connection = cassette_.replayed_model(),
          .facts = known};
}

Async<Result<ports::ResolvedModel>> BackendDirectory::resolve(std::string backend, std::string model) {
  if (cassette_.replays()) co_return replayed(std::move(model));
  CO_TRY(Named named, co_await full_name(std::move(backend), std::move(model)));
  co_return co_await resolve_again(std::move(named.backend), std::move(named.model));
}

Async<Result<ports::ModelName>> BackendDirectory::full_name(std::string backend, std::string model) {
  CO_TRY(Named named, co_await read_name(std::move(backend), std::move(model)));
  if (named == Named()) {
    CO_TRY(named, co_await default_name());
    CO_TRY_OK(check_defaults(named));
  }
  CO_TRY(const Backend chosen, co_await choose(named.backend));
  if (named.backend.empty()) CO_TRY_OK(config::refuse_foreign_model(chosen, names(), named.model));
  if (named.model.empty()) {
    CO_TRY(named.model, co_await choose_model(chosen));
  }
  co_return Named{.backend = chosen.name, .model = std::move(named.model)};
}

Async<Result<ports::ResolvedModel>> BackendDirectory::resolve_again(std::string backend, std::string model) {
  if (cassette_.replays()) co_return replayed(std::move(model));
  CO_TRY(const Backend chosen, co_await choose(std::move(backend)));
  CO_TRY(std::shared_ptr<ports::Model> connection, co_await connect(chosen.name));
  ports::ModelFacts known = facts(chosen.name, model);
  if (known.context_window == 0 && config::runs_models_itself(chosen.type)) {
    known.context_window = co_await window_of(chosen, model, connection);
  }
  if (providers::cassette::TapeWriter* writer = cassette_.writer()) {
    CO_TRY_OK(writer->append_value(kModelFacts, facts_to_record(model, known)));
  }
  co_return ports::ResolvedModel{.backend = chosen.name,
                                 .model = model,
                                 .connection = std::move(connection),
                                 .facts = known,
                                 .server = server_of(chosen),
                                 .unreachable_since = unreachable_since(server_of(chosen)),
                                 .warning = config::cleartext_warning(chosen, environment_)};
}

/// The window depends on how the server was started, so that only it can tell; asked until it does.
Async<std::int64_t> BackendDirectory::window_of(Backend backend, std::string model,
                                                std::shared_ptr<ports::Model> connection) {
  const std::string server = server_of(backend);
  const auto silent = silent_servers_.find(server);
  const bool asked_lately = silent != silent_servers_.end() && loop_.mono_now() - silent->second.since < kSilenceKept;
  if (!windows_.contains(backend.name) && !asked_lately) {
    const auto listed = co_await ports::list_models_within(&loop_, connection.get(), kWindowLimit);
    if (listed) {
      silent_servers_.erase(server);
      std::map<std::string, std::int64_t>& windows = windows_[backend.name];
      for (const ports::ModelListing& listing : *listed) windows[listing.model] = listing.context_window;
    } else {
      const bool unreachable = listed.error().retry == ports::RetryClass::kConnect;
      silent_servers_[server] = {.since = loop_.mono_now(), .unreachable = unreachable};
    }
  }
  const auto windows = windows_.find(backend.name);
  if (windows == windows_.end()) co_return 0;
  const auto found = windows->second.find(model);
  co_return found == windows->second.end() ? 0 : found->second;
}

std::optional<base::MonoTime> BackendDirectory::unreachable_since(const std::string& server) const {
  const auto silent = silent_servers_.find(server);
  if (silent == silent_servers_.end() || !silent->second.unreachable) return std::nullopt;
  return silent->second.since;
}

Async<Result<std::vector<protocol::BackendInfo>>> BackendDirectory::backends() {
  co_await find_local_servers();
  const auto chosen = co_await choose("");
  std::vector<protocol::BackendInfo> out;
  for (const std::string& name : names()) {
    const Backend& backend = *find(name);
    const config::BackendType* type = config::find_backend_type(backend.type);
    std::string key_source = backend.api_key_env;
    if (!backend.api_key_command.empty()) key_source = "command";
    out.push_back({.name = backend.name,
                   .type = backend.type,
                   .provider = type == nullptr ? "" : std::string(type->wire),
                   .url = backend.url,
                   .key_source = std::move(key_source),
                   .origin = backend.origin,
                   .is_default = chosen.ok() && chosen->name == backend.name});
  }
  co_return out;
}

Async<Result<std::shared_ptr<ports::Model>>> BackendDirectory::connect(std::string name) {
  if (cassette_.replays()) co_return cassette_.replayed_model();
  const auto known = connections_.find(name);
  if (known != connections_.end()) co_return known->second;
  const int dropped = dropped_;
  CO_TRY(const Backend backend, co_await choose(name));
  const std::string warning = config::cleartext_warning(backend, environment_);
  if (!warning.empty()) on_warning_(warning);
  CO_TRY(std::string key, co_await key_of(backend));
  std::shared_ptr<ports::Model> connection = cassette_.wrap(make_model(backend, std::move(key)));
  // One that was made for other settings is for whoever asked.
  if (dropped == dropped_) connections_.emplace(backend.name, connection);
  co_return connection;
}

void BackendDirectory::add_secret(const std::string& key) {
  if (key.size() < kShortestSecret) return;
  const std::scoped_lock lock(secrets_mutex_);
  if (std::ranges::find(secrets_, key) == secrets_.end()) secrets_.push_back(key);
}

std::vector<std::string> BackendDirectory::secrets() const {
  const std::scoped_lock lock(secrets_mutex_);
  return secrets_;
}

Async<Result<std::string>> BackendDirectory::key_of(Backend backend) {
  if (!backend.api_key_command.empty()) {
    co_return co_await key_from_command(std::move(backend), runtime::CancelToken());
  }
  std::string key = backend.api_key_env.empty() ? "" : environment_.get(backend.api_key_env);
  const config::BackendType* type = config::find_backend_type(backend.type);
  const bool needed = type != nullptr && type->key == config::KeyNeed::kRequired;
  if (key.empty() && needed) {
    co_return Error{
        .code = protocol::error_codes::kNoKey,
        .message = fmt::format("backend {}: no API key", backend.name),
        .hint = backend.api_key_env.empty()
                    ? fmt::format("lathe backend add {} --type {} --api-key-env VAR", backend.name, backend.type)
                    : fmt::format("set {}", backend.api_key_env)};
  }
  add_secret(key);
  co_return key;
}

Async<Result<std::string>> BackendDirectory::key_from_command(Backend backend, runtime::CancelToken cancel) {
  const std::string& command = backend.api_key_command;
  const std::string what = fmt::format("backend {}: api-key-command", backend.name);
  runtime::CommandOptions options;
  options.spawn.argv = {"sh", "-c", command};
  options.deadline = runtime::Deadline::after(loop_, kKeyCommandTimeout);
  options.max_output_bytes = 64U << 10;
  const auto ran = co_await runtime::run_command(loop_, std::move(options), std::move(cancel));
  if (!ran.ok() && ran.error().code == base::codes::kTimeout) {
    co_return Error{
        .code = protocol::error_codes::kNoKey,
        .message = fmt::format("{}: no key after {} s", what, kKeyCommandTimeout.count()),
        .hint = fmt::format("run it by hand to see what it waits for, it has no terminal here: {}", command)};
  }
  if (!ran.ok()) co_return ran.error().within(what);
  const std::string key(base::trim(ran->out.substr(0, ran->out.find('\n'))));
  if (ran->status.code != 0 || key.empty()) {
    const std::string said(base::trim(ran->err));
    co_return Error{.code = protocol::error_codes::kNoKey,
                    .message = fmt::format("{} ended with {} and {} key{}", what, ran->status.code,
                                           key.empty() ? "no" : "a", said.empty() ? "" : ": " + said.substr(0, 500)),
                    .hint = fmt::format("run it by hand: {}", command)};
  }
  add_secret(key);
  co_return key;
}

std::shared_ptr<ports::Model> BackendDirectory::make_model(const Backend& backend, std::string key) {
  using providers::common::HttpModel;
  providers::common::Endpoint endpoint;
  endpoint.backend = backend.name;
  endpoint.base_url = backend.url;
  endpoint.api_key = std::move(key);
  endpoint.key_source = backend.api_key_env;
  endpoint.connect_timeout = config_.connect_timeout;
  endpoint.answer_timeout = backend.answer_timeout.count() > 0 ? backend.answer_timeout : config_.answer_timeout;
  if (!backend.api_key_command.empty()) {
    endpoint.key_source = "its api-key-command";
    endpoint.renew_key = [this, backend](runtime::CancelToken cancel) {
      return key_from_command(backend, std::move(cancel));
    };
  }
  for (const auto& [name, value] : backend.headers) endpoint.headers.push_back({name, value});

  const config::BackendType* type = config::find_backend_type(backend.type);
  CHECK_REQUEST(type != nullptr);
  const auto over = [&](providers::common::Wire wire) {
    return std::make_unique<HttpModel>(pool_, http_, endpoint, std::move(wire));
  };
  if (type->wire == "anthropic") return over(providers::anthropic::wire({}));
  if (type->wire == "ollama") return over(providers::ollama::wire(ollama_settings(backend)));
  auto chat = over(providers::openai_chat::wire(providers::openai_chat::quirks_for(backend.type)));
  if (type->wire != "openai_responses") return chat;

  auto responses = over(providers::openai_responses::wire(providers::openai_responses::quirks_for(backend.type)));
  const std::string file = switched_file(backend);
  const bool switched = runtime::read_file(file, kMaxUrlBytes).value_or("") == backend.url;
  // A cache that cannot be written costs one request per process, nothing else.
  const auto remember = [dir = cache_dir_ + "/chat-only", file, url = backend.url] {
    if (runtime::make_folders(dir).ok()) (void)runtime::replace_file(file, url, 0600, runtime::Durability::kProcess);
  };
  return std::make_shared<providers::common::FallbackModel>(
      std::move(responses), std::move(chat), providers::common::lacks_endpoint,
      providers::common::FallbackMemory{.switched = switched, .on_switch = remember});
}

std::string BackendDirectory::switched_file(const Backend& backend) const {
  return cache_dir_ + "/chat-only/" + backend.name;
}

ports::ModelFacts BackendDirectory::facts(const std::string& backend, const std::string& model) const {
  const Backend* configured = find(backend);
  if (configured == nullptr) return {};
  const config::KnownModel known = models_.find(*configured, model);
  ports::ModelFacts facts{.context_window = known.context_window,
                          .max_output_tokens = known.max_output_tokens,
                          .prices = std::nullopt,
                          .images = known.images};
  if (known.prices) {
    facts.prices = ports::Prices{.input = known.prices->input,
                                 .cached_input = known.prices->cached_input,
                                 .cache_write = known.prices->cache_write,
                                 .output = known.prices->output};
  }
  return facts;
}

}  // namespace lathe::apps
