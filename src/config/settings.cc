#include "lathe/config/settings.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "lathe/base/strings.h"
#include "lathe/base/utf8.h"
#include "lathe/formats/read.h"
#include "lathe/globs/secret_files.h"

namespace lathe::config {
namespace {

using formats::Node;
using formats::Problems;
using std::chrono::milliseconds;

constexpr std::int64_t kDay = 24LL * 60 * 60 * 1000;
constexpr std::string_view kNeverWord = "never";

std::vector<std::string> approval_policies() {
  std::vector<std::string> names;
  for (const auto& entry : enum_names(protocol::ApprovalPolicy{})) names.emplace_back(entry.name);
  return names;
}

// One row per setting.
const std::vector<SettingSpec>& specs() {  // NOLINT(readability-function-size): a table
  using enum SettingKind;
  static const std::vector<SettingSpec> kSpecs{
      {"default-backend", kText, [](Config& c) -> Slot { return &c.default_backend; },
       "the backend that is used when none is named", "the first one there is"},
      {"default-model", kText, [](Config& c) -> Slot { return &c.default_model; },
       "the model that is used when none is named; may be backend/model, where default-backend is none or that backend",
       "the backend's own default"},
      {"fallback-models", kList, [](Config& c) -> Slot { return &c.fallback_models; },
       "models that are tried in order when the first cannot be used; each may be backend/model", "none"},
      {"approval-policy", kChoice, [](Config& c) -> Slot { return &c.approval_policy; },
       "when a person is asked before something runs", "", approval_policies()},
      {"policy", kText, [](Config& c) -> Slot { return &c.policy; },
       "rules for what is allowed, asked or refused: a preset (default, strict, dev, acp, acpx) or the path of a file",
       "only the files in the folder policies"},
      {"budget.turns", kCount, [](Config& c) -> Slot { return &c.budget.turns; }, "model requests of one Task", "200"},
      {"budget.tool-calls", kCount, [](Config& c) -> Slot { return &c.budget.tool_calls; }, "tool calls of one Task",
       "1000"},
      {"budget.tokens", kCount, [](Config& c) -> Slot { return &c.budget.tokens; },
       "input and output tokens of one Task", "no limit"},
      {"budget.usd", kUsd, [](Config& c) -> Slot { return &c.budget.micro_usd; },
       "US dollars of one Task; models whose price is not known are refused", "no limit"},
      {"budget.time",
       kDuration,
       [](Config& c) -> Slot { return &c.budget.millis; },
       "wall time of one Task",
       "no limit",
       {},
       0,
       365 * kDay},
      {"shell.default-timeout",
       kDuration,
       [](Config& c) -> Slot { return &c.shell.default_timeout; },
       "how long a command may run when the model names no time",
       "",
       {},
       1'000,
       kDay},
      {"shell.max-timeout",
       kDuration,
       [](Config& c) -> Slot { return &c.shell.max_timeout; },
       "how long a command may run at most",
       "",
       {},
       1'000,
       kDay},
      {"agents.max-depth",
       kCount,
       [](Config& c) -> Slot { return &c.agents.max_depth; },
       "how many agents may stand one below the other; 0: none",
       "",
       {},
       0,
       20},
      {"agents.max-count",
       kCount,
       [](Config& c) -> Slot { return &c.agents.max_count; },
       "how many agents of one session may run at once",
       "",
       {},
       1,
       100},
      {"durability",
       kChoice,
       [](Config& c) -> Slot { return &c.durability; },
       "what acknowledged records survive: the death of a process, or a power cut too",
       "",
       {"process", "power"}},
      {"repeated-call-limit", kCount, [](Config& c) -> Slot { return &c.repeated_call_limit; },
       "the same call with the same result so many times in a row ends a Task; 0: never"},
      {"tool-output-tokens",
       kCount,
       [](Config& c) -> Slot { return &c.tool_output_tokens; },
       "tokens of one tool result that the model sees at most",
       "",
       {},
       100,
       1'000'000},
      {"compact-at-percent",
       kCount,
       [](Config& c) -> Slot { return &c.compact_at_percent; },
       "share of the context window at which a conversation is compacted",
       "",
       {},
       10,
       100},
      {"connect-timeout",
       kDuration,
       [](Config& c) -> Slot { return &c.connect_timeout; },
       "how long each of three attempts to connect to a backend may take; longer for a slow line",
       "",
       {},
       100,
       60'000},
      {"answer-timeout",
       kDuration,
       [](Config& c) -> Slot { return &c.answer_timeout; },
       "how long a backend may take to begin its answer (to load a model, to read a long prompt) before it is tried "
       "again; a backend may have its own",
       "",
       {},
       kShortestAnswerTimeout.count(),
       kLongestAnswerTimeout.count()},
      {"stream-idle-timeout",
       kDuration,
       [](Config& c) -> Slot { return &c.stream_idle_timeout; },
       "how long an answer may be silent before it is tried again",
       "",
       {},
       1'000,
       kDay},
      {"thinking-stall-timeout",
       kDuration,
       [](Config& c) -> Slot { return &c.thinking_stall_timeout; },
       "how long a model may think without a sign of progress",
       "",
       {},
       1'000,
       kDay},
      {"project-docs-bytes",
       kCount,
       [](Config& c) -> Slot { return &c.project_docs_bytes; },
       "bytes of AGENTS.md files that the model is given at most; 0: none",
       "",
       {},
       0,
       1 << 20},
      {"project-docs-fallback", kList, [](Config& c) -> Slot { return &c.project_docs_fallback; },
       "names of files that take the place of an AGENTS.md that a folder lacks, the first that is there", "none"},
      {"patch-extent",
       kChoice,
       [](Config& c) -> Slot { return &c.patch_extent; },
       "what is done of a patch of which one change does not fit: nothing, or the changes before it",
       "",
       {"all-or-nothing", "what-fits"}},
      {"secret-files", kList, [](Config& c) -> Slot { return &c.secret_files; },
       "names of files that hold secrets: masked for commands, refused by file tools, left out of snapshots; \"!\" in "
       "front takes one back",
       "none"},
      {"readable-roots", kPaths, [](Config& c) -> Slot { return &c.readable_roots; },
       "folders and files that commands may read besides those of the system, what PATH leads to, and the working "
       "folder: absolute, or from `~/` on; secrets in them stay hidden",
       "none"},
      {"sandbox-mode",
       kChoice,
       [](Config& c) -> Slot { return &c.sandbox_mode; },
       "what commands may write: nothing, the working folder, or everything (then they are not confined at all)",
       "",
       {"read-only", "workspace-write", "full-access"}},
      {"sandbox-level",
       kChoice,
       [](Config& c) -> Slot { return &c.sandbox_level; },
       "the least confinement of commands that is accepted; `lathe sandbox test` shows what each level guarantees",
       "",
       {"full", "namespaces", "landlock"}},
      {"sandbox-waiver",
       kChoice,
       [](Config& c) -> Slot { return &c.sandbox_waiver; },
       "what is accepted where the machine cannot do better: that commands read secret files of the project (level "
       "landlock), or that they are not confined",
       "",
       {"none", "readable-secrets", "unconfined"}},
      {"network",
       kChoice,
       [](Config& c) -> Slot { return &c.network; },
       "what commands may reach: nothing, allowed hosts through a proxy of Lathe's, or everything",
       "",
       {"none", "proxy", "open"}},
      {"allow-hosts", kList, [](Config& c) -> Slot { return &c.allow_hosts; },
       "hosts that commands (network proxy) and web tools reach unasked: names, *.names for all below one, addresses",
       "none"},
      {"egress-bytes", kCount, [](Config& c) -> Slot { return &c.egress_bytes; },
       "bytes that the commands of a session send and receive through the proxy at most"},
      {"memory-bytes",
       kCount,
       [](Config& c) -> Slot { return &c.memory_bytes; },
       "bytes of memory that a command with all its processes takes at most; never more than three quarters of the "
       "machine's",
       "",
       {},
       1},
      {"daemon.auto-start",
       kChoice,
       [](Config& c) -> Slot { return &c.daemon_auto_start; },
       "whether a command starts the daemon when none runs; `never`: it works in its own process then",
       "",
       {"always", "never"}},
      {"daemon.idle-exit",
       kDuration,
       [](Config& c) -> Slot { return &c.daemon_idle_exit; },
       "how long a daemon stays with no client and nothing running",
       "",
       {},
       0,
       365 * kDay,
       /*may_be_never=*/true},
      {"otlp.endpoint", kText, [](Config& c) -> Slot { return &c.otlp_endpoint; },
       "an OpenTelemetry collector that is sent spans of Tasks, model requests and tool calls, without their words "
       "(OTLP/HTTP, JSON), such as http://127.0.0.1:4318",
       "none"},
      {"otlp.headers-variable", kText, [](Config& c) -> Slot { return &c.otlp_headers_variable; },
       "the environment variable with headers for it: name=value, with commas between them", "none"},
      {"otlp.file", kText, [](Config& c) -> Slot { return &c.otlp_file; },
       "a file that the same spans are appended to: an absolute path", "none"},
  };
  return kSpecs;
}

/// Exact, and as parse_duration() reads it: "1h30m", "90ms".
std::string show_duration(std::int64_t millis) {
  if (millis == kNever.count()) return std::string(kNeverWord);
  struct Unit {
    std::int64_t size;
    std::string_view name;
  };
  constexpr std::array kUnits{Unit{3'600'000, "h"}, Unit{60'000, "m"}, Unit{1'000, "s"}, Unit{1, "ms"}};
  std::string out;
  for (const Unit& unit : kUnits) {
    if (millis >= unit.size) out += fmt::format("{}{}", millis / unit.size, unit.name);
    millis %= unit.size;
  }
  return out.empty() ? "0s" : out;
}

std::string show_number(SettingKind kind, std::int64_t value) {
  switch (kind) {
    case SettingKind::kDuration:
      return show_duration(value);
    case SettingKind::kUsd:
      return fmt::format("{}", static_cast<double>(value) / 1e6);
    case SettingKind::kText:
    case SettingKind::kList:
    case SettingKind::kPaths:
    case SettingKind::kChoice:
    case SettingKind::kCount:
      break;
  }
  return std::to_string(value);
}

bool in_bounds(const SettingSpec& spec, std::int64_t value, formats::Position at, Problems& problems) {
  if (value >= spec.min && value <= spec.max) return true;
  const auto show = [&](std::int64_t bound) { return show_number(spec.kind, bound); };
  problems.error(at, spec.max == std::numeric_limits<std::int64_t>::max()
                         ? fmt::format("{} must be at least {}", spec.key, show(spec.min))
                         : fmt::format("{} must be from {} to {}{}", spec.key, show(spec.min), show(spec.max),
                                       spec.may_be_never ? ", or never" : ""));
  return false;
}

/// The value as the whole number that a numeric slot keeps.
std::optional<std::int64_t> read_number(const SettingSpec& spec, const Node& node, Problems& problems) {
  if (spec.kind == SettingKind::kDuration) {
    if (spec.may_be_never && node.text() != nullptr && *node.text() == kNeverWord) return kNever.count();
    milliseconds value{0};
    if (!decode(node, value, problems) || !in_bounds(spec, value.count(), node.at, problems)) return std::nullopt;
    return value.count();
  }
  if (spec.kind == SettingKind::kUsd) {
    double value = 0;
    if (!decode(node, value, problems)) return std::nullopt;
    if (!(value >= 0 && value <= 1e9)) {
      problems.error(node.at, fmt::format("{} must be from 0 to a billion", spec.key));
      return std::nullopt;
    }
    return std::llround(value * 1e6);
  }
  std::int64_t value = 0;
  if (!decode(node, value, problems) || !in_bounds(spec, value, node.at, problems)) return std::nullopt;
  return value;
}

bool read_choice(const SettingSpec& spec, const Node& node, std::string& out, Problems& problems) {
  if (!decode(node, out, problems)) return false;
  if (spec.choices.empty() || std::ranges::find(spec.choices, out) != spec.choices.end()) return true;
  formats::not_a_choice(node.at, out, spec.choices, problems);
  return false;
}

bool read_list(const SettingSpec& spec, const Node& node, std::vector<std::string>& out, Problems& problems) {
  std::vector<std::string> list;
  if (!decode(node, list, problems)) return false;
  for (const std::string& path : list) {
    if (spec.kind != SettingKind::kPaths || path.starts_with('/') || path.starts_with("~/")) continue;
    problems.error(node.at, fmt::format("{}: \"{}\" must begin with / or ~/", spec.key, path));
    return false;
  }
  out = std::move(list);
  return true;
}

}  // namespace

std::vector<std::string> default_secret_files() { return globs::default_secret_patterns(); }

std::span<const SettingSpec> setting_specs() { return specs(); }

base::Result<const SettingSpec*> find_setting(std::string_view key) {
  std::vector<std::string> keys;
  for (const SettingSpec& spec : specs()) {
    if (formats::same_key(spec.key, key)) return &spec;
    keys.emplace_back(spec.key);
  }
  std::string hint = base::did_you_mean(key, keys);
  if (hint.empty()) hint = "lathe config list shows all keys";
  return base::Error{.code = base::codes::kNotFound,
                     .message = fmt::format("there is no setting \"{}\"", key),
                     .hint = std::move(hint)};
}

bool read_setting(const SettingSpec& spec, const Node& node, Config& config, Problems& problems) {
  const Slot slot = spec.slot(config);
  if (auto* const* list = std::get_if<std::vector<std::string>*>(&slot)) return read_list(spec, node, **list, problems);
  if (auto* const* text = std::get_if<std::string*>(&slot)) {
    std::string value;
    const bool good = read_choice(spec, node, value, problems);
    if (good) **text = std::move(value);
    return good;
  }
  if (auto* const* policy = std::get_if<protocol::ApprovalPolicy*>(&slot)) {
    std::string value;
    if (!read_choice(spec, node, value, problems)) return false;
    for (const auto& entry : enum_names(**policy)) {
      if (entry.name == value) **policy = entry.value;
    }
    return true;
  }
  const auto number = read_number(spec, node, problems);
  if (!number) return false;
  if (auto* const* count = std::get_if<std::int64_t*>(&slot)) **count = *number;
  if (auto* const* ceiling = std::get_if<std::optional<std::int64_t>*>(&slot)) **ceiling = number;
  if (auto* const* duration = std::get_if<milliseconds*>(&slot)) **duration = milliseconds(*number);
  return true;
}

Node typed_value(const SettingSpec& spec, std::string_view text) {
  if (spec.kind == SettingKind::kCount || spec.kind == SettingKind::kUsd) return formats::plain_scalar(text);
  if (spec.kind != SettingKind::kList && spec.kind != SettingKind::kPaths) return {.value = std::string(text)};
  Node::List list;
  for (const std::string_view part : base::split(text, ',')) {
    if (!base::trim(part).empty()) list.push_back({.value = std::string(base::trim(part))});
  }
  return {.value = std::move(list)};
}

std::string allowed_values(const SettingSpec& spec) {
  const auto bounds = [&] {
    const std::string least = show_number(spec.kind, spec.min);
    if (spec.max == std::numeric_limits<std::int64_t>::max()) return "at least " + least;
    return "from " + least + " to " + show_number(spec.kind, spec.max);
  };
  switch (spec.kind) {
    case SettingKind::kText:
      return "a text";
    case SettingKind::kList:
      return "a list, separated by commas";
    case SettingKind::kPaths:
      return "a list of paths that begin with / or ~/, separated by commas";
    case SettingKind::kChoice:
      return "one of: " + base::join(spec.choices, ", ");
    case SettingKind::kCount:
      return "a whole number, " + bounds();
    case SettingKind::kUsd:
      return "US dollars from 0 to a billion, such as 2.50";
    case SettingKind::kDuration:
      return "a duration such as 15s, 5m or 1h30m, " + bounds() + (spec.may_be_never ? ", or never" : "");
  }
  return "";
}

base::Error wrong_value(const SettingSpec& spec, std::string_view name, std::string_view text, base::Error why) {
  // Some messages begin with the key, for the file, where it is not named otherwise.
  std::string_view what = why.message;
  if (what.starts_with(spec.key)) what = base::trim(what.substr(spec.key.size()));
  const std::string value = fmt::format("\"{}\"", base::terminal_safe(text));
  why.message = what.contains(value) ? fmt::format("{}: {}", name, what) : fmt::format("{} {}: {}", name, value, what);
  const bool only_guesses = why.hint.starts_with("did you mean");
  if (why.hint.empty() || only_guesses) why.hint += (only_guesses ? " give " : "give ") + allowed_values(spec);
  return why;
}

std::string shown_value(const SettingSpec& spec, const Config& config) {
  struct Shower {
    SettingKind kind;
    std::string operator()(const std::string* text) const { return *text; }
    std::string operator()(const std::vector<std::string>* list) const { return base::join(*list, ","); }
    std::string operator()(const protocol::ApprovalPolicy* policy) const { return std::string(name_of(*policy)); }
    std::string operator()(const std::int64_t* count) const { return show_number(kind, *count); }
    std::string operator()(const std::optional<std::int64_t>* ceiling) const {
      return *ceiling ? show_number(kind, **ceiling) : "";
    }
    std::string operator()(const milliseconds* duration) const { return show_number(kind, duration->count()); }
  };
  Config copy = config;
  return std::visit(Shower{spec.kind}, spec.slot(copy));
}

std::string variable_of(const SettingSpec& spec) {
  std::string name = "LATHE_";
  for (const char c : spec.key) name += c == '-' || c == '.' ? '_' : static_cast<char>(c - 'a' + 'A');
  return name;
}

}  // namespace lathe::config
