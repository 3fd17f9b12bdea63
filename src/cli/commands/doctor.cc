#include "lathe/cli/commands/doctor.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "lathe/base/json.h"
#include "lathe/base/strings.h"
#include "lathe/base/utf8.h"
#include "lathe/cli/commands/command.h"
#include "lathe/cli/term/terminal.h"
#include "lathe/client/sandbox.h"
#include "lathe/client/session_health.h"
#include "lathe/protocol/error_codes.h"
#include "lathe/runtime/files.h"

namespace lathe::cli {

namespace p = lathe::protocol;
using base::Result;
using runtime::Async;

namespace {

using State = Finding::State;

std::string_view name_of(State state) {
  switch (state) {
    case State::kGood:
      return "ok";
    case State::kWarning:
      return "warning";
    case State::kBroken:
      return "broken";
  }
  return "";
}

/// One that may not be read opens in no editor.
std::string mend_of_file(const std::string& file) {
  if (::access(file.c_str(), R_OK) == 0 || errno != EACCES) return base::edit_command(file);
  if (runtime::path_exists(file)) return "chmod u+rw " + base::shell_quote(file);
  return "chmod u+rwx " + base::shell_quote(file.substr(0, file.rfind('/')));
}

void check_config(Context& context, std::vector<Finding>& findings) {
  const auto paths = config::find_paths(context.frontend.environment);
  if (!paths.ok()) {
    findings.push_back({State::kBroken, "configuration", paths.error().text(), "export LATHE_HOME=$PWD/.lathe-home"});
    return;
  }
  const std::string edit = base::edit_command(paths->config_file);
  const auto loaded = config::load(*paths, context.frontend.environment);
  if (!loaded.ok()) {
    const base::Error& error = loaded.error();
    // The command is said as what mends it.
    findings.push_back({State::kBroken, "configuration",
                        error.hint == "mend it: " + edit ? error.message : error.text(),
                        mend_of_file(paths->config_file)});
    return;
  }
  findings.push_back({State::kGood, "configuration", paths->config_file, ""});
  for (const std::string& warning : loaded->warnings) {
    findings.push_back({State::kWarning, "configuration", warning, edit});
  }
  for (const config::Backend& backend : loaded->config.backends) {
    const std::string warning = config::cleartext_warning(backend, context.frontend.environment);
    if (!warning.empty()) findings.push_back({State::kWarning, "configuration", warning, edit});
  }
}

void check_data_root(Context& context, std::vector<Finding>& findings) {
  const Result<void> usable = context.frontend.check_data_root();
  if (usable.ok()) {
    findings.push_back({State::kGood, "data root", "writable, on a local disk", ""});
    return;
  }
  const bool full = usable.error().code == base::codes::kNoSpace;
  findings.push_back({State::kBroken, "data root", usable.error().text(),
                      full ? "lathe session rm ID (lathe session list shows them, df -h what the disk holds)"
                           : "export LATHE_HOME=/a/local/writable/folder"});
}

/// Whether PATH has the program, without running it.
bool in_path(Context& context, const std::string& program) {
  const std::string path = context.frontend.environment.get("PATH");
  return std::ranges::any_of(base::split(path, ':'), [&](std::string_view folder) {
    const std::string file = std::string(folder) + "/" + program;
    struct stat status{};
    return ::stat(file.c_str(), &status) == 0 && S_ISREG(status.st_mode) && ::access(file.c_str(), X_OK) == 0;
  });
}

void check_programs(Context& context, std::vector<Finding>& findings) {
  struct Program {
    std::string name;
    State missing;
    std::string why;
    std::string package;
  };
  const std::vector<Program> programs{{"bash", State::kBroken, "commands run in it", "bash"},
                                      {"git", State::kWarning, "repositories are not recognised without it", "git"},
                                      {"rg", State::kWarning, "search is slower without ripgrep", "ripgrep"}};
  for (const Program& program : programs) {
    if (in_path(context, program.name)) {
      findings.push_back({State::kGood, program.name, "found", ""});
    } else {
      findings.push_back(
          {program.missing, program.name, "not in PATH: " + program.why, "sudo apt install " + program.package});
    }
  }
}

void check_terminal(Context& context, std::vector<Finding>& findings) {
  if (!is_terminal(context.frontend.out_fd)) return;
  if (is_capable_terminal(context.frontend.out_fd, context.frontend.environment)) {
    findings.push_back({State::kGood, "terminal", context.frontend.environment.get("TERM"), ""});
  } else {
    findings.push_back(
        {State::kWarning, "terminal", "TERM is not set or \"dumb\": plain text only", "export TERM=xterm-256color"});
  }
}

/// What a person types to mend a backend that failed this way.
std::string mend_of(const p::BackendInfo& backend, const base::Error& error) {
  const bool key = error.code == p::error_codes::kNoKey || error.code == p::error_codes::kAuth;
  if (key && !backend.key_source.empty() && backend.key_source != "command") {
    return fmt::format("export {}=YOUR_KEY", backend.key_source);
  }
  const std::string name = base::shell_quote(backend.name);
  if (backend.origin == "config") return fmt::format("lathe backend remove {} && lathe setup", name);
  return backend.type == "ollama" ? "ollama serve" : "lathe backend test " + name;
}

/// Of the folder that it is asked in.
Async<void> check_workspace(Context* context, std::vector<Finding>* findings) {
  const auto sandbox = context->frontend.open_sandbox();
  const auto cwd = runtime::real_path(".");
  if (!sandbox.ok() || !cwd.ok()) co_return;
  const auto notes = co_await (*sandbox)->tainted(*cwd);
  if (!notes.ok() || notes->empty()) co_return;
  for (const client::TaintNote& note : *notes) {
    findings->push_back({State::kWarning, "workspace", note.text, "lathe sandbox tainted --clear"});
  }
}

Async<void> check_backend(client::Transport* engine, p::BackendInfo backend, std::vector<Finding>* findings) {
  const std::string what = "backend " + backend.name;
  const auto tested = co_await client::call_as(engine, p::BackendTest{.backend = backend.name});
  if (tested.ok()) {
    findings->push_back({State::kGood, what, fmt::format("{} answers, {} models", backend.url, tested->models), ""});
    co_return;
  }
  // Only the backend that is used without a word breaks the installation.
  const State state = backend.is_default ? State::kBroken : State::kWarning;
  findings->push_back({state, what, tested.error().text(), mend_of(backend, tested.error())});
}

Async<void> check_backends(client::Transport* engine, std::string default_name, std::vector<Finding>* findings) {
  const auto list = co_await client::call_as(engine, p::BackendList{});
  if (!list.ok()) {
    findings->push_back({State::kBroken, "backends", list.error().text(), "lathe setup"});
    co_return;
  }
  if (list->backends.empty()) {
    findings->push_back({State::kBroken, "backends", "none is configured or found", "lathe setup"});
    co_return;
  }
  for (const p::BackendInfo& backend : list->backends) co_await check_backend(engine, backend, findings);
  const bool has_default = std::ranges::any_of(list->backends, &p::BackendInfo::is_default);
  if (!has_default) {
    findings->push_back({State::kBroken, "default backend", fmt::format("there is no backend \"{}\"", default_name),
                         "lathe config set default-backend " + base::shell_quote(list->backends[0].name)});
  }
}

Async<void> check_index(client::Transport* engine, std::vector<Finding>* findings) {
  const auto listed = co_await client::call_as(engine, p::SessionList{.limit = 1});
  if (listed.ok()) {
    findings->push_back({State::kGood, "index", "answers", ""});
  } else {
    findings->push_back({State::kBroken, "index", listed.error().text(), "lathe index rebuild"});
  }
}

/// As configured; "" when it is not.
std::string default_backend(const Context& context) {
  const auto paths = config::find_paths(context.frontend.environment);
  if (!paths.ok()) return "";
  const auto loaded = config::load(*paths, context.frontend.environment);
  return loaded.ok() ? loaded->config.default_backend : "";
}

/// Tries from inside what the strongest level of this machine has to refuse.
Async<void> check_confinement(Context* context, std::vector<Finding>* findings) {
  const std::string mend = in_path(*context, "bwrap") ? "lathe sandbox test" : "sudo apt install bubblewrap";
  const auto sandbox = context->frontend.open_sandbox();
  if (!sandbox.ok()) {
    findings->push_back({State::kBroken, "confinement", sandbox.error().text(), mend});
    co_return;
  }
  const auto report = co_await (*sandbox)->test("");
  if (!report.ok()) {
    findings->push_back({State::kBroken, "confinement", report.error().text(), mend});
    co_return;
  }
  const auto failed = [](const client::SandboxCheck& check) { return check.required && !check.refused; };
  if (const auto check = std::ranges::find_if(report->checks, failed); check != report->checks.end()) {
    findings->push_back({State::kBroken, "confinement",
                         fmt::format("level {} does not refuse: {} ({})", report->level, check->text, check->detail),
                         "lathe sandbox test"});
    co_return;
  }
  const bool full = report->level == "full";
  findings->push_back({full ? State::kGood : State::kWarning, "confinement",
                       fmt::format("level {}, {} checks hold", report->level, report->checks.size()),
                       full ? "" : mend});
}

/// What a person types to go on in the place of a damaged session, which nothing but a backup mends. Put away, it is no
/// longer a fault of the installation.
std::string mend_of(const client::DamagedSession& damaged) {
  const std::string archive = "lathe session archive " + damaged.session_id;
  if (damaged.last_turn.empty()) return archive;
  return fmt::format("lathe session fork {} --at {} && {}", damaged.session_id, base::shell_quote(damaged.last_turn),
                     archive);
}

void check_sessions(Context& context, bool deep, std::vector<Finding>& findings) {
  const auto health = context.frontend.check_sessions(deep ? client::ReadStreams::kAll : client::ReadStreams::kNewest);
  if (!health.ok()) {
    findings.push_back(
        {State::kBroken, "sessions", health.error().text(), "export LATHE_HOME=/a/local/writable/folder"});
    return;
  }
  std::string found = fmt::format("{} whole", base::with_thousands(health->whole));
  for (const client::DamagedSession& damaged : health->damaged) {
    if (damaged.archived) found += fmt::format("; {} is damaged and archived", damaged.session_id);
  }
  if (health->unread > 0) {
    found += fmt::format("; {} older ones were not read: lathe doctor --deep", base::with_thousands(health->unread));
  }
  findings.push_back({State::kGood, "sessions", found, ""});
  for (const client::DamagedSession& damaged : health->damaged) {
    if (damaged.archived) continue;
    findings.push_back({State::kBroken, "session " + damaged.session_id, damaged.damage, mend_of(damaged)});
  }
}

Async<void> check_engine(Context* context, std::vector<Finding>* findings) {
  const auto engine = co_await context->open({});
  if (!engine.ok()) {
    findings->push_back(
        {State::kBroken, "engine", engine.error().text(), mend_of_problem(*context, engine.error().message)});
    co_return;
  }
  co_await check_backends(engine->get(), default_backend(*context), findings);
  co_await check_index(engine->get(), findings);
  co_await (*engine)->close();
}

}  // namespace

/// An error in a file starts with its path; what else there is to stumble over is a setting.
std::string mend_of_problem(const Context& context, const std::string& problem) {
  std::string file = problem.substr(0, problem.find(':'));
  if (!file.ends_with(".yaml") || !runtime::path_exists(file)) {
    const auto paths = config::find_paths(context.frontend.environment);
    if (paths.ok()) file = paths->config_file;
  }
  return mend_of_file(file);
}

std::string findings_text(const std::vector<Finding>& findings, const Style& style) {
  std::string out;
  for (const Finding& finding : findings) {
    const Ink ink = finding.state == State::kGood      ? Ink::kGreen
                    : finding.state == State::kWarning ? Ink::kYellow
                                                       : Ink::kRed;
    out += fmt::format("{}  {}: {}\n", style.paint(ink, fmt::format("{:7}", name_of(finding.state))),
                       base::terminal_safe(finding.what), base::terminal_safe(finding.found));
    if (!finding.mend.empty()) out += fmt::format("         mend it: {}\n", base::terminal_safe(finding.mend));
  }
  return out;
}

std::string findings_document(const std::vector<Finding>& findings) {
  base::Json list = base::Json::array();
  for (const Finding& finding : findings) {
    base::Json entry;
    entry["state"] = name_of(finding.state);
    entry["what"] = finding.what;
    entry["found"] = finding.found;
    if (!finding.mend.empty()) entry["mend"] = finding.mend;
    list.push_back(std::move(entry));
  }
  base::Json document;
  document["findings"] = std::move(list);
  document["broken"] = std::ranges::count(findings, State::kBroken, &Finding::state);
  return base::dump_json_pretty(document) + "\n";
}

bool any_broken(const std::vector<Finding>& findings) {
  return std::ranges::find(findings, State::kBroken, &Finding::state) != findings.end();
}

CommandResult execute(Context* context, DoctorOptions options) {
  std::vector<Finding> findings;
  check_config(*context, findings);
  const bool configured = !any_broken(findings);
  check_data_root(*context, findings);
  const bool usable = !any_broken(findings);
  check_programs(*context, findings);
  check_terminal(*context, findings);
  co_await check_workspace(context, &findings);
  // What hangs on a broken configuration or data root would only tell of it once more.
  if (configured) co_await check_confinement(context, &findings);
  if (usable) {
    co_await check_engine(context, &findings);
    // The check of the engine may have started it.
    co_await check_daemon(context, &findings);
    check_sessions(*context, options.deep, findings);
  } else {
    co_await check_daemon_settings(context, &findings);
    findings.push_back({State::kWarning, "not checked",
                        configured ? "backends, index, sessions, daemon and disk need the data root"
                                   : "confinement, backends, index, sessions, daemon and disk go by the configuration",
                        "lathe doctor"});
  }
  context->out.add(options.json ? findings_document(findings) : findings_text(findings, context->out_style));
  co_return any_broken(findings) ? kUsage : kDone;
}

}  // namespace lathe::cli
