#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "lathe/base/clock.h"
#include "lathe/base/json.h"
#include "lathe/protocol/fields.h"
#include "lathe/protocol/items.h"

// Backends, models, and what they used.

namespace lathe::protocol {

struct ModelInfo {
  static constexpr std::string_view kDoc = "One model of a backend.";
  std::string backend;
  std::string model;
  std::int64_t context_window = 0;
  std::optional<std::int64_t> input_micro_usd_per_mtok;
  std::optional<std::int64_t> output_micro_usd_per_mtok;
  bool is_default = false;
  static constexpr auto fields() {
    using S = ModelInfo;
    return std::tuple{required("backend", &S::backend, "backend name"),
                      required("model", &S::model, "model name"),
                      optional("context_window", &S::context_window, "tokens; absent when unknown"),
                      optional("input_micro_usd_per_mtok", &S::input_micro_usd_per_mtok,
                               "price of a million input tokens; absent when unknown"),
                      optional("output_micro_usd_per_mtok", &S::output_micro_usd_per_mtok,
                               "price of a million output tokens; absent when unknown"),
                      optional("is_default", &S::is_default, "used when no model is named")};
  }
  friend bool operator==(const ModelInfo&, const ModelInfo&) = default;
};
struct ModelListReply {
  static constexpr std::string_view kType = "model_list";
  static constexpr std::string_view kDoc = "What the servers offer.";
  std::vector<ModelInfo> models;
  std::vector<std::string> problems;
  static constexpr auto fields() {
    return std::tuple{required("models", &ModelListReply::models, "by backend"),
                      optional("problems", &ModelListReply::problems, "backends that did not answer, and why")};
  }
  friend bool operator==(const ModelListReply&, const ModelListReply&) = default;
};
struct ModelList {
  using Reply = ModelListReply;
  static constexpr std::string_view kType = "model_list";
  static constexpr std::string_view kDoc = "Asks the backends which models they have.";
  std::string backend;
  static constexpr auto fields() { return std::tuple{optional("backend", &ModelList::backend, "only this one")}; }
  friend bool operator==(const ModelList&, const ModelList&) = default;
};

struct BackendInfo {
  static constexpr std::string_view kDoc = "One configured or found backend.";
  std::string name;
  std::string type;
  std::string provider;
  std::string url;
  std::string key_source;
  std::string origin;
  bool is_default = false;
  static constexpr auto fields() {
    using S = BackendInfo;
    return std::tuple{required("name", &S::name, "its name"),
                      required("type", &S::type, "openai, anthropic, ollama, …"),
                      required("provider", &S::provider, "wire format"),
                      required("url", &S::url, "base URL"),
                      optional("key_source", &S::key_source, "where the key is from; never the key"),
                      required("origin", &S::origin, "config, environment or found"),
                      optional("is_default", &S::is_default, "used when no backend is named")};
  }
  friend bool operator==(const BackendInfo&, const BackendInfo&) = default;
};
struct BackendListReply {
  static constexpr std::string_view kType = "backend_list";
  static constexpr std::string_view kDoc = "Backends in order of precedence.";
  std::vector<BackendInfo> backends;
  static constexpr auto fields() { return std::tuple{required("backends", &BackendListReply::backends, "in order")}; }
  friend bool operator==(const BackendListReply&, const BackendListReply&) = default;
};
struct BackendList {
  using Reply = BackendListReply;
  static constexpr std::string_view kType = "backend_list";
  static constexpr std::string_view kDoc = "Lists backends: configured, from the environment, found on this machine.";
  static constexpr auto fields() { return std::tuple<>{}; }
  friend bool operator==(const BackendList&, const BackendList&) = default;
};
struct BackendTestReply {
  static constexpr std::string_view kType = "backend_test";
  static constexpr std::string_view kDoc = "The backend answered.";
  std::string model;
  std::int64_t models = 0;
  std::int64_t latency_ms = 0;
  std::string answer;
  static constexpr auto fields() {
    using S = BackendTestReply;
    return std::tuple{required("model", &S::model, "the model that was asked"),
                      required("models", &S::models, "how many models it lists"),
                      required("latency_ms", &S::latency_ms, "to the first byte of an answer"),
                      optional("answer", &S::answer, "what the model said; absent when only the list was asked for")};
  }
  friend bool operator==(const BackendTestReply&, const BackendTestReply&) = default;
};
struct BackendTest {
  using Reply = BackendTestReply;
  static constexpr std::string_view kType = "backend_test";
  static constexpr std::string_view kDoc =
      "Asks a backend for its models and, when told, for one short answer (which may be billed).";
  std::string backend;
  std::string model;
  bool ask_model = false;
  static constexpr auto fields() {
    using S = BackendTest;
    return std::tuple{required("backend", &S::backend, "its name"), optional("model", &S::model, "the model to ask"),
                      optional("ask_model", &S::ask_model, "also ask for an answer")};
  }
  friend bool operator==(const BackendTest&, const BackendTest&) = default;
};

struct UsageRow {
  static constexpr std::string_view kDoc = "Tokens and cost of one group.";
  std::string key;
  Usage usage;
  std::optional<std::int64_t> cost_micro_usd;
  std::int64_t tasks = 0;
  static constexpr auto fields() {
    using S = UsageRow;
    return std::tuple{required("key", &S::key, "the day (of UTC), model, session, folder or project"),
                      required("usage", &S::usage, "tokens"),
                      optional("cost_micro_usd", &S::cost_micro_usd, "absent when any price is unknown"),
                      required("tasks", &S::tasks, "Tasks")};
  }
  friend bool operator==(const UsageRow&, const UsageRow&) = default;
};
struct UsageReply {
  static constexpr std::string_view kType = "usage";
  static constexpr std::string_view kDoc = "Rows, largest first.";
  std::vector<UsageRow> rows;
  static constexpr auto fields() { return std::tuple{required("rows", &UsageReply::rows, "largest first")}; }
  friend bool operator==(const UsageReply&, const UsageReply&) = default;
};
struct UsageCall {
  using Reply = UsageReply;
  static constexpr std::string_view kType = "usage";
  static constexpr std::string_view kDoc = "Tokens and cost by day, model, session, folder or project.";
  std::string by = "day";
  std::string since;
  static constexpr auto fields() {
    return std::tuple{
        optional("by", &UsageCall::by,
                 "day (default), model, session, folder, or project: the repository that a folder belongs to"),
        optional("since", &UsageCall::since, "the first day that counts, YYYY-MM-DD of UTC; absent: all")};
  }
  friend bool operator==(const UsageCall&, const UsageCall&) = default;
};

}  // namespace lathe::protocol
