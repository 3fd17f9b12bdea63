#include "lathe/tools/common/policed_tool.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "lathe/base/json.h"
#include "lathe/base/strings.h"
#include "lathe/base/utf8.h"
#include "lathe/tools/common/aliases.h"
#include "lathe/tools/common/command_names.h"
#include "lathe/tools/common/links.h"
#include "lathe/tools/common/workspace.h"

namespace lathe::tools::common {

using base::Error;
using base::Json;
using base::Result;
using ports::FilePolicy;
using ports::ShellPolicy;
using ports::ToolPolicies;
using ports::WebPolicy;
using runtime::Async;

namespace {

Error refuse_by_policy(std::string message, std::string hint = "") {
  return {.code = base::codes::kPermission, .message = std::move(message), .hint = std::move(hint)};
}

// ---- files

bool is_below(const std::string& path, const std::string& folder) {
  return path == folder || folder == "/" || path.starts_with(folder + "/");
}

Result<std::string> folder_of(const std::string& allowed_dir, const std::string& cwd) {
  TRY(const Place place, place_of(cwd, allowed_dir));
  return with_links_resolved(place).real;
}

const std::string* denied_text(const FilePolicy& policy, const std::string& path) {
  const auto found = std::ranges::find_if(
      policy.denied_path_substrings, [&](const std::string& text) { return path.find(text) != std::string::npos; });
  return found == policy.denied_path_substrings.end() ? nullptr : &*found;
}

/// Blocks.
Result<void> check_path(const FilePolicy& policy, const std::string& cwd, const std::string& path) {
  TRY(const Place place, place_of(cwd, path));
  const std::string real = with_links_resolved(place).real;
  for (const std::string& form : {place.absolute, real}) {
    if (const std::string* text = denied_text(policy, form)) {
      return refuse_by_policy(
          fmt::format("{}: paths with \"{}\" in them are denied here (_denied_path_substrings)", place.shown(), *text));
    }
  }
  if (policy.allowed_dir.empty()) return {};
  TRY(const std::string folder, folder_of(policy.allowed_dir, cwd));
  if (is_below(real, folder)) return {};
  return refuse_by_policy(
      fmt::format("{} is outside of {}, the folder that is allowed here (_allowed_dir)", place.shown(), folder));
}

// ---- commands

std::string_view base_name(std::string_view program) { return program.substr(program.rfind('/') + 1); }

/// "mkfs" is mkfs and mkfs.ext4.
bool is_named(std::string_view word, const std::string& name) {
  const std::string_view program = base_name(word);
  return program == name || (program.size() > name.size() && program.starts_with(name) && program[name.size()] == '.');
}

/// A program of the system, or one that is looked up there: `./git` is not git.
bool is_of_system(std::string_view program) {
  constexpr std::array kFolders{"/bin/", "/sbin/", "/usr/bin/", "/usr/sbin/", "/usr/local/bin/"};
  if (program.find('/') == std::string_view::npos) return true;
  return std::ranges::any_of(kFolders, [&](std::string_view folder) {
    return program.starts_with(folder) && program.find('/', folder.size()) == std::string_view::npos;
  });
}

/// The line that argv has the shell read; empty when it is no shell with a line.
std::string_view script_of(const std::vector<std::string>& argv) {
  const bool shell = argv.size() == 3 && argv[0].ends_with("sh") && (argv[1] == "-c" || argv[1] == "-lc");
  return shell ? std::string_view(argv[2]) : std::string_view();
}

Result<void> check_command(const ShellPolicy& policy, const std::string& cwd, const ports::Action& action) {
  if (!policy.allowed_dir.empty()) {
    TRY(const std::string folder, folder_of(policy.allowed_dir, cwd));
    if (!is_below(with_links_resolved({.absolute = action.cwd, .relative = {}}).real, folder)) {
      return refuse_by_policy(fmt::format("commands run in {} here, not in {} (_allowed_dir)", folder, action.cwd));
    }
  }
  if (!policy.allowed_commands && policy.denied_commands.empty()) return {};
  CommandNames names;
  // What is typed into a shell comes in pieces, of which each must be whole lines to be told.
  const bool typed = action.command.size() == 3 && action.command[0] == "write_stdin";
  if (typed && !action.script.ends_with('\n')) {
    return refuse_by_policy("only whole lines may be typed here, ended by a line break (policies limit the commands)");
  }
  const std::string_view script = typed ? std::string_view(action.script) : script_of(action.command);
  if (script.empty()) {
    if (!action.command.empty()) names.started = {action.command.front()};
    names.words = action.command;
  } else {
    TRY(names, command_names(script));
  }
  for (const std::string& name : policy.denied_commands) {
    for (const std::string& word : names.words) {
      if (is_named(word, name))
        return refuse_by_policy(fmt::format("the command \"{}\" is denied here (_denied_commands)", word));
    }
  }
  if (!policy.allowed_commands) return {};
  for (const std::string& program : names.started) {
    const bool allowed = std::ranges::any_of(*policy.allowed_commands, [&](const std::string& name) {
      return program == name || (is_of_system(program) && base_name(program) == name);
    });
    if (allowed) continue;
    return refuse_by_policy(fmt::format("the command \"{}\" is not allowed here (_allowed_commands)", program),
                            "allowed are " + base::join(*policy.allowed_commands, ", "));
  }
  return {};
}

// ---- web

struct UrlParts {
  std::string scheme;
  std::string host;
};

Result<UrlParts> parts_of_url(const std::string& url) {
  const std::size_t colon = url.find("://");
  if (colon == std::string::npos)
    return refuse_by_policy(fmt::format("\"{}\" is not a URL", base::utf8_prefix(url, 200)));
  std::string_view authority = std::string_view(url).substr(colon + 3);
  authority = authority.substr(0, authority.find_first_of("/?#\\"));
  authority = authority.substr(authority.rfind('@') + 1);
  if (!authority.starts_with('[')) authority = authority.substr(0, authority.find(':'));
  std::string host = base::lower(authority);
  while (host.ends_with('.')) host.pop_back();
  return UrlParts{.scheme = base::lower(std::string_view(url).substr(0, colon)), .host = std::move(host)};
}

bool is_host(const std::string& host, const std::string& pattern) {
  std::string name = base::lower(pattern);
  if (name.starts_with("*.")) name.erase(0, 2);
  return host == name || host.ends_with("." + name);
}

Result<void> check_web(const WebPolicy& policy, const Json& arguments) {
  const auto size = static_cast<std::int64_t>(base::json_string(arguments, "body").size());
  if (policy.max_request_body_bytes && size > *policy.max_request_body_bytes) {
    return refuse_by_policy(fmt::format("the body has {} bytes; {} are allowed here (_max_request_body_bytes)", size,
                                        *policy.max_request_body_bytes));
  }
  TRY(const UrlParts url, parts_of_url(base::json_string(arguments, "url")));
  const auto matches = [&](const std::string& pattern) { return is_host(url.host, pattern); };
  if (policy.allowed_schemes &&
      std::ranges::find(*policy.allowed_schemes, url.scheme) == policy.allowed_schemes->end()) {
    return refuse_by_policy(fmt::format("the scheme \"{}\" is not allowed here (_allowed_schemes)", url.scheme));
  }
  if (std::ranges::any_of(policy.denied_hosts, matches)) {
    return refuse_by_policy(fmt::format("the host {} is denied here (_denied_hosts)", url.host));
  }
  if (policy.allowed_hosts && std::ranges::none_of(*policy.allowed_hosts, matches)) {
    return refuse_by_policy(fmt::format("the host {} is not allowed here (_allowed_hosts)", url.host),
                            "allowed are " + base::join(*policy.allowed_hosts, ", "));
  }
  return {};
}

// ---- output

struct OutputLimits {
  std::int64_t bytes = std::numeric_limits<std::int64_t>::max();
  std::int64_t lines = std::numeric_limits<std::int64_t>::max();
  /// Lines that name such a path are left out; `place` is what their paths start from.
  std::vector<std::string> denied;
  std::string place;
  /// What the lines are: text, paths, path:line:text, or the entries of a folder.
  enum class Lines { kText, kPaths, kMatches, kEntries };
  Lines what = Lines::kText;
  /// Names of folders; lines of what lies in such are left out.
  std::vector<std::string> skipped;
  /// Endings with their dot, one list for each policy; other files are left out of the entries of a folder.
  std::vector<std::vector<std::string>> extensions;

  void at_most(std::int64_t& limit, const std::optional<std::int64_t>& other) const {
    if (other) limit = std::min(limit, *other);
  }
};

/// The path at the start of a line of a listing or search; of an entry its name, of a folder's with a "/" at its end.
std::string_view path_of(OutputLimits::Lines what, std::string_view line) {
  if (line.ends_with('\n')) line.remove_suffix(1);
  if (what == OutputLimits::Lines::kMatches) {
    // A colon with a number after it; a name may hold others.
    for (std::size_t colon = line.find(':'); colon != std::string_view::npos; colon = line.find(':', colon + 1)) {
      const std::size_t end = line.find_first_not_of("0123456789", colon + 1);
      if (end != std::string_view::npos && end > colon + 1 && line[end] == ':') return line.substr(0, colon);
    }
  }
  if (what == OutputLimits::Lines::kEntries && !line.ends_with('/')) {
    const std::size_t link = line.find(" -> ");
    return line.substr(0, link != std::string_view::npos ? link : line.rfind(" ("));
  }
  return line;
}

bool leaves_out(const OutputLimits& limits, std::string_view line) {
  if (limits.what == OutputLimits::Lines::kText) return false;
  const std::string_view path = path_of(limits.what, line);
  const auto parts = base::split(path, '/');
  for (std::size_t i = 0; i + 1 < parts.size(); ++i) {
    if (std::ranges::find(limits.skipped, parts[i]) != limits.skipped.end()) return true;
  }
  const bool note = line.starts_with('[') || line.starts_with('(');
  const bool file = limits.what == OutputLimits::Lines::kEntries && !path.ends_with('/') && !note;
  return file && !std::ranges::all_of(limits.extensions, [&](const std::vector<std::string>& allowed) {
           return std::ranges::any_of(allowed, [&](const std::string& extension) { return path.ends_with(extension); });
         });
}

/// Hands on what the limits let through, whole lines at a time where lines count.
class LimitedSink final : public ports::OutputSink {
 public:
  LimitedSink(ports::OutputSink& out, const OutputLimits& limits) : out_(out), limits_(limits) {}

  void write(protocol::OutputStream stream, std::string_view bytes) override {
    stream_ = stream;
    const bool by_line = !limits_.denied.empty() || !limits_.skipped.empty() || !limits_.extensions.empty() ||
                         limits_.lines != std::numeric_limits<std::int64_t>::max();
    if (!by_line) return give(bytes);
    pending_ += bytes;
    for (std::size_t end = 0; (end = pending_.find('\n')) != std::string::npos;) {
      take_line(std::string_view(pending_).substr(0, end + 1));
      pending_.erase(0, end + 1);
    }
  }
  void finish() {
    if (!pending_.empty()) take_line(pending_);
    if (cut_) out_.write(stream_, "\n[the rest is left out: a policy of this agent limits the output]\n");
  }

 private:
  void take_line(std::string_view line) {
    const std::string whole = limits_.place + "/" + std::string(line);
    const bool denied = std::ranges::any_of(
        limits_.denied, [&](const std::string& text) { return whole.find(text) != std::string::npos; });
    if (denied || leaves_out(limits_, line)) return;
    if (lines_ >= limits_.lines) {
      cut_ = true;
      return;
    }
    ++lines_;
    give(line);
  }
  void give(std::string_view bytes) {
    const std::int64_t room = limits_.bytes - bytes_;
    if (static_cast<std::int64_t>(bytes.size()) > room) {
      cut_ = true;
      bytes = base::utf8_prefix(bytes, static_cast<std::size_t>(std::max<std::int64_t>(room, 0)));
      bytes_ = limits_.bytes;
    } else {
      bytes_ += static_cast<std::int64_t>(bytes.size());
    }
    if (!bytes.empty()) out_.write(stream_, bytes);
  }

  ports::OutputSink& out_;
  const OutputLimits& limits_;
  protocol::OutputStream stream_ = protocol::OutputStream::kStdout;
  std::string pending_;
  std::int64_t bytes_ = 0;
  std::int64_t lines_ = 0;
  bool cut_ = false;
};

class LimitedCall final : public ports::PreparedCall {
 public:
  LimitedCall(std::unique_ptr<ports::PreparedCall> call, OutputLimits limits)
      : call_(std::move(call)), limits_(std::move(limits)) {}

  [[nodiscard]] const ports::Action& action() const override { return call_->action(); }
  [[nodiscard]] std::string title() const override { return call_->title(); }
  Async<Result<ports::RunResult>> run(ports::OutputSink& out, runtime::CancelToken cancel) override {
    LimitedSink limited(out, limits_);
    auto result = co_await call_->run(limited, std::move(cancel));
    limited.finish();
    co_return result;
  }
  [[nodiscard]] std::unique_ptr<ports::PreparedCall> outside_sandbox(const std::string& refused) const override {
    auto outside = call_->outside_sandbox(refused);
    return outside ? std::make_unique<LimitedCall>(std::move(outside), limits_) : nullptr;
  }

 private:
  std::unique_ptr<ports::PreparedCall> call_;
  const OutputLimits limits_;
};

// ---- the tool

/// Arguments that name places, whatever the tool.
constexpr std::array<std::string_view, 4> kPathArguments{"path", "workdir", "destination", "to"};

std::vector<std::string> paths_of(const Json& arguments, const ports::Action& action) {
  std::vector<std::string> paths;
  for (const std::string_view name : kPathArguments) {
    const Json& value = base::json_at(arguments, name);
    if (value.is_string()) paths.push_back(value.get<std::string>());
    if (!value.is_array()) continue;
    for (const Json& one : value) {
      if (one.is_string()) paths.push_back(one.get<std::string>());
    }
  }
  for (const protocol::FileChange& change : action.changes) {
    paths.push_back(change.path);
    if (!change.move_path.empty()) paths.push_back(change.move_path);
  }
  for (const std::string& path : action.opened) {
    if (std::ranges::find(paths, path) == paths.end()) paths.push_back(path);
  }
  if (paths.empty() && action.kind == ports::Action::Kind::kRead) paths.emplace_back(".");
  return paths;
}

OutputLimits::Lines lines_of(std::string_view tool) {
  if (tool == "grep") return OutputLimits::Lines::kMatches;
  if (tool == "glob" || tool == "find_files") return OutputLimits::Lines::kPaths;
  return tool == "list_dir" ? OutputLimits::Lines::kEntries : OutputLimits::Lines::kText;
}

std::vector<std::string> with_dots(std::vector<std::string> extensions) {
  for (std::string& extension : extensions) {
    if (!extension.starts_with('.')) extension.insert(0, 1, '.');
  }
  return extensions;
}

class PolicedTool final : public ports::Tool {
 public:
  PolicedTool(std::unique_ptr<ports::Tool> tool, std::vector<ToolPolicies> policies, runtime::Pool& pool)
      : tool_(std::move(tool)), policies_(std::move(policies)), pool_(pool), toolset_(toolset_of(tool_->spec().name)) {}

  [[nodiscard]] const ports::ToolSpec& spec() const override { return tool_->spec(); }
  [[nodiscard]] bool read_only() const override { return tool_->read_only(); }

  Async<Result<std::unique_ptr<ports::PreparedCall>>> prepare(const protocol::ToolCall& call,
                                                              const ports::ToolEnvironment& environment) override {
    auto parsed = base::parse_json(call.arguments);
    const Json arguments = parsed.ok() ? *std::move(parsed) : Json::object();
    const std::string cwd = environment.cwd;
    // Before the tool looks at anything, and again with what it found out: a patch names its files in its text.
    CO_TRY_OK(
        co_await check(arguments, ports::Action{.kind = ports::Action::Kind::kOther, .cwd = cwd}, cwd, Look::kFirst));
    ports::ToolEnvironment narrowed = environment;
    for (const ToolPolicies& policy : policies_) narrowed.web.push_back(policy.web);
    CO_TRY(auto prepared, co_await tool_->prepare(call, narrowed));
    const ports::Action action = prepared->action();
    CO_TRY_OK(co_await check(arguments, action, cwd, Look::kPrepared));
    co_return std::make_unique<LimitedCall>(std::move(prepared), limits(arguments, cwd));
  }

 private:
  enum class Look { kFirst, kPrepared };

  Async<Result<void>> check(Json arguments, ports::Action action, std::string cwd, Look look) {
    const bool touches_files = toolset_ == "local_fs" || !action.changes.empty();
    const std::vector<std::string> paths = paths_of(arguments, action);
    const bool lists = tool_->spec().name == "list_dir";
    const bool runs = look == Look::kPrepared && action.kind == ports::Action::Kind::kCommand;
    // The jobs of the pool are done before this frame goes.
    const auto job = [&]() -> Result<void> {
      for (const ToolPolicies& policy : policies_) {
        if (runs) TRY_OK(check_command(policy.shell, cwd, action));
        if (!touches_files) continue;
        if (lists && policy.files.max_list_depth == 0)
          return refuse_by_policy("folders are not listed here (_max_list_depth)");
        for (const std::string& path : paths) TRY_OK(check_path(policy.files, cwd, path));
      }
      return {};
    };
    CO_TRY_OK(co_await pool_.run(job));
    if (toolset_ != "webtools" || look == Look::kPrepared) co_return Result<void>();
    for (const ToolPolicies& policy : policies_) CO_TRY_OK(check_web(policy.web, arguments));
    co_return Result<void>();
  }

  [[nodiscard]] OutputLimits limits(const Json& arguments, const std::string& cwd) const {
    OutputLimits limits;
    const std::string& name = tool_->spec().name;
    for (const ToolPolicies& policy : policies_) {
      if (toolset_ == "webtools") limits.at_most(limits.bytes, policy.web.max_response_bytes);
      if (toolset_ != "local_fs") continue;
      const FilePolicy& files = policy.files;
      limits.at_most(limits.bytes, files.max_output_bytes);
      if (name == "read_file") limits.at_most(limits.bytes, files.max_read_bytes);
      if (name == "grep") limits.at_most(limits.lines, files.max_grep_matches);
      if (name == "glob" || name == "find_files") limits.at_most(limits.lines, files.max_find_results);
      limits.what = lines_of(name);
      if (limits.what == OutputLimits::Lines::kText) continue;
      limits.denied.insert(limits.denied.end(), files.denied_path_substrings.begin(),
                           files.denied_path_substrings.end());
      limits.skipped.insert(limits.skipped.end(), files.skip_dir_names.begin(), files.skip_dir_names.end());
      if (limits.what == OutputLimits::Lines::kEntries && files.list_extensions) {
        limits.extensions.push_back(with_dots(*files.list_extensions));
      }
    }
    // Searches tell paths from the working folder, listings names below the folder.
    limits.place = cwd;
    if (name == "list_dir") {
      const auto place = place_of(cwd, base::json_string(arguments, "path", "."));
      if (place.ok()) limits.place = place->absolute;
    }
    return limits;
  }

  std::unique_ptr<ports::Tool> tool_;
  const std::vector<ToolPolicies> policies_;
  runtime::Pool& pool_;
  const std::string_view toolset_;
};

}  // namespace

std::unique_ptr<ports::Tool> policed(std::unique_ptr<ports::Tool> tool, std::vector<ToolPolicies> policies,
                                     runtime::Pool& pool) {
  return std::make_unique<PolicedTool>(std::move(tool), std::move(policies), pool);
}

}  // namespace lathe::tools::common
