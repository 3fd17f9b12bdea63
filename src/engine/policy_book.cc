#include "lathe/engine/policy_book.h"

#include <dirent.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "lathe/base/strings.h"
#include "lathe/egress/host_rules.h"
#include "lathe/engine/questions.h"
#include "lathe/policy/presets.h"
#include "lathe/policy/rule_file.h"
#include "lathe/protocol/error_codes.h"
#include "lathe/runtime/files.h"

namespace lathe::engine {

using base::Error;
using base::Result;
using policy::Source;

namespace {

/// Where a repository keeps skills and agents, as facts/file_catalog.h finds them.
constexpr std::array kOffered{"/.lathe/skills", "/.agents/skills", "/.claude/skills", "/.lathe/agents"};

/// Names in the folder, sorted; none when it does not exist.
Result<std::vector<std::string>> rule_files(const std::string& folder) {
  std::vector<std::string> names;
  struct Close {
    void operator()(DIR* open) const { closedir(open); }
  };
  const std::unique_ptr<DIR, Close> open(opendir(folder.c_str()));
  if (!open && errno == ENOENT) return names;
  if (!open) return base::errno_error(errno, folder);
  while (const dirent* entry = readdir(open.get())) {
    if (is_rule_file(entry->d_name)) names.emplace_back(entry->d_name);
  }
  std::ranges::sort(names);
  return names;
}

std::shared_ptr<const policy::RuleSet> share(policy::RuleSet rules) {
  return std::make_shared<const policy::RuleSet>(std::move(rules));
}

/// Whether rules name each host. Rules that cannot be read name none.
bool all_named(const std::vector<std::string>& allow_hosts, const std::vector<std::string>& hosts) {
  const auto rules = egress::HostRules::parse(allow_hosts);
  if (!rules.ok() || hosts.empty()) return false;
  return std::ranges::all_of(hosts, [&](const std::string& name) {
    const auto host = egress::canonical_host(name);
    return host.ok() && rules->match(*host).has_value();
  });
}

}  // namespace

protocol::SandboxMode configured_mode(const config::Config& config) {
  protocol::SandboxMode mode = protocol::SandboxMode::kWorkspaceWrite;
  for (const auto& entry : enum_names(mode)) {
    if (entry.name == config.sandbox_mode) mode = entry.value;
  }
  return mode;
}

Result<std::unique_ptr<PolicyBook>> PolicyBook::read(PolicyPlaces places) {
  std::unique_ptr<PolicyBook> book(new PolicyBook(std::move(places)));
  TRY_OK(book->read_person());
  return book;
}

Result<void> PolicyBook::add(Source::Kind kind, const std::string& path) {
  TRY(const std::string text, runtime::read_file(path, policy::kMaxRuleFileBytes));
  TRY(policy::RuleSet rules, policy::load_rules(text, path, places_.facts));
  for (const std::string& warning : rules.warnings) {
    if (places_.on_warning) places_.on_warning(warning);
  }
  if (kind == Source::Kind::kApproved) {
    approved_ = share(std::move(rules));
  } else {
    person_.push_back({.kind = kind, .rules = share(std::move(rules))});
  }
  return {};
}

Result<void> PolicyBook::add_named(const std::string& name) {
  if (name.contains('/')) return add(Source::Kind::kPerson, name);
  TRY(policy::RuleSet preset, policy::preset(name));
  person_.push_back({.kind = Source::Kind::kPerson, .rules = share(std::move(preset))});
  return {};
}

Result<void> PolicyBook::read_person() {
  if (!places_.only.empty()) return add_named(places_.only).within("--policy");
  if (!places_.policy.empty()) TRY_OK(add_named(places_.policy).within("policy"));
  TRY(const std::vector<std::string> names, rule_files(places_.folder));
  for (const std::string& name : names) {
    const std::string path = places_.folder + "/" + name;
    TRY_OK(add(path == approved_file() ? Source::Kind::kApproved : Source::Kind::kPerson, path));
  }
  return {};
}

void PolicyBook::put_person_of(PolicyBook fresh) {
  // What const functions read on a pool stays as it is.
  places_.policy = std::move(fresh.places_.policy);
  places_.readable = std::move(fresh.places_.readable);
  person_ = std::move(fresh.person_);
  approved_ = std::move(fresh.approved_);
}

std::vector<Source> PolicyBook::sources_for(const std::string& cwd) const {
  std::vector<Source> sources = person_;
  if (approved_) sources.push_back({.kind = Source::Kind::kApproved, .rules = approved_});
  const auto project = projects_.find(repository_root(cwd));
  if (project != projects_.end()) std::ranges::copy(project->second, std::back_inserter(sources));
  return sources;
}

std::vector<std::string> PolicyBook::readable_for(const std::string& cwd) const {
  std::vector<std::string> folders = places_.readable;
  const std::string root = repository_root(cwd);
  for (std::string folder = cwd; folder.starts_with(root) && folder.size() > root.size();) {
    folder.resize(std::max(folder.rfind('/'), root.size()));
    for (const char* offered : kOffered) folders.push_back(folder + offered);
  }
  return folders;
}

policy::PolicyDecision PolicyBook::judge(const ports::Action& action, const Setting& setting) const {
  const std::vector<std::string> readable = readable_for(setting.cwd);
  policy::Action judged = policy_action(action, setting.cwd);
  judged.homes = places_.facts.homes;
  judged.hosts_are_named = all_named(setting.allow_hosts, judged.hosts);
  return policy::decide(sources_for(setting.cwd),
                        {.approval = setting.approval, .mode = setting.mode, .readable = readable}, std::move(judged));
}

Result<void> PolicyBook::Project::check_unchanged() const {
  std::vector<std::string> what;
  if (!changed.empty()) what.push_back(base::join(changed, ", ") + " changed since you trusted it");
  if (!gone.empty()) what.push_back(base::join(gone, ", ") + " is gone since you trusted it");
  if (what.empty()) return {};
  return Error{
      .code = protocol::error_codes::kTrustChanged,
      .message = base::join(what, "; ") + ", so its rules are not loaded",
      .hint = changed.empty()
                  ? fmt::format("bring it back; lathe trust {0} goes on without it", root)
                  : fmt::format("look at it, then lathe trust {0}; lathe trust --revoke {0} goes on without", root)};
}

Result<PolicyBook::Project> PolicyBook::read_project(const std::string& cwd) const {
  TRY(const TrustStore trust, TrustStore::read(places_.trust_file));
  Project project{.root = trust.project_root(cwd)};
  const std::string folder(kRulesFolder);
  TRY(const std::vector<std::string> names, rule_files(project.root + "/" + folder));
  for (const protocol::TrustItem& item : trust.gone_rules(project.root)) {
    project.gone.push_back(project.root + "/" + item.path);
  }
  for (const std::string& name : names) {
    const std::string path = folder + "/" + name;
    TRY(const RepositoryFile file, read_repository_file(project.root, path));
    if (trust.changed(project.root, path, file.sha256)) {
      project.changed.push_back(project.root + "/" + path);
      continue;
    }
    if (!trust.trusts(project.root, path, file.sha256)) {
      project.untrusted.push_back(
          fmt::format("{0}/{1} is not trusted, so its rules are not loaded (lathe trust {0})", project.root, path));
      continue;
    }
    TRY(policy::RuleSet rules, policy::load_rules(file.text, project.root + "/" + path, places_.facts));
    project.sources.push_back({.kind = Source::Kind::kProject, .rules = share(std::move(rules))});
  }
  return project;
}

void PolicyBook::put(Project project) {
  std::vector<std::string>& told = untrusted_[project.root];
  for (const std::string& warning : project.untrusted) {
    const bool known = std::ranges::find(told, warning) != told.end();
    if (!known && places_.on_warning) places_.on_warning(warning);
  }
  told = std::move(project.untrusted);
  projects_[project.root] = std::move(project.sources);
}

std::vector<std::string> PolicyBook::untrusted_for(const std::string& cwd) const {
  const auto found = untrusted_.find(repository_root(cwd));
  return found == untrusted_.end() ? std::vector<std::string>() : found->second;
}

Result<PolicyBook::Approved> PolicyBook::approve_always(const std::vector<base::Json>& rules) const {
  if (!places_.only.empty()) {
    return Error{.code = base::codes::kUnsupported,
                 .message = "--policy takes the place of your own rules, so none is written",
                 .hint = "approved_for_session is the widest answer"};
  }
  TRY_OK(runtime::make_folders(places_.folder));
  const std::string path = approved_file();
  TRY(const auto lock, lock_beside(path));
  std::vector<base::Json> all;
  const auto text = runtime::read_file(path, policy::kMaxRuleFileBytes);
  if (text.ok()) {
    TRY(all, policy::rules_as_json(*text, path, places_.facts));
  } else if (text.error().code != base::codes::kNotFound) {
    return text.error();
  }
  for (const base::Json& rule : rules) {
    if (std::ranges::find(all, rule) == all.end()) all.push_back(rule);
  }
  const std::string written = policy::write_rules(all);
  TRY(policy::RuleSet loaded, policy::load_rules(written, path, places_.facts));
  TRY_OK(runtime::replace_file(path, written, 0600, runtime::Durability::kPower));
  return Approved{.rules = share(std::move(loaded))};
}

}  // namespace lathe::engine
