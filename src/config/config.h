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

// One checked Config from layers: built-in defaults, the person's config.yaml, environment variables, flags. Each value
// knows its source. Files of a project are not read here: they may only narrow, and only once trusted.

namespace lathe::config {

/// A configured endpoint. `type` decides wire, default URL and default key variable (see backend_types.h).
struct Backend {
  std::string name;
  std::string type;
  std::string url;
  /// Name of the environment variable that holds the key.
  std::string api_key_env;
  /// Command whose first line of output is the key.
  std::string api_key_command;
  std::map<std::string, std::string> headers;
  std::string default_model;
  /// "config", "environment" or "found".
  std::string origin = "config";
  friend bool operator==(const Backend&, const Backend&) = default;
};

struct ShellLimits {
  std::chrono::milliseconds default_timeout{120'000};
  std::chrono::milliseconds max_timeout{600'000};
  friend bool operator==(const ShellLimits&, const ShellLimits&) = default;
};

struct Config {
  /// Configured ones in file order, then those of the environment (OPENAI, ANTHROPIC, LLMX).
  std::vector<Backend> backends;
  std::string default_backend;
  std::string default_model;
  std::vector<std::string> fallback_models;
  protocol::ApprovalPolicy approval_policy = protocol::ApprovalPolicy::kOnRequest;
  protocol::Budget budget;
  ShellLimits shell;
  /// "process" or "power".
  std::string durability = "process";
  /// The same call with the same result so many times in a row ends the Task; 0: never.
  std::int64_t repeated_call_limit = 5;
  /// Tokens of one tool result that the model sees at most.
  std::int64_t tool_output_tokens = 10'000;
  /// Share of the context window at which the conversation is compacted, in percent.
  std::int64_t compact_at_percent = 90;
  std::chrono::milliseconds stream_idle_timeout{300'000};
  std::chrono::milliseconds thinking_stall_timeout{120'000};
  std::int64_t project_docs_bytes = 32 * 1024;
  friend bool operator==(const Config&, const Config&) = default;
};

/// Where Lathe keeps things. LATHE_HOME holds everything when set; else the XDG folders.
struct Paths {
  std::string config_file;
  std::string state_dir;
  std::string cache_dir;
  std::string runtime_dir;
};

struct Environment {
  std::map<std::string, std::string> variables;
  [[nodiscard]] std::string get(const std::string& name) const;
  static Environment of_process();
};

[[nodiscard]] base::Result<Paths> find_paths(const Environment& environment);

/// One key as `config list` shows it.
struct Setting {
  std::string key;
  std::string value;
  /// "default", the config file with its line, or the variable's name.
  std::string source;
};

struct Loaded {
  Config config;
  std::vector<Setting> settings;
  /// Unknown keys and the like; shown once on stderr.
  std::vector<std::string> warnings;
};

/// A broken file is an error with line and column; a missing one is not.
[[nodiscard]] base::Result<Loaded> load(const Paths& paths, const Environment& environment);

/// Sets one key in the person's file (created when missing), keeping everything else and its comments where it can.
/// Unknown keys and wrong values are errors with the nearest name.
[[nodiscard]] base::Result<void> set(const Paths& paths, const std::string& key, const std::string& value);
[[nodiscard]] base::Result<void> add_backend(const Paths& paths, const Backend& backend);
[[nodiscard]] base::Result<void> remove_backend(const Paths& paths, const std::string& name);

}  // namespace lathe::config
