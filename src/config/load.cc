#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

#include "lathe/base/strings.h"
#include "lathe/config/backend_types.h"
#include "lathe/config/config.h"
#include "lathe/config/settings.h"
#include "lathe/config/url.h"
#include "lathe/formats/decode.h"
#include "lathe/formats/read.h"
#include "lathe/runtime/files.h"

// The layers in order: defaults (the members of Config), the person's file, LATHE_ variables. Backends of the
// environment come after the configured ones, so that a configured one of the same name wins.

namespace lathe::config {
namespace {

using formats::MapReader;
using formats::Node;
using formats::Problems;

/// A backend that <prefix>_API_KEY and <prefix>_BASE_URL make.
struct VariableBackend {
  const char* name;
  const char* type;
  const char* prefix;
};
constexpr std::array kVariableBackends{VariableBackend{"openai", "openai", "OPENAI"},
                                       VariableBackend{"anthropic", "anthropic", "ANTHROPIC"},
                                       VariableBackend{"llmx", "litellm", "LLMX"}};
constexpr const char* kKeySuffix = "_API_KEY";
constexpr const char* kUrlSuffix = "_BASE_URL";

class Loader final {
 public:
  explicit Loader(const Environment& environment) : environment_(environment) {}

  base::Result<Loaded> load(const std::string& file);
  base::Result<std::vector<Backend>> load_environment_backends();

 private:
  base::Result<void> read_file(const std::string& text, const std::string& file);
  void read_settings(const Node& root, MapReader& top, const std::string& file, Problems& problems);
  void read_backends(const Node& node, Problems& problems);
  void read_backend(const formats::Member& member, Problems& problems);
  base::Result<void> read_variables();
  base::Result<void> add_backends_of_environment();
  base::Result<void> add_from_environment(const char* name, const std::string& type, const std::string& prefix);
  base::Result<void> check() const;
  void fill_settings();

  const Environment& environment_;
  Loaded loaded_;
  std::map<std::string_view, std::string> sources_;
};

/// The part of the tree that holds `key`: the root, or the map before its dot.
std::pair<std::string, std::string> split_key(std::string_view key) {
  const std::size_t dot = key.find('.');
  if (dot == std::string_view::npos) return {"", std::string(key)};
  return {std::string(key.substr(0, dot)), std::string(key.substr(dot + 1))};
}

void Loader::read_settings(const Node& root, MapReader& top, const std::string& file, Problems& problems) {
  static const Node kNothing;
  std::map<std::string, MapReader> sections;
  for (const SettingSpec& spec : setting_specs()) {
    const auto [section, key] = split_key(spec.key);
    MapReader* map = &top;
    if (!section.empty()) {
      auto found = sections.find(section);
      if (found == sections.end()) {
        const Node* node = root.map() == nullptr ? nullptr : top.take(section);
        found = sections.try_emplace(section, node == nullptr ? kNothing : *node, problems).first;
      }
      map = &found->second;
    }
    const Node* value = map->take(key);
    if (value == nullptr || value->is_null()) continue;
    if (read_setting(spec, *value, loaded_.config, problems)) {
      sources_[spec.key] = fmt::format("{}:{}", file, value->at.line);
    }
  }
  for (auto& [name, section] : sections) section.finish(MapReader::Unknown::kWarning);
}

void Loader::read_backend(const formats::Member& member, Problems& problems) {
  Backend backend{.name = member.key};
  MapReader map(member.value, problems);
  const std::size_t errors_before = problems.errors().size();
  map.required("type", backend.type);
  map.optional("url", backend.url);
  map.optional("api-key-env", backend.api_key_env);
  map.optional("api-key-command", backend.api_key_command);
  map.optional("headers", backend.headers);
  map.optional("default-model", backend.default_model);
  map.optional("context-tokens", backend.context_tokens);
  map.optional("keep-loaded", backend.keep_loaded);
  map.optional("answer-timeout", backend.answer_timeout);
  map.finish(MapReader::Unknown::kWarning);
  if (problems.errors().size() != errors_before) return;
  auto completed = complete(std::move(backend));
  if (!completed.ok()) {
    problems.error(member.key_at, completed.error().message, completed.error().hint);
    return;
  }
  loaded_.config.backends.push_back(*std::move(completed));
}

void Loader::read_backends(const Node& node, Problems& problems) {
  if (node.is_null()) return;
  if (node.map() == nullptr) {
    formats::wrong_kind(node, "a map from names to backends", problems);
    return;
  }
  for (const formats::Member& member : *node.map()) read_backend(member, problems);
}

base::Result<void> Loader::read_variables() {
  for (const SettingSpec& spec : setting_specs()) {
    const std::string variable = variable_of(spec);
    const std::string text = environment_.get(variable);
    if (text.empty()) continue;
    Problems problems("");
    if (!read_setting(spec, typed_value(spec, text), loaded_.config, problems)) {
      return wrong_value(spec, variable, text, problems.errors().front());
    }
    sources_[spec.key] = variable;
  }
  return {};
}

/// OPENAI_API_KEY and OPENAI_BASE_URL make a backend; the URL alone does when it is on this machine.
base::Result<void> Loader::add_from_environment(const char* name, const std::string& type, const std::string& prefix) {
  const std::string key_variable = prefix + kKeySuffix;
  const std::string url_variable = prefix + kUrlSuffix;
  const bool has_key = !environment_.get(key_variable).empty();
  const std::string url = environment_.get(url_variable);
  if (!has_key && url.empty()) return {};
  auto& backends = loaded_.config.backends;
  if (std::ranges::find(backends, name, &Backend::name) != backends.end()) return {};
  Backend backend{.name = name, .type = type, .url = url, .api_key_env = key_variable, .origin = "environment"};
  auto completed = complete(std::move(backend));
  if (!completed.ok()) return std::move(completed).error().within(url_variable);
  if (!has_key && !parse_url(completed->url)->is_local()) {
    loaded_.warnings.push_back(
        fmt::format("{} is set but {} is not, so there is no backend {} (only a server on this "
                    "machine goes without a key)",
                    url_variable, key_variable, name));
    return {};
  }
  backends.push_back(*std::move(completed));
  return {};
}

base::Result<void> Loader::add_backends_of_environment() {
  for (const VariableBackend& one : kVariableBackends) {
    TRY_OK(add_from_environment(one.name, one.type, one.prefix));
  }
  return {};
}

base::Result<std::vector<Backend>> Loader::load_environment_backends() {
  TRY_OK(add_backends_of_environment());
  return std::move(loaded_.config.backends);
}

base::Result<void> Loader::check() const {
  const ShellLimits& shell = loaded_.config.shell;
  if (shell.default_timeout > shell.max_timeout) {
    const auto from = [&](std::string_view key) {
      const auto found = sources_.find(key);
      return found == sources_.end() ? std::string("default") : found->second;
    };
    return base::Error{.code = base::codes::kInvalid,
                       .message = fmt::format("shell.default-timeout ({}) is longer than shell.max-timeout ({})",
                                              from("shell.default-timeout"), from("shell.max-timeout")),
                       .hint = "raise the one or lower the other"};
  }
  return {};
}

void Loader::fill_settings() {
  for (const SettingSpec& spec : setting_specs()) {
    const auto source = sources_.find(spec.key);
    loaded_.settings.push_back({.key = std::string(spec.key),
                                .value = shown_value(spec, loaded_.config),
                                .source = source == sources_.end() ? "default" : source->second,
                                .when_empty = std::string(spec.unset)});
  }
}

base::Result<void> Loader::read_file(const std::string& text, const std::string& file) {
  TRY(const formats::Document document, formats::read_yaml(text, file));
  Problems problems(file);
  MapReader top(document.root, problems);
  read_settings(document.root, top, file, problems);
  if (const Node* backends = top.take("backends")) read_backends(*backends, problems);
  top.finish(MapReader::Unknown::kWarning);
  TRY_OK(problems.result());
  for (const base::Error& warning : problems.warnings()) loaded_.warnings.push_back(warning.text());
  return {};
}

base::Result<Loaded> Loader::load(const std::string& file) {
  auto text = runtime::read_file(file, 1U << 20);
  if (!text.ok() && text.error().code != base::codes::kNotFound) return std::move(text).error();
  if (text.ok()) TRY_OK(read_file(*text, file).or_hint("mend it: " + base::edit_command(file)));
  TRY_OK(read_variables());
  TRY_OK(check());
  TRY_OK(add_backends_of_environment());
  fill_settings();
  return std::move(loaded_);
}

}  // namespace

base::Result<Loaded> load(const Paths& paths, const Environment& environment) {
  return Loader(environment).load(paths.config_file);
}

std::string cleartext_warning(const Backend& backend, const Environment& environment) {
  const auto url = parse_url(backend.url);
  const bool has_key = !backend.api_key_command.empty() || !environment.get(backend.api_key_env).empty();
  if (!url.ok() || url->scheme != "http" || url->is_local() || !has_key) return "";
  return fmt::format("backend {}: the key goes to {} without encryption (use https, or a URL on this machine)",
                     backend.name, url->host);
}

base::Result<std::vector<Backend>> environment_backends(const Environment& environment) {
  return Loader(environment).load_environment_backends();
}

std::vector<std::string> backend_variables(const Config& config) {
  std::vector<std::string> names;
  for (const VariableBackend& one : kVariableBackends) {
    names.push_back(std::string(one.prefix) + kKeySuffix);
    names.push_back(std::string(one.prefix) + kUrlSuffix);
  }
  for (const Backend& backend : config.backends) {
    if (!backend.api_key_env.empty()) names.push_back(backend.api_key_env);
  }
  if (!config.otlp_headers_variable.empty()) names.push_back(config.otlp_headers_variable);
  return names;
}

base::Result<Setting> get(const Loaded& loaded, const std::string& key) {
  TRY(const SettingSpec* spec, find_setting(key));
  return *std::ranges::find(loaded.settings, spec->key, &Setting::key);
}

}  // namespace lathe::config
