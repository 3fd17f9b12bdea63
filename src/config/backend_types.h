#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lathe/base/result.h"
#include "lathe/config/config.h"

namespace lathe::config {

enum class KeyNeed { kRequired, kOptional };

/// What a backend's `type` stands for.
struct BackendType {
  std::string_view name;
  /// The provider that speaks it: openai_responses, openai_chat, anthropic or ollama.
  std::string_view wire;
  /// Empty: the backend must name its URL.
  std::string_view default_url;
  /// Variable that holds the key when the backend names none; empty when there is no usual one.
  std::string_view default_key_env;
  KeyNeed key = KeyNeed::kRequired;
  /// Runs models on its own machine: free of charge when that machine is this one.
  bool serves_locally = false;
  std::string_view note;
};

/// In the order in which they are shown.
[[nodiscard]] std::span<const BackendType> backend_types();
/// nullptr when there is none of that name.
[[nodiscard]] const BackendType* find_backend_type(std::string_view name);
[[nodiscard]] std::vector<std::string> backend_type_names();

/// Checks the name, type, URL and headers of `backend` and fills in what its type decides. Errors: `invalid`, with the
/// nearest type.
[[nodiscard]] base::Result<Backend> complete(Backend backend);

/// Whether a server of this type runs its models itself, so that it decides how long their context is.
[[nodiscard]] bool runs_models_itself(std::string_view type);

/// `not_found` with the nearest of the names.
[[nodiscard]] base::Error no_such_backend(const std::string& name, const std::vector<std::string>& backends);
/// "anthropc/claude" is no model of whatever backend is the default: what is asked must not go to another company for
/// a slip of the finger. A vendor in front of a name is fine ("meta/llama" on a router).
[[nodiscard]] base::Result<void> refuse_mistyped_backend(const std::vector<std::string>& backends,
                                                         const std::string& model);
/// When `model`, for which nobody named a backend, cannot be one of `backend`: a provider at its own address whose
/// models have no "/" in their names. Others (routers, local servers) may have any. Errors: `not_found`.
[[nodiscard]] base::Result<void> refuse_foreign_model(const Backend& backend, const std::vector<std::string>& backends,
                                                      const std::string& model);

/// A server that may run on this machine, to be asked whether it is there (GET url + probe_path answers 200).
struct LocalServer {
  Backend backend;
  std::string_view probe_path;
};
/// The usual ones, in order of preference. Nothing is contacted here.
[[nodiscard]] std::vector<LocalServer> local_servers();

}  // namespace lathe::config
