#include <fmt/format.h>

#include <algorithm>

#include "lathe/base/strings.h"
#include "lathe/base/utf8.h"
#include "lathe/config/backend_types.h"
#include "lathe/config/config.h"
#include "lathe/config/settings.h"
#include "lathe/formats/edit.h"
#include "lathe/formats/read.h"
#include "lathe/runtime/files.h"

// Changes to the person's file. What is checked first is what load() would refuse later; a file that is broken already
// is left alone. The file is replaced in one step.

namespace lathe::config {
namespace {

using formats::Node;

/// The file's text, or "" when there is none yet.
base::Result<std::string> read_text(const Paths& paths) {
  auto text = runtime::read_file(paths.config_file, 1U << 20);
  if (!text.ok() && text.error().code == base::codes::kNotFound) return std::string();
  return text;
}

base::Result<void> write(const Paths& paths, const std::string& text) {
  // A link stays a link: the file that it points to is replaced.
  std::string file = paths.config_file;
  if (auto real = runtime::real_path(file); real.ok()) file = *std::move(real);
  TRY_OK(runtime::make_folders(file.substr(0, file.rfind('/'))));
  return runtime::replace_file(file, text, 0600, runtime::Durability::kPower);
}

std::vector<std::string> configured_names(const Config& config) {
  std::vector<std::string> names;
  for (const Backend& backend : config.backends) names.push_back(backend.name);
  return names;
}

/// Names that `default-backend` may have: configured, made by variables, or found on this machine.
base::Result<void> check_backend_name(const Config& config, const std::string& name) {
  std::vector<std::string> names = configured_names(config);
  for (const char* made : {"openai", "anthropic", "llmx"}) names.emplace_back(made);
  for (const LocalServer& server : local_servers()) names.push_back(server.backend.name);
  if (std::ranges::find(names, name) != names.end()) return {};
  std::string hint = base::did_you_mean(name, names);
  if (hint.empty()) hint = fmt::format("add it first: lathe backend add {} --type …", base::shell_quote(name));
  return base::Error{.code = base::codes::kInvalid,
                     .message = fmt::format("there is no backend \"{}\"", name),
                     .hint = std::move(hint)};
}

/// Names of models in settings mean what they mean on the command line.
base::Result<void> check_model_names(const Config& config, std::string_view key) {
  const std::vector<std::string> names = configured_names(config);
  if (key == "default-model") TRY_OK(refuse_mistyped_backend(names, config.default_model).within(key));
  if (key != "fallback-models") return {};
  for (const std::string& model : config.fallback_models) TRY_OK(refuse_mistyped_backend(names, model).within(key));
  return {};
}

Node text_node(const std::string& text) { return {.value = text}; }

/// What the file says of a backend: only what differs from its type's defaults.
Node node_of(const Backend& backend) {
  Node::Map map;
  const auto add = [&](const char* key, const std::string& value) {
    if (!value.empty()) map.push_back({.key = key, .key_at = {}, .value = text_node(value)});
  };
  add("type", backend.type);
  add("url", backend.url);
  add("api-key-env", backend.api_key_env);
  add("api-key-command", backend.api_key_command);
  add("default-model", backend.default_model);
  if (backend.context_tokens > 0) add("context-tokens", std::to_string(backend.context_tokens));
  add("keep-loaded", backend.keep_loaded);
  if (backend.answer_timeout.count() > 0) add("answer-timeout", fmt::format("{}ms", backend.answer_timeout.count()));
  if (!backend.headers.empty()) {
    Node::Map headers;
    for (const auto& [name, value] : backend.headers) {
      headers.push_back({.key = name, .key_at = {}, .value = text_node(value)});
    }
    map.push_back({.key = "headers", .key_at = {}, .value = {.value = std::move(headers)}});
  }
  return {.value = std::move(map)};
}

}  // namespace

base::Result<void> set(const Paths& paths, const std::string& key, const std::string& value) {
  TRY(const SettingSpec* spec, find_setting(key));
  if (!base::is_utf8(value)) {
    return base::Error{.code = base::codes::kInvalid,
                       .message = fmt::format("{}: the value is not UTF-8 text", spec->key),
                       .hint = "type it in a terminal that is set to UTF-8"};
  }
  const Node node = typed_value(*spec, value);
  TRY(const Loaded loaded, load(paths, Environment{}));
  Config changed = loaded.config;
  formats::Problems problems("");
  if (!read_setting(*spec, node, changed, problems)) {
    return wrong_value(*spec, spec->key, value, problems.errors().front());
  }
  if (changed.shell.default_timeout > changed.shell.max_timeout) {
    return base::Error{.code = base::codes::kInvalid,
                       .message = "shell.default-timeout would be longer than shell.max-timeout"};
  }
  if (spec->key == "default-backend" && !value.empty()) TRY_OK(check_backend_name(changed, value));
  TRY_OK(check_model_names(changed, spec->key));
  TRY(const std::string text, read_text(paths));
  formats::KeyPath path;
  for (const std::string_view part : base::split(spec->key, '.')) path.emplace_back(part);
  TRY(const std::string edited, formats::set_in_yaml(text, paths.config_file, path, node));
  return write(paths, edited);
}

base::Result<std::string> make_default_backend(const Paths& paths, const std::string& name) {
  TRY(const Loaded loaded, load(paths, Environment{}));
  const std::string& model = loaded.config.default_model;
  const bool others = std::ranges::any_of(loaded.config.backends, [&](const Backend& one) { return one.name != name; });
  const bool was_default = loaded.config.default_backend == name;
  const bool is_of_another = !model.empty() && !model.starts_with(name + "/") && others && !was_default;
  TRY(std::string text, read_text(paths));
  TRY(text, formats::set_in_yaml(text, paths.config_file, {"default-backend"}, text_node(name)));
  if (is_of_another) {
    TRY(text, formats::remove_from_yaml(text, paths.config_file, {"default-model"}));
  }
  TRY_OK(write(paths, text));
  return is_of_another ? model : std::string();
}

base::Result<void> add_backend(const Paths& paths, const Backend& backend) {
  TRY_OK(complete(backend));
  TRY(const Loaded loaded, load(paths, Environment{}));
  const auto& backends = loaded.config.backends;
  if (std::ranges::find(backends, backend.name, &Backend::name) != backends.end()) {
    return base::Error{.code = base::codes::kExists,
                       .message = fmt::format("there is a backend \"{}\" already", backend.name),
                       .hint = fmt::format("lathe backend remove {}", backend.name)};
  }
  TRY(const std::string text, read_text(paths));
  TRY(const std::string edited,
      formats::set_in_yaml(text, paths.config_file, {"backends", backend.name}, node_of(backend)));
  return write(paths, edited);
}

base::Result<void> remove_backend(const Paths& paths, const std::string& name) {
  TRY(const Loaded loaded, load(paths, Environment{}));
  const std::vector<std::string> names = configured_names(loaded.config);
  if (std::ranges::find(names, name) == names.end()) {
    return base::Error{.code = base::codes::kNotFound,
                       .message = fmt::format("{} has no backend \"{}\"", paths.config_file, name),
                       .hint = base::did_you_mean(name, names)};
  }
  TRY(std::string text, read_text(paths));
  TRY(text, formats::remove_from_yaml(text, paths.config_file, {"backends", name}));
  if (loaded.config.default_backend == name) {
    TRY(text, formats::remove_from_yaml(text, paths.config_file, {"default-backend"}));
  }
  if (loaded.config.default_model.starts_with(name + "/")) {
    TRY(text, formats::remove_from_yaml(text, paths.config_file, {"default-model"}));
  }
  return write(paths, text);
}

}  // namespace lathe::config
