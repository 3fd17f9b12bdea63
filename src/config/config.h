#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "lathe/base/result.h"
#include "lathe/protocol/items.h"

// One checked Config from layers: built-in defaults, the person's config.yaml, environment variables (LATHE_ and the
// key in capitals); the caller puts its flags on top. Each value knows its source. Files of a project are not read
// here: they may only narrow, and only once trusted. Every key stands in settings.h, and in docs/reference/config.md.

namespace lathe::config {

/// A configured endpoint. `type` decides wire, default URL and default key variable (see backend_types.h); load() has
/// put these in where the file is silent. add_backend() takes an empty field as "the default of its type".
struct Backend {
  std::string name;
  std::string type;
  /// Checked, without a final "/".
  std::string url;
  /// Name of the environment variable that holds the key; empty when the type needs none or a command gives it.
  std::string api_key_env;
  /// Command whose first line of output is the key.
  std::string api_key_command;
  std::map<std::string, std::string> headers;
  std::string default_model;
  /// Ollama only: tokens of context asked for, and how long a model stays loaded; 0 and "" are Lathe's defaults.
  std::int64_t context_tokens = 0;
  std::string keep_loaded;
  /// 0: Config::answer_timeout.
  std::chrono::milliseconds answer_timeout{0};
  /// "config", "environment" or "found".
  std::string origin = "config";
  friend bool operator==(const Backend&, const Backend&) = default;
};

struct ShellLimits {
  std::chrono::milliseconds default_timeout{120'000};
  std::chrono::milliseconds max_timeout{600'000};
  friend bool operator==(const ShellLimits&, const ShellLimits&) = default;
};

/// globs::default_secret_patterns().
[[nodiscard]] std::vector<std::string> default_secret_files();

struct AgentLimits {
  /// How many agents may stand one below the other.
  std::int64_t max_depth = 2;
  /// How many may run at once, all that descend from one session together.
  std::int64_t max_count = 8;
  friend bool operator==(const AgentLimits&, const AgentLimits&) = default;
};

/// Bounds of an `answer-timeout`.
inline constexpr std::chrono::milliseconds kShortestAnswerTimeout{1'000};
inline constexpr std::chrono::milliseconds kLongestAnswerTimeout = std::chrono::hours(24);

/// A time that does not come, where a setting allows that word.
inline constexpr std::chrono::milliseconds kNever = std::chrono::milliseconds::max();

struct Config {
  /// Configured ones in file order, then those of the environment (OPENAI, ANTHROPIC, LLMX).
  std::vector<Backend> backends;
  std::string default_backend;
  std::string default_model;
  std::vector<std::string> fallback_models;
  protocol::ApprovalPolicy approval_policy = protocol::ApprovalPolicy::kOnRequest;
  /// A preset's name, or a path of a rule file; the files in `policies_dir` come on top.
  std::string policy;
  protocol::Budget budget;
  ShellLimits shell;
  AgentLimits agents;
  /// "process" or "power".
  std::string durability = "process";
  /// The same call with the same result so many times in a row ends the Task; 0: never.
  std::int64_t repeated_call_limit = 5;
  /// Tokens of one tool result that the model sees at most.
  std::int64_t tool_output_tokens = 10'000;
  /// Share of the context window at which the conversation is compacted, in percent.
  std::int64_t compact_at_percent = 90;
  /// How long each attempt to connect to a backend may take.
  std::chrono::milliseconds connect_timeout{2'000};
  /// How long a backend may take until it begins to answer, where its own entry says nothing: a model that is loaded
  /// first, or a long prompt on a small machine, takes minutes.
  std::chrono::milliseconds answer_timeout{300'000};
  std::chrono::milliseconds stream_idle_timeout{300'000};
  std::chrono::milliseconds thinking_stall_timeout{120'000};
  std::int64_t project_docs_bytes = 32 * 1024;
  /// Names of instruction files that are read where a folder has neither AGENTS.override.md nor AGENTS.md.
  std::vector<std::string> project_docs_fallback = {"CLAUDE.md"};
  /// "all-or-nothing" or "what-fits": a patch of which one change does not fit.
  std::string patch_extent = "all-or-nothing";
  /// Names of files that hold secrets (globs/secret_files.h).
  std::vector<std::string> secret_files = default_secret_files();
  /// What commands may read besides, as the person wrote it: "/…" or "~/…" (from_home).
  std::vector<std::string> readable_roots;
  /// A protocol::SandboxMode by name.
  std::string sandbox_mode = "workspace-write";
  /// The weakest level of confinement that the person accepts.
  std::string sandbox_level = "landlock";
  /// "none", "readable-secrets" or "unconfined": what they accept although it is less.
  std::string sandbox_waiver = "none";
  /// A protocol::NetworkMode by name.
  std::string network = "none";
  /// Hosts that are reached unasked (egress/host_rules.h).
  std::vector<std::string> allow_hosts;
  /// What the commands of a session may send and receive through the proxy.
  std::int64_t egress_bytes = 1LL << 30;
  /// What all processes of one command may have in memory.
  std::int64_t memory_bytes = 8LL << 30;
  /// "always" or "never": whether a front end starts the daemon when none runs.
  std::string daemon_auto_start = "always";
  /// A daemon ends after so long with no client and nothing running; may be kNever.
  std::chrono::milliseconds daemon_idle_exit{1'800'000};
  /// Where spans go (telemetry/span_exporter.h): a collector, with headers from that variable, and a file.
  std::string otlp_endpoint;
  std::string otlp_headers_variable;
  std::string otlp_file;
  friend bool operator==(const Config&, const Config&) = default;
};

/// Where Lathe keeps things. LATHE_HOME holds everything when set; else the XDG folders.
struct Paths {
  std::string config_file;
  std::string state_dir;
  std::string cache_dir;
  std::string runtime_dir;
  /// The person's rule files, beside config_file.
  std::string policies_dir;
  /// The person's own model data, beside config_file.
  std::string models_file;
};

struct Environment {
  std::map<std::string, std::string> variables;
  /// The value, or "" when it is not set: an empty variable counts as not set.
  [[nodiscard]] std::string get(const std::string& name) const;
  static Environment of_process();
  /// Of texts NAME=value; the first of a name counts, as for getenv().
  static Environment of(const std::vector<std::string>& texts);
};

/// Relative folders count as not set. Error `invalid` when neither LATHE_HOME nor HOME says where to put things.
[[nodiscard]] base::Result<Paths> find_paths(const Environment& environment);

/// "~/x" as the place in the person's home; every other path, and all without HOME, as it is.
[[nodiscard]] std::string from_home(const Environment& environment, const std::string& path);

/// One key as `config list` shows it.
struct Setting {
  std::string key;
  /// As a person would type it; "" when nothing is set.
  std::string value;
  /// "default", the config file with its line, or the variable's name.
  std::string source;
  /// What holds when nothing is set, in words: "200", "no limit", "the first one there is".
  std::string when_empty;
  friend bool operator==(const Setting&, const Setting&) = default;
};

struct Loaded {
  Config config;
  std::vector<Setting> settings;
  /// Unknown keys and the like; shown once on stderr.
  std::vector<std::string> warnings;
};

/// A broken file or a wrong value is an error with line and column, all of them at once; a missing file is not, and an
/// unknown key is a warning.
[[nodiscard]] base::Result<Loaded> load(const Paths& paths, const Environment& environment);
/// What is to be told before the backend is spoken to when its key would go over plain HTTP to another machine; else
/// "".
[[nodiscard]] std::string cleartext_warning(const Backend& backend, const Environment& environment);
/// The backends that variables alone make: OPENAI_API_KEY, ANTHROPIC_API_KEY and the like.
[[nodiscard]] base::Result<std::vector<Backend>> environment_backends(const Environment& environment);
/// The variables that backends are made of and that hold their keys, and that of the collector's headers.
[[nodiscard]] std::vector<std::string> backend_variables(const Config& config);
/// The setting of that key; `not_found` with the nearest one.
[[nodiscard]] base::Result<Setting> get(const Loaded& loaded, const std::string& key);

// The four below change the person's file (created when missing) and keep the rest of it and its comments. Where a
// file is written in a way that cannot be changed line by line, the error `unsupported` says what to write by hand.

/// Sets one key. Unknown keys (`not_found`) and wrong values (`invalid`) are errors with the nearest name.
[[nodiscard]] base::Result<void> set(const Paths& paths, const std::string& key, const std::string& value);
/// Adds one after those that are there. `exists` when the name is taken; `invalid` with what is wrong otherwise.
[[nodiscard]] base::Result<void> add_backend(const Paths& paths, const Backend& backend);
/// Makes a configured backend the default one. A default-model that is another backend's goes, since the two settings
/// would contradict each other; it is given back, else "".
[[nodiscard]] base::Result<std::string> make_default_backend(const Paths& paths, const std::string& name);
/// Removes it, and default-backend and default-model with it where they name it. `not_found` with the nearest name.
[[nodiscard]] base::Result<void> remove_backend(const Paths& paths, const std::string& name);

}  // namespace lathe::config
