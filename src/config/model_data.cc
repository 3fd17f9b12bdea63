#include "lathe/config/model_data.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "built_in_models.h"
#include "lathe/base/check.h"
#include "lathe/base/strings.h"
#include "lathe/config/backend_types.h"
#include "lathe/config/url.h"
#include "lathe/formats/decode.h"
#include "lathe/formats/read.h"
#include "lathe/runtime/files.h"

namespace lathe::config {
namespace {

using formats::MapReader;
using formats::Node;
using formats::Problems;

/// A price in US dollars, into millionths.
bool read_price(MapReader& map, std::string_view key, std::int64_t& out, Problems& problems) {
  const Node* node = map.take(key);
  double usd = 0;
  if (node == nullptr || !formats::decode(*node, usd, problems)) return false;
  if (!(usd >= 0 && usd <= 1e6)) {
    problems.error(node->at, fmt::format("{} must be from 0 to a million US dollars", key));
    return false;
  }
  out = std::llround(usd * 1e6);
  return true;
}

std::optional<KnownPrices> read_prices(MapReader& map, formats::Position at, Problems& problems) {
  KnownPrices prices;
  const bool has_input = read_price(map, "input", prices.input, problems);
  const bool has_output = read_price(map, "output", prices.output, problems);
  // What a vendor does not list apart costs as much as any input.
  if (!read_price(map, "cached-input", prices.cached_input, problems)) prices.cached_input = prices.input;
  if (!read_price(map, "cache-write", prices.cache_write, problems)) prices.cache_write = prices.input;
  if (has_input != has_output) problems.error(at, "a price needs both \"input\" and \"output\"");
  return has_input && has_output ? std::optional(prices) : std::nullopt;
}

void read_tokens(MapReader& map, std::string_view key, std::optional<std::int64_t>& out, Problems& problems) {
  const Node* node = map.take(key);
  std::int64_t tokens = 0;
  if (node == nullptr || !formats::decode(*node, tokens, problems)) return;
  if (tokens < 1) {
    problems.error(node->at, fmt::format("{} must be at least 1", key));
  } else {
    out = tokens;
  }
}

/// The name without "-2026-04-23" or "-20260423" at its end.
std::string_view without_date(std::string_view model) {
  for (const std::string_view shape : {"-####-##-##", "-########"}) {
    if (model.size() <= shape.size()) continue;
    const std::string_view tail = model.substr(model.size() - shape.size());
    const bool matches = std::ranges::equal(tail, shape, [](char found, char wanted) {
      return wanted == '#' ? found >= '0' && found <= '9' : found == wanted;
    });
    if (matches) return model.substr(0, model.size() - shape.size());
  }
  return model;
}

bool at_home(const Backend& backend) {
  const BackendType* type = find_backend_type(backend.type);
  if (type == nullptr || type->default_url.empty()) return false;
  const auto home = parse_url(type->default_url);
  const auto url = parse_url(backend.url);
  return home.ok() && url.ok() && home->host == url->host;
}

bool is_free(const Backend& backend, std::string_view model) {
  const BackendType* type = find_backend_type(backend.type);
  const auto url = parse_url(backend.url);
  return type != nullptr && type->serves_locally && url.ok() && url->is_local() && !model.ends_with("-cloud");
}

}  // namespace

base::Result<ModelData::Source> ModelData::read(std::string_view text, const std::string& file) {
  TRY(const formats::Document document, formats::read_yaml(text, file));
  Problems problems(file);
  Source source;
  MapReader top(document.root, problems);
  std::string checked;
  top.optional("checked", checked);
  top.optional("default-models", source.default_models);
  const Node* models = top.take("models");
  top.finish();
  if (models != nullptr && models->map() == nullptr && !models->is_null()) {
    formats::wrong_kind(*models, "a map from names to models", problems);
  } else if (models != nullptr && models->map() != nullptr) {
    for (const formats::Member& member : *models->map()) {
      MapReader map(member.value, problems);
      Entry& entry = source.models[member.key];
      map.optional("types", entry.types);
      read_tokens(map, "window", entry.context_window, problems);
      read_tokens(map, "max-output", entry.max_output_tokens, problems);
      entry.prices = read_prices(map, member.key_at, problems);
      map.optional("images", entry.images);
      map.finish();
      for (const std::string& type : entry.types) {
        if (find_backend_type(type) == nullptr) {
          formats::not_a_choice(member.key_at, type, backend_type_names(), problems);
        }
      }
    }
  }
  for (const auto& [type, model] : source.default_models) {
    if (find_backend_type(type) == nullptr) formats::not_a_choice({}, type, backend_type_names(), problems);
  }
  TRY_OK(problems.result());
  return source;
}

const ModelData::Source& ModelData::built_in() {
  static const Source kSource = [] {
    auto source = read(kBuiltInModels, "models.yaml");
    CHECK(source.ok());
    return *std::move(source);
  }();
  return kSource;
}

base::Result<ModelData> ModelData::load(const Paths& paths) {
  ModelData data;
  const auto text = runtime::read_file(paths.models_file, 1U << 20);
  if (!text.ok()) {
    if (text.error().code == base::codes::kNotFound) return data;
    return text.error();
  }
  TRY(data.own_, read(*text, paths.models_file).or_hint("mend it: " + base::edit_command(paths.models_file)));
  return data;
}

std::string ModelData::default_model(const Backend& backend) const {
  if (!backend.default_model.empty()) return backend.default_model;
  for (const Source* source : {own_ ? &*own_ : nullptr, &built_in()}) {
    if (source == nullptr) continue;
    const auto found = source->default_models.find(backend.type);
    if (found != source->default_models.end()) return found->second;
  }
  return "";
}

const ModelData::Entry* ModelData::find_whole(const Source& source, std::string_view model, std::string_view start) {
  for (const std::string_view name : {model, without_date(model)}) {
    const auto found = source.models.find(name);
    if (found != source.models.end()) return &found->second;
  }
  const Entry* best = nullptr;
  std::size_t best_length = 0;
  for (const auto& [pattern, entry] : source.models) {
    if (!pattern.ends_with('*') || !model.starts_with(pattern.substr(0, pattern.size() - 1))) continue;
    if (!pattern.starts_with(start)) continue;
    if (best == nullptr || pattern.size() > best_length) best = &entry;
    best_length = std::max(best_length, pattern.size());
  }
  return best;
}

const ModelData::Entry* ModelData::find_entry(const Source& source, std::string_view model) {
  if (const Entry* entry = find_whole(source, model, "")) return entry;
  const std::size_t slash = model.rfind('/');
  return slash == std::string_view::npos ? nullptr : find_entry(source, model.substr(slash + 1));
}

void ModelData::apply(const Entry& entry, const Backend& backend, KnownModel& model) {
  if (entry.context_window) model.context_window = *entry.context_window;
  if (entry.max_output_tokens) model.max_output_tokens = *entry.max_output_tokens;
  if (entry.images) model.images = *entry.images;
  const bool price_holds =
      entry.types.empty() || (std::ranges::find(entry.types, backend.type) != entry.types.end() && at_home(backend));
  if (entry.prices && price_holds) model.prices = entry.prices;
}

KnownModel ModelData::find(const Backend& backend, std::string_view model) const {
  KnownModel known;
  if (is_free(backend, model)) known.prices = KnownPrices{};
  for (const Source* source : {&built_in(), own_ ? &*own_ : nullptr}) {
    if (source == nullptr) continue;
    if (const Entry* entry = find_entry(*source, model)) apply(*entry, backend, known);
  }
  if (!own_ || backend.name.empty()) return known;
  const std::string with_backend = fmt::format("{}/{}", backend.name, model);
  if (const Entry* entry = find_whole(*own_, with_backend, backend.name + "/")) apply(*entry, backend, known);
  return known;
}

}  // namespace lathe::config
