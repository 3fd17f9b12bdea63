#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lathe/base/clock.h"
#include "lathe/ports/model.h"
#include "lathe/protocol/calls.h"
#include "lathe/runtime/async.h"

namespace lathe::ports {

/// Millionths of a US dollar per million tokens.
struct Prices {
  std::int64_t input = 0;
  std::int64_t cached_input = 0;
  std::int64_t cache_write = 0;
  std::int64_t output = 0;
  friend bool operator==(const Prices&, const Prices&) = default;
};

/// What is known of a model without asking it.
struct ModelFacts {
  /// Tokens; 0 when unknown.
  std::int64_t context_window = 0;
  /// Tokens; 0 when unknown.
  std::int64_t max_output_tokens = 0;
  /// Absent: unknown, which is never taken for free.
  std::optional<Prices> prices;
  bool images = true;
  friend bool operator==(const ModelFacts&, const ModelFacts&) = default;
};

/// Cost of `usage` in millionths of a US dollar, rounded up; nothing when the price is unknown.
[[nodiscard]] inline std::optional<std::int64_t> cost_of(const protocol::Usage& usage, const ModelFacts& facts) {
  if (!facts.prices) return std::nullopt;
  const std::int64_t fresh = usage.input_tokens - usage.cached_input_tokens - usage.cache_write_tokens;
  const std::int64_t sum = fresh * facts.prices->input + usage.cached_input_tokens * facts.prices->cached_input +
                           usage.cache_write_tokens * facts.prices->cache_write +
                           usage.output_tokens * facts.prices->output;
  return (sum + 999'999) / 1'000'000;
}

struct ResolvedModel {
  std::string backend;
  std::string model;
  std::shared_ptr<Model> connection;  // shared by the sessions that use one backend
  ModelFacts facts;
  /// "host:port" where it is asked; empty for a recording. Models of two backends may be at one.
  std::string server = {};
  /// When that server took no connection, if it took none when it was last asked what it has.
  std::optional<base::MonoTime> unreachable_since = std::nullopt;
  /// What a person should know before it is asked; empty: nothing.
  std::string warning = {};
};

/// A model's name in full.
struct ModelName {
  std::string backend;
  std::string model;
  friend bool operator==(const ModelName&, const ModelName&) = default;
};

/// Turns names into models. Loop thread.
class ModelDirectory {
 public:
  virtual ~ModelDirectory() = default;
  /// Empty names mean the defaults. `model` may be "backend/model". Errors: no_backend, not_found with the nearest
  /// name, no_api_key with what to set. May look for local servers and run a key command, hence asynchronous.
  virtual runtime::Async<base::Result<ResolvedModel>> resolve(std::string backend, std::string model) = 0;
  /// What resolve() gave before, by the names that it gave: they are not read again, since a model's own name may begin
  /// with the name of a backend. Same errors.
  virtual runtime::Async<base::Result<ResolvedModel>> resolve_again(std::string backend, std::string model) = 0;
  /// What resolve() would give, by name: also of a model whose key is missing. The other errors are the same.
  virtual runtime::Async<base::Result<ModelName>> full_name(std::string backend, std::string model) = 0;
  virtual runtime::Async<base::Result<std::vector<protocol::BackendInfo>>> backends() = 0;
  /// The backend alone, for its list of models. Same errors as resolve().
  virtual runtime::Async<base::Result<std::shared_ptr<Model>>> connect(std::string backend) = 0;
  /// The facts of a model that a server listed.
  [[nodiscard]] virtual ModelFacts facts(const std::string& backend, const std::string& model) const = 0;
};

}  // namespace lathe::ports
