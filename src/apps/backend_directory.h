#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "lathe/apps/cassette_deck.h"
#include "lathe/config/config.h"
#include "lathe/config/model_data.h"
#include "lathe/net/http_client.h"
#include "lathe/ports/model_directory.h"
#include "lathe/runtime/loop.h"
#include "lathe/runtime/pool.h"

namespace lathe::apps {

/// ports::ModelDirectory over the configuration: configured backends, then those of the environment, then a local
/// server that answers. Connections are made once and shared. Loop thread.
class BackendDirectory final : public ports::ModelDirectory {
 public:
  BackendDirectory(runtime::Pool& pool, net::HttpClient& http, const config::Config& config,
                   config::Environment environment, config::ModelData models, CassetteDeck& cassette,
                   std::string cache_dir, std::function<void(const std::string&)> on_warning);

  runtime::Async<base::Result<ports::ResolvedModel>> resolve(std::string backend, std::string model) override;
  runtime::Async<base::Result<ports::ResolvedModel>> resolve_again(std::string backend, std::string model) override;
  runtime::Async<base::Result<ports::ModelName>> full_name(std::string backend, std::string model) override;
  runtime::Async<base::Result<std::vector<protocol::BackendInfo>>> backends() override;
  runtime::Async<base::Result<std::shared_ptr<ports::Model>>> connect(std::string backend) override;
  /// Takes the keys of backends, and the backends that variables make, from what a client lends ("NAME=value"). They
  /// are the person's, so they hold for all sessions, from the next connection to a backend on. Where no backend is
  /// named, those of whoever lent last come first.
  base::Result<void> borrow(const std::vector<std::string>& lent);
  /// Other settings, from the next connection to a backend on.
  void use(const config::Config& config, config::ModelData models);
  [[nodiscard]] ports::ModelFacts facts(const std::string& backend, const std::string& model) const override;
  /// A variable as this process has it, or a client lent it.
  [[nodiscard]] std::string variable(const std::string& name) const { return environment_.get(name); }
  /// Keys of the connections made so far. Any thread.
  [[nodiscard]] std::vector<std::string> secrets() const;

 private:
  using Named = ports::ModelName;
  struct Silence {
    base::MonoTime since;
    bool unreachable = false;
  };
  /// What a model's name says, wherever a person wrote it: "backend/model" names both.
  runtime::Async<base::Result<Named>> read_name(std::string backend, std::string model);
  /// "ollama/…", which may be meant before that server was looked for.
  [[nodiscard]] bool names_unknown_local_server(const std::string& model) const;
  /// What the setting default-model says.
  runtime::Async<base::Result<Named>> default_name();
  /// Of two defaults that name two backends neither is left out in silence. `invalid` names both settings.
  [[nodiscard]] base::Result<void> check_defaults(const Named& named) const;
  [[nodiscard]] ports::ResolvedModel replayed(std::string model);
  runtime::Async<base::Result<config::Backend>> choose(std::string name);
  runtime::Async<base::Result<std::string>> choose_model(config::Backend backend);
  runtime::Async<base::Result<std::string>> key_of(config::Backend backend);
  runtime::Async<base::Result<std::string>> key_from_command(config::Backend backend, runtime::CancelToken cancel);
  runtime::Async<std::int64_t> window_of(config::Backend backend, std::string model,
                                         std::shared_ptr<ports::Model> connection);
  [[nodiscard]] std::optional<base::MonoTime> unreachable_since(const std::string& server) const;
  /// Asks the usual ports of this machine for servers that are not known yet: one may have been started since.
  runtime::Async<void> find_local_servers();
  /// Sessions keep the connections that they have.
  void drop_connections();
  void add_secret(const std::string& key);
  [[nodiscard]] std::shared_ptr<ports::Model> make_model(const config::Backend& backend, std::string key);
  /// The file that remembers that a backend has no Responses API: it holds the URL that this is true of.
  [[nodiscard]] std::string switched_file(const config::Backend& backend) const;
  [[nodiscard]] const config::Backend* find(const std::string& name) const;
  [[nodiscard]] std::vector<std::string> names() const;

  runtime::Loop& loop_;
  runtime::Pool& pool_;
  net::HttpClient& http_;
  config::Config config_;
  config::Environment environment_;
  config::ModelData models_;
  CassetteDeck& cassette_;
  const std::string cache_dir_;
  /// Told of what a person should know before a backend is spoken to.
  const std::function<void(const std::string&)> on_warning_;
  /// Not of the configuration: those that lent variables make, then local servers.
  std::vector<config::Backend> found_;
  std::map<std::string, std::shared_ptr<ports::Model>> connections_;
  /// Counts how often they were dropped.
  int dropped_ = 0;
  /// Context windows that servers told, by backend and model.
  std::map<std::string, std::map<std::string, std::int64_t>> windows_;
  /// Servers that did not tell any, and when: other backends there are not waited for too.
  std::map<std::string, Silence> silent_servers_;
  mutable std::mutex secrets_mutex_;
  /// Under secrets_mutex_.
  std::vector<std::string> secrets_;
};

}  // namespace lathe::apps
