#include "lathe/gateways/http/agentruntime_request.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <utility>

#include "lathe/base/json.h"
#include "lathe/base/strings.h"
#include "lathe/runtime/files.h"

namespace lathe::gateways::http {

using base::Error;
using base::Json;
using base::Result;

namespace {

constexpr std::string_view kNative = "native";
constexpr std::string_view kLocal = "local";
/// Fields of a SessionRequest that the native agent does not honour.
constexpr std::array<std::string_view, 10> kNotHonoured{
    "pty", "volumes", "lifecycle", "claude", "codex", "auto_discover", "mcp_servers", "container", "team", "effort"};
constexpr std::string_view kWorkspace = "/workspace";
/// Folders with keys, as paths below any other.
constexpr std::array<std::string_view, 7> kKeyFolders{".ssh",           ".gnupg",           ".aws", ".kube", ".docker",
                                                      ".config/gcloud", "Library/Keychains"};
/// Nobody's project lies in there.
constexpr std::array<std::string_view, 6> kSystemFolders{"/etc", "/boot", "/dev", "/proc", "/sys", "/run"};

Error refuse_body(std::string message, std::string hint = "") {
  return {.code = base::codes::kInvalid, .message = std::move(message), .hint = std::move(hint)};
}

std::optional<std::int64_t> whole_number(std::string_view text, std::int64_t least) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  return whole && number >= least ? std::optional(number) : std::nullopt;
}

Result<std::string> text_field(const Json& body, std::string_view name) {
  const Json& value = base::json_at(body, name);
  if (value.is_null()) return std::string();
  if (!value.is_string()) return refuse_body(fmt::format("{}: expected a string, not a {}", name, value.type_name()));
  return value.get<std::string>();
}

/// {"repo": "x"} as `repo=x`, of an object of strings that may be absent.
Result<std::vector<std::string>> pairs_of(const Json& body, std::string_view field) {
  std::vector<std::string> pairs;
  const Json& members = base::json_at(body, field);
  if (members.is_null()) return pairs;
  if (!members.is_object()) return refuse_body(fmt::format("{}: expected an object of strings", field));
  for (const auto& [name, value] : members.items()) {
    if (!value.is_string()) return refuse_body(fmt::format("{}.{}: expected a string", field, name));
    if (name.empty() || name.contains('=')) return refuse_body(fmt::format("{}: \"{}\" is no name", field, name));
    pairs.push_back(fmt::format("{}={}", name, value.get_ref<const std::string&>()));
  }
  return pairs;
}

Result<std::vector<std::string>> tags_of(const Json& body) {
  TRY(std::vector<std::string> tags, pairs_of(body, "tags"));
  TRY(const std::string task_id, text_field(body, "task_id"));
  if (!task_id.empty()) tags.insert(tags.begin(), tag_of(kTaskIdTag, task_id));
  return tags;
}

Result<std::vector<std::string>> environment_of(const Json& body) {
  TRY(std::vector<std::string> environment, pairs_of(body, "env"));
  for (const std::string& variable : environment) {
    if (variable.contains('\0')) return refuse_body("env: a variable holds no byte 0");
  }
  return environment;
}

/// Left out, or what a client's library writes for that.
bool is_unset(const Json& value) {
  if (value.is_boolean()) return !value.get<bool>();
  if (value.is_string()) return value.get_ref<const std::string&>().empty();
  return value.is_null() || ((value.is_object() || value.is_array()) && value.empty());
}

/// The folder of the one mount that says what work_dir says; empty without any.
Result<std::string> mounted_folder(const Json& body) {
  const Json& mounts = base::json_at(body, "mounts");
  if (mounts.is_null() || (mounts.is_array() && mounts.empty())) return std::string();
  if (!mounts.is_array()) return refuse_body("mounts: expected a list");
  const Json& mount = mounts.front();
  const auto is_one_of = [&mount](std::string_view name, std::string_view usual) {
    const std::string value = base::json_string(mount, name);
    return value == usual || (value.empty() && is_unset(base::json_at(mount, name)));
  };
  const bool is_work_dir = mounts.size() == 1 && mount.is_object() &&
                           base::json_string(mount, "container") == kWorkspace && is_one_of("mode", "rw") &&
                           is_one_of("type", "bind");
  if (!is_work_dir) {
    return refuse_body(fmt::format("mounts: with agent \"{}\" there is one, writable, at {}", kNative, kWorkspace),
                       "work_dir: the folder in which the agent works");
  }
  return text_field(mount, "host");
}

Result<std::string> work_dir_of(const Json& body) {
  TRY(std::string folder, text_field(body, "work_dir"));
  TRY(std::string mounted, mounted_folder(body));
  if (folder.empty()) return mounted;
  if (mounted.empty() || mounted == folder) return folder;
  return refuse_body(fmt::format("work_dir is {}, and mounts name {}", folder, mounted), "leave one of them out");
}

Result<void> check_agent(const std::string& agent, const std::string& runtime) {
  if (agent.empty()) return refuse_body("agent is required", "\"agent\": \"native\"");
  if (agent != kNative) {
    return refuse_body(fmt::format("agent \"{}\" is not available here", agent), "\"agent\": \"native\"");
  }
  if (!runtime.empty() && runtime != kLocal) {
    return refuse_body(fmt::format("runtime \"{}\" is not available here", runtime), "\"runtime\": \"local\"");
  }
  return {};
}

bool is_folder(const std::string& path) {
  struct stat status{};
  return ::stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

/// A path of which every "/" begins a name.
Result<void> check_place(const std::string& path) {
  if (path == "/") return refuse_body("work_dir: / is not a place to work in");
  const std::string closed = path + "/";
  for (const std::string_view folder : kSystemFolders) {
    if (closed.starts_with(fmt::format("{}/", folder)))
      return refuse_body(fmt::format("work_dir: {} is the system's", path));
  }
  for (const std::string_view folder : kKeyFolders) {
    if (closed.contains(fmt::format("/{}/", folder))) {
      return refuse_body(fmt::format("work_dir: {} is inside of a folder with keys", path));
    }
    if (is_folder(closed + std::string(folder))) {
      return refuse_body(fmt::format("work_dir: {} holds keys, in {}", path, folder), "a folder of one project");
    }
  }
  return {};
}

}  // namespace

std::string tag_of(std::string_view name, std::string_view value) { return fmt::format("{}={}", name, value); }

AgentruntimeTags named_tags(const std::vector<std::string>& tags) {
  AgentruntimeTags named;
  for (const std::string_view tag : tags) {
    const std::size_t equals = tag.find('=');
    if (equals == std::string_view::npos) continue;
    std::string value(tag.substr(equals + 1));
    if (tag.substr(0, equals) == kTaskIdTag) {
      named.task_id = std::move(value);
    } else {
      named.tags.emplace(tag.substr(0, equals), std::move(value));
    }
  }
  return named;
}

std::vector<std::string> replaced_tags(const std::vector<std::string>& had, const std::vector<std::string>& given) {
  std::vector<std::string> replaced;
  for (const std::string& tag : had) {
    const std::size_t equals = tag.find('=');
    if (equals == std::string::npos) continue;
    const std::string_view named = std::string_view(tag).substr(0, equals + 1);
    const bool is_named = std::ranges::any_of(given, [&](const std::string& one) { return one.starts_with(named); });
    if (is_named && std::ranges::find(given, tag) == given.end()) replaced.push_back(tag);
  }
  return replaced;
}

Result<AgentruntimeRequest> parse_agentruntime_request(std::string_view text) {
  TRY(const Json body, base::parse_json(text).within("the body"));
  if (!body.is_object()) return refuse_body("the body is no JSON object");
  TRY(const std::string agent, text_field(body, "agent"));
  TRY(const std::string runtime, text_field(body, "runtime"));
  TRY_OK(check_agent(agent, runtime));
  for (const std::string_view name : kNotHonoured) {
    if (is_unset(base::json_at(body, name))) continue;
    return refuse_body(fmt::format("{} is not honoured with agent \"{}\"", name, kNative), "leave it out");
  }
  AgentruntimeRequest request;
  const Json& interactive = base::json_at(body, "interactive");
  if (!interactive.is_null() && !interactive.is_boolean()) return refuse_body("interactive: expected true or false");
  request.interactive = interactive.is_boolean() && interactive.get<bool>();
  TRY(request.prompt, text_field(body, "prompt"));
  if (request.prompt.empty() && !request.interactive)
    return refuse_body("prompt is required unless interactive is true");
  TRY(request.model, text_field(body, "model"));
  TRY(request.name, text_field(body, "name"));
  TRY(request.session_id, text_field(body, "session_id"));
  TRY(request.tags, tags_of(body));
  TRY(request.environment, environment_of(body));
  TRY(const std::string timeout, text_field(body, "timeout"));
  if (!timeout.empty()) {
    TRY(request.timeout, base::parse_duration(timeout).within("timeout"));
  }
  TRY(request.resume_session, text_field(body, "resume_session"));
  TRY(request.work_dir, work_dir_of(body));
  if (request.work_dir.empty() && request.resume_session.empty())
    return refuse_body("work_dir is required", "the folder in which the agent works");
  return request;
}

Result<void> check_work_dir(const std::string& path) {
  if (!path.starts_with('/')) return refuse_body(fmt::format("work_dir: \"{}\" is not an absolute path", path));
  if ((path + "/").contains("/../")) {
    return refuse_body(fmt::format("work_dir: {} has \"..\" in it", path));
  }
  const Result<std::string> real = runtime::real_path(path);
  if (!real.ok()) return refuse_body(fmt::format("work_dir: {}", real.error().message));
  if (!is_folder(*real)) return refuse_body(fmt::format("work_dir: {} is not a folder", path));
  return check_place(*real);
}

Result<std::int64_t> offset_parameter(const net::IncomingRequest& request, std::string_view name, std::int64_t fallback,
                                      std::int64_t least) {
  const std::string_view text = request.parameter(name).value_or("");
  if (text.empty()) return fallback;
  if (const auto offset = whole_number(text, least)) return *offset;
  return refuse_body(fmt::format("{}: \"{}\" is no place in a log", name, text),
                     "a byte offset; 0: from its beginning");
}

Result<std::int64_t> count_parameter(const net::IncomingRequest& request, std::string_view name,
                                     std::int64_t fallback) {
  const std::string_view text = request.parameter(name).value_or("");
  if (text.empty()) return fallback;
  if (const auto count = whole_number(text, /*least=*/1)) return *count;
  return refuse_body(fmt::format("{}: \"{}\" is no number of at least 1", name, text), "how many to give at most");
}

}  // namespace lathe::gateways::http
