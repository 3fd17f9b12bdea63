#include "lathe/config/backend_types.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "lathe/base/strings.h"
#include "lathe/config/url.h"

namespace lathe::config {
namespace {

constexpr std::array kTypes{
    BackendType{"openai", "openai_responses", "https://api.openai.com/v1", "OPENAI_API_KEY", KeyNeed::kRequired, false,
                "OpenAI's Responses API; falls back to Chat Completions where a server lacks it"},
    BackendType{"openai-chat", "openai_chat", "https://api.openai.com/v1", "OPENAI_API_KEY", KeyNeed::kRequired, false,
                "OpenAI's Chat Completions"},
    BackendType{"anthropic", "anthropic", "https://api.anthropic.com", "ANTHROPIC_API_KEY", KeyNeed::kRequired, false,
                "Anthropic's Messages API"},
    BackendType{"ollama", "ollama", "http://127.0.0.1:11434", "", KeyNeed::kOptional, true, "a local Ollama"},
    BackendType{"vllm", "openai_chat", "http://127.0.0.1:8000/v1", "", KeyNeed::kOptional, true, "a vLLM server"},
    BackendType{"llamacpp", "openai_chat", "http://127.0.0.1:8080/v1", "", KeyNeed::kOptional, true,
                "llama.cpp's server"},
    BackendType{"openrouter", "openai_chat", "https://openrouter.ai/api/v1", "OPENROUTER_API_KEY", KeyNeed::kRequired,
                false, "OpenRouter"},
    BackendType{"mistral", "openai_chat", "https://api.mistral.ai/v1", "MISTRAL_API_KEY", KeyNeed::kRequired, false,
                "Mistral AI"},
    BackendType{"litellm", "openai_chat", "http://localhost:4000/v1", "LLMX_API_KEY", KeyNeed::kOptional, false,
                "a LiteLLM proxy"},
    BackendType{"compatible", "openai_chat", "", "", KeyNeed::kOptional, false,
                "any server with an OpenAI-compatible Chat Completions API; needs a URL"},
};

base::Error invalid(const Backend& backend, std::string_view what, std::string hint = "") {
  return {.code = base::codes::kInvalid,
          .message = fmt::format("backend {}: {}", backend.name, what),
          .hint = std::move(hint)};
}

bool is_name(std::string_view text, std::string_view also) {
  return !text.empty() && std::ranges::all_of(text, [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || also.contains(c);
  });
}

/// Header names are RFC 9110 tokens; values must not break out of their line.
base::Result<void> check_headers(const Backend& backend) {
  for (const auto& [name, value] : backend.headers) {
    if (!is_name(name, "!#$%&'*+-.^_`|~")) return invalid(backend, fmt::format("\"{}\" is no header name", name));
    if (std::ranges::any_of(value, [](char c) { return static_cast<unsigned char>(c) < 0x20 && c != '\t'; })) {
      return invalid(backend, fmt::format("the header {} holds a control character", name));
    }
  }
  return {};
}

}  // namespace

std::span<const BackendType> backend_types() { return kTypes; }

const BackendType* find_backend_type(std::string_view name) {
  const auto* found = std::ranges::find(kTypes, name, &BackendType::name);
  return found == kTypes.end() ? nullptr : found;
}

std::vector<std::string> backend_type_names() {
  std::vector<std::string> names;
  for (const BackendType& type : kTypes) names.emplace_back(type.name);
  return names;
}

base::Result<Backend> complete(Backend backend) {
  if (!is_name(backend.name, "-_.")) {
    return base::Error{.code = base::codes::kInvalid,
                       .message = fmt::format("\"{}\" cannot be a backend's name", backend.name),
                       .hint = "letters, digits, \"-\", \"_\" and \".\""};
  }
  const BackendType* type = find_backend_type(backend.type);
  if (type == nullptr) {
    std::string hint = base::did_you_mean(backend.type, backend_type_names());
    if (hint.empty()) hint = "one of: " + base::join(backend_type_names(), ", ");
    return invalid(backend, fmt::format("type \"{}\" is not known", backend.type), std::move(hint));
  }
  if (backend.url.empty()) backend.url = type->default_url;
  if (backend.url.empty()) {
    return invalid(backend, fmt::format("type {} needs a URL", type->name), "such as http://127.0.0.1:1234/v1");
  }
  auto url = parse_url(backend.url);
  if (!url.ok()) return std::move(url).error().within(fmt::format("backend {}", backend.name));
  backend.url = url->text;
  if (!backend.api_key_env.empty() && !backend.api_key_command.empty()) {
    return invalid(backend, "api-key-env and api-key-command exclude each other", "keep one of them");
  }
  if (!backend.api_key_env.empty() && !is_name(backend.api_key_env, "_")) {
    // The value is not shown: it is most likely the key itself.
    return invalid(backend, "api-key-env must be the name of an environment variable",
                   "the key itself does not go here");
  }
  if (backend.api_key_env.empty() && backend.api_key_command.empty()) backend.api_key_env = type->default_key_env;
  if (backend.context_tokens < 0) return invalid(backend, "context-tokens must be a number of tokens", "such as 32768");
  const bool is_set = backend.answer_timeout.count() != 0;
  if (is_set && (backend.answer_timeout < kShortestAnswerTimeout || backend.answer_timeout > kLongestAnswerTimeout)) {
    return invalid(backend, "answer-timeout must be from 1s to 24h", "such as 10m");
  }
  TRY_OK(check_headers(backend));
  return backend;
}

bool runs_models_itself(std::string_view type) { return type == "ollama" || type == "llamacpp" || type == "vllm"; }

base::Error no_such_backend(const std::string& name, const std::vector<std::string>& backends) {
  const std::string near = base::did_you_mean(name, backends);
  return {.code = base::codes::kNotFound,
          .message = fmt::format("no backend \"{}\"", name),
          .hint = near.empty() ? "lathe backend list" : near};
}

base::Result<void> refuse_mistyped_backend(const std::vector<std::string>& backends, const std::string& model) {
  const std::size_t slash = model.find('/');
  if (slash == std::string::npos) return {};
  const std::string first = model.substr(0, slash);
  const auto meant = base::nearest(first, backends);
  if (!meant || *meant == first) return {};
  return base::Error{.code = base::codes::kNotFound,
                     .message = fmt::format("no backend \"{}\" (model \"{}\")", first, model),
                     .hint = fmt::format("did you mean \"{0}\"? \"{0}/{1}\" is a model of {0} that has this very name",
                                         *meant, model)};
}

base::Result<void> refuse_foreign_model(const Backend& backend, const std::vector<std::string>& backends,
                                        const std::string& model) {
  const BackendType* type = find_backend_type(backend.type);
  const bool plain_names = type != nullptr && (type->wire == "openai_responses" || type->wire == "anthropic");
  if (model.find('/') == std::string::npos || !plain_names || backend.url != type->default_url) return {};
  return base::Error{
      .code = base::codes::kNotFound,
      .message = fmt::format("no backend \"{}\" (model \"{}\")", model.substr(0, model.find('/')), model),
      .hint = fmt::format("backends: {}; models of {} have no \"/\" in their names", base::join(backends, ", "),
                          backend.name)};
}

std::vector<LocalServer> local_servers() {
  const auto server = [](std::string_view name, std::string_view probe_path) {
    Backend backend{.name = std::string(name), .type = std::string(name), .origin = "found"};
    backend.url = find_backend_type(name)->default_url;
    return LocalServer{.backend = std::move(backend), .probe_path = probe_path};
  };
  return {server("ollama", "/api/version"), server("llamacpp", "/models")};
}

}  // namespace lathe::config
