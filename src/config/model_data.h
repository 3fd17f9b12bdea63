#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lathe/base/result.h"
#include "lathe/config/config.h"

// What is known of models without asking anyone: windows, prices, default models. From data/models.yaml, which is
// compiled in, under the person's own models.yaml, whose fields win one by one.
//
// A price is only known where it is sure to hold. A built-in price is a vendor's list price and holds at that vendor's
// own URL; a proxy or another host that serves a model of the same name may charge anything. What a person writes holds
// everywhere, unless they name types. A server of a local type (ollama, vllm, llamacpp) on this machine is free, except
// for models that it passes on to a cloud ("…-cloud"). All else is unknown, which is never taken for free.

namespace lathe::config {

/// Millionths of a US dollar per million tokens.
struct KnownPrices {
  std::int64_t input = 0;
  std::int64_t cached_input = 0;
  std::int64_t cache_write = 0;
  std::int64_t output = 0;
  friend bool operator==(const KnownPrices&, const KnownPrices&) = default;
};

struct KnownModel {
  /// Tokens; 0 when unknown.
  std::int64_t context_window = 0;
  /// Tokens; 0 when unknown.
  std::int64_t max_output_tokens = 0;
  std::optional<KnownPrices> prices;
  /// Whether it takes images; true when unknown, so that the server decides.
  bool images = true;
  friend bool operator==(const KnownModel&, const KnownModel&) = default;
};

/// Immutable once loaded; a value.
class ModelData final {
 public:
  /// Built-in data under the person's file. A missing file is fine; a broken one is an error with line and column.
  static base::Result<ModelData> load(const Paths& paths);

  /// The backend's own default, else that of its type; "" when its server must be asked.
  [[nodiscard]] std::string default_model(const Backend& backend) const;
  /// The name is looked up as it is, without a date at its end, then by the longest pattern ("gpt-5*"); a vendor in
  /// front ("openai/gpt-5") is skipped when the whole is not found. What the person wrote under "backend/model" wins.
  [[nodiscard]] KnownModel find(const Backend& backend, std::string_view model) const;

 private:
  /// One model of a file. Absent fields say nothing.
  struct Entry {
    std::vector<std::string> types;
    std::optional<std::int64_t> context_window;
    std::optional<std::int64_t> max_output_tokens;
    std::optional<KnownPrices> prices;
    std::optional<bool> images;
  };
  struct Source {
    std::map<std::string, std::string> default_models;
    std::map<std::string, Entry, std::less<>> models;
  };
  static base::Result<Source> read(std::string_view text, const std::string& file);
  /// By the whole name; of patterns only those that begin with `start`.
  static const Entry* find_whole(const Source& source, std::string_view model, std::string_view start);
  static const Entry* find_entry(const Source& source, std::string_view model);
  static void apply(const Entry& entry, const Backend& backend, KnownModel& model);

  /// Read when it is first asked: a process that only serves or shows what is recorded needs none of it, and it takes a
  /// start some milliseconds.
  static const Source& built_in();

  /// The person's; wins over what is built in.
  std::optional<Source> own_;
};

}  // namespace lathe::config
