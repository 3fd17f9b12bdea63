#pragma once

#include <charconv>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <variant>
#include <vector>

#include "lathe/base/result.h"
#include "lathe/base/strings.h"

// What a chain or an agent's file narrows its tools to: `tools_policies: {local_shell: {_allowed_commands: "git,ls"}}`.
// Names and meaning of the keys are those of chain files (contenox); values are texts, lists are separated by commas. A
// policy only ever narrows: what it does not name stays as it is, and several policies all hold. tools/common enforces
// them around every tool (policed_tool.h).

namespace lathe::ports {

struct ShellPolicy {
  /// Names of programs, without their folder. Present: no other one may run.
  std::optional<std::vector<std::string>> allowed_commands;
  /// A name also means its dotted variants: mkfs is mkfs.ext4 too.
  std::vector<std::string> denied_commands;
  /// Absolute, or from the working folder; commands run nowhere else. Empty: anywhere.
  std::string allowed_dir;
  friend bool operator==(const ShellPolicy&, const ShellPolicy&) = default;
};

struct FilePolicy {
  std::string allowed_dir;
  std::optional<std::int64_t> max_read_bytes;
  std::optional<std::int64_t> max_output_bytes;
  /// Levels of folders that a listing shows. Ours show one, so that nothing but 0 narrows them: then there are none.
  std::optional<std::int64_t> max_list_depth;
  std::optional<std::int64_t> max_grep_matches;
  std::optional<std::int64_t> max_find_results;
  /// No path that holds one of these is touched.
  std::vector<std::string> denied_path_substrings;
  /// Listings and searches say nothing of folders of these names, nor of what is in them.
  std::vector<std::string> skip_dir_names;
  /// Endings of names, with or without their dot. Present: list_dir shows no other files.
  std::optional<std::vector<std::string>> list_extensions;
  friend bool operator==(const FilePolicy&, const FilePolicy&) = default;
};

struct WebPolicy {
  /// A host also means its subdomains. Present: no other one is asked.
  std::optional<std::vector<std::string>> allowed_hosts;
  std::vector<std::string> denied_hosts;
  std::optional<std::vector<std::string>> allowed_schemes;
  std::optional<std::int64_t> max_response_bytes;
  std::optional<std::int64_t> max_request_body_bytes;
  bool disallow_redirects = false;
  std::optional<std::int64_t> request_timeout_seconds;
  /// Of one request, the first one included.
  std::optional<std::int64_t> max_attempts;
  /// Between two attempts: the first pause, and what doubling it ends at.
  std::optional<std::int64_t> initial_backoff_ms;
  std::optional<std::int64_t> max_backoff_ms;
  friend bool operator==(const WebPolicy&, const WebPolicy&) = default;
};

struct ToolPolicies {
  ShellPolicy shell;
  FilePolicy files;
  WebPolicy web;

  /// Sets one key of one toolset: ("local_shell", "_allowed_commands", "git,ls"). `not_found` with the nearest name for
  /// a toolset or key that is not known, `invalid` for a number that is none.
  [[nodiscard]] base::Result<void> set(std::string_view toolset, std::string_view key, std::string_view value);
  friend bool operator==(const ToolPolicies&, const ToolPolicies&) = default;
};

namespace detail {

using PolicySlot = std::variant<std::string*, std::vector<std::string>*, std::optional<std::vector<std::string>>*,
                                std::optional<std::int64_t>*, bool*>;
struct PolicyKey {
  std::string_view toolset;
  std::string_view key;
  PolicySlot (*slot)(ToolPolicies&);
};

inline constexpr PolicyKey kPolicyKeys[] = {
    {"local_shell", "_allowed_commands", [](ToolPolicies& p) -> PolicySlot { return &p.shell.allowed_commands; }},
    {"local_shell", "_denied_commands", [](ToolPolicies& p) -> PolicySlot { return &p.shell.denied_commands; }},
    {"local_shell", "_allowed_dir", [](ToolPolicies& p) -> PolicySlot { return &p.shell.allowed_dir; }},
    {"local_fs", "_allowed_dir", [](ToolPolicies& p) -> PolicySlot { return &p.files.allowed_dir; }},
    {"local_fs", "_max_read_bytes", [](ToolPolicies& p) -> PolicySlot { return &p.files.max_read_bytes; }},
    {"local_fs", "_max_output_bytes", [](ToolPolicies& p) -> PolicySlot { return &p.files.max_output_bytes; }},
    {"local_fs", "_max_list_depth", [](ToolPolicies& p) -> PolicySlot { return &p.files.max_list_depth; }},
    {"local_fs", "_max_grep_matches", [](ToolPolicies& p) -> PolicySlot { return &p.files.max_grep_matches; }},
    {"local_fs", "_max_find_results", [](ToolPolicies& p) -> PolicySlot { return &p.files.max_find_results; }},
    {"local_fs", "_denied_path_substrings",
     [](ToolPolicies& p) -> PolicySlot { return &p.files.denied_path_substrings; }},
    {"local_fs", "_skip_dir_names", [](ToolPolicies& p) -> PolicySlot { return &p.files.skip_dir_names; }},
    {"local_fs", "_list_extensions", [](ToolPolicies& p) -> PolicySlot { return &p.files.list_extensions; }},
    {"webtools", "_allowed_hosts", [](ToolPolicies& p) -> PolicySlot { return &p.web.allowed_hosts; }},
    {"webtools", "_denied_hosts", [](ToolPolicies& p) -> PolicySlot { return &p.web.denied_hosts; }},
    {"webtools", "_allowed_schemes", [](ToolPolicies& p) -> PolicySlot { return &p.web.allowed_schemes; }},
    {"webtools", "_max_response_bytes", [](ToolPolicies& p) -> PolicySlot { return &p.web.max_response_bytes; }},
    {"webtools", "_max_request_body_bytes",
     [](ToolPolicies& p) -> PolicySlot { return &p.web.max_request_body_bytes; }},
    {"webtools", "_disallow_redirects", [](ToolPolicies& p) -> PolicySlot { return &p.web.disallow_redirects; }},
    {"webtools", "_request_timeout_seconds",
     [](ToolPolicies& p) -> PolicySlot { return &p.web.request_timeout_seconds; }},
    {"webtools", "_max_attempts", [](ToolPolicies& p) -> PolicySlot { return &p.web.max_attempts; }},
    {"webtools", "_initial_backoff_ms", [](ToolPolicies& p) -> PolicySlot { return &p.web.initial_backoff_ms; }},
    {"webtools", "_max_backoff_ms", [](ToolPolicies& p) -> PolicySlot { return &p.web.max_backoff_ms; }},
};

inline std::vector<std::string> comma_list(std::string_view text) {
  std::vector<std::string> out;
  for (const std::string_view part : base::split(text, ',')) {
    if (!base::trim(part).empty()) out.emplace_back(base::trim(part));
  }
  return out;
}

inline base::Result<void> put(PolicySlot slot, std::string_view key, std::string_view value) {
  if (auto* const* text = std::get_if<std::string*>(&slot)) **text = std::string(base::trim(value));
  if (auto* const* list = std::get_if<std::vector<std::string>*>(&slot)) **list = comma_list(value);
  // An empty list of what is allowed allows nothing.
  if (auto* const* list = std::get_if<std::optional<std::vector<std::string>>*>(&slot)) **list = comma_list(value);
  if (auto* const* flag = std::get_if<bool*>(&slot)) {
    const std::string word = base::lower(base::trim(value));
    if (word != "true" && word != "1" && word != "false" && word != "0") {
      return base::Error{.code = base::codes::kInvalid,
                         .message = std::string(key) + ": \"" + std::string(value) + "\" is neither true nor false"};
    }
    **flag = word == "true" || word == "1";
  }
  if (auto* const* number = std::get_if<std::optional<std::int64_t>*>(&slot)) {
    const std::string_view digits = base::trim(value);
    std::int64_t parsed = 0;
    const auto [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), parsed);
    if (failed != std::errc() || end != digits.data() + digits.size() || parsed < 0) {
      return base::Error{
          .code = base::codes::kInvalid,
          .message = std::string(key) + ": \"" + std::string(value) + "\" is not a whole number from 0 on"};
    }
    **number = parsed;
  }
  return {};
}

}  // namespace detail

inline base::Result<void> ToolPolicies::set(std::string_view toolset, std::string_view key, std::string_view value) {
  std::vector<std::string> toolsets;
  std::vector<std::string> keys;
  for (const detail::PolicyKey& known : detail::kPolicyKeys) {
    if (known.toolset == toolset && known.key == key) return detail::put(known.slot(*this), key, value);
    if (known.toolset == toolset) keys.emplace_back(known.key);
    if (toolsets.empty() || toolsets.back() != known.toolset) toolsets.emplace_back(known.toolset);
  }
  const bool known_toolset = !keys.empty();
  const std::vector<std::string>& names = known_toolset ? keys : toolsets;
  const std::string_view name = known_toolset ? key : toolset;
  std::string hint = base::did_you_mean(name, names);
  if (hint.empty()) hint = "there are " + base::join(names, ", ");
  return base::Error{.code = base::codes::kNotFound,
                     .message = known_toolset ? std::string(toolset) + " has no policy \"" + std::string(key) + "\""
                                              : "there are no policies for \"" + std::string(toolset) + "\"",
                     .hint = std::move(hint)};
}

}  // namespace lathe::ports
