#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "lathe/base/result.h"
#include "lathe/config/config.h"
#include "lathe/engine/trust.h"
#include "lathe/policy/decide.h"
#include "lathe/policy/rule_file.h"
#include "lathe/ports/tool.h"

namespace lathe::engine {

/// Where the rules of an engine stand.
struct PolicyPlaces {
  /// <config>/policies: the person's files, *.yaml, *.yml and *.json. Need not exist.
  std::string folder;
  /// The config key `policy`: the name of a preset, a path, or "".
  std::string policy;
  /// `--policy`: a path or a preset's name, in place of the two above.
  std::string only;
  std::string trust_file;
  /// Absolute folders outside of every working folder that tools may read unasked: those that commands in the sandbox
  /// read too, and the person's skills and agents.
  std::vector<std::string> readable = {};
  /// What rule files may count on: where "~/" leads.
  policy::RuleFacts facts = {};
  /// Told of rules that do not do what they say, and of files of a project that are not loaded.
  std::function<void(const std::string&)> on_warning = {};
};

/// The mode of a session that nobody said another one for.
[[nodiscard]] protocol::SandboxMode configured_mode(const config::Config& config);

/// The rules that sessions are judged by. The person's are read when the engine starts: a broken file is an error with
/// line and column, and nothing runs; a later change of them holds from the next decision on, unless it is broken.
/// Those of a project are read when a session is configured in it, once they are trusted. What a person approves for
/// always is written to approved.json in the person's folder.
///
/// What blocks is const and runs on a pool; what it gives is put in on the engine's loop, where sources_for() copies.
class PolicyBook final {
 public:
  static base::Result<std::unique_ptr<PolicyBook>> read(PolicyPlaces places);

  /// The person's rules, what was approved for always, and the project's as far as read_project() has read them.
  [[nodiscard]] std::vector<policy::Source> sources_for(const std::string& cwd) const;
  /// What a session is set to.
  struct Setting {
    std::string cwd;
    protocol::ApprovalPolicy approval = protocol::ApprovalPolicy::kOnRequest;
    protocol::SandboxMode mode = protocol::SandboxMode::kWorkspaceWrite;
    /// Rules for hosts that are reached unasked (egress/host_rules.h).
    std::vector<std::string> allow_hosts = {};
  };
  /// The one decision about an action, for the gate and for those who ask what it would be.
  [[nodiscard]] policy::PolicyDecision judge(const ports::Action& action, const Setting& setting) const;
  struct Project {
    std::string root;
    std::vector<policy::Source> sources;
    /// Files that are left out, each with the command that trusts it.
    std::vector<std::string> untrusted;
    /// Files whose rules counted and no longer do, because their content is another one. Without them nothing may run:
    /// that would be by weaker rules than those that were trusted.
    std::vector<std::string> changed;
    /// Files whose rules counted and that are no longer there; nothing may run without them either.
    std::vector<std::string> gone;
    /// `trust_changed` names the files.
    [[nodiscard]] base::Result<void> check_unchanged() const;
  };
  /// Reads the rules of the project around `cwd`; a broken trusted file is an error. Blocks.
  [[nodiscard]] base::Result<Project> read_project(const std::string& cwd) const;
  /// What is left out of it is told when it was not told already.
  void put(Project project);
  /// What is left out of the project around `cwd`, as far as read_project() has read it.
  [[nodiscard]] std::vector<std::string> untrusted_for(const std::string& cwd) const;

  struct Approved {
    std::shared_ptr<const policy::RuleSet> rules;  // shared with decisions under way
  };
  /// Adds these rules to approved.json: read again, changed and replaced in one step. `invalid` when it was broken by
  /// hand meanwhile, `unsupported` under --policy. Blocks.
  [[nodiscard]] base::Result<Approved> approve_always(const std::vector<base::Json>& rules) const;
  void put(Approved approved) { approved_ = std::move(approved.rules); }
  /// The person's rules, and what is readable, as another book of the same places has read them.
  void put_person_of(PolicyBook fresh);
  [[nodiscard]] const PolicyPlaces& places() const { return places_; }

 private:
  explicit PolicyBook(PolicyPlaces places) : places_(std::move(places)) {}
  base::Result<void> read_person();
  /// A path, or the name of a preset.
  base::Result<void> add_named(const std::string& name);
  base::Result<void> add(policy::Source::Kind kind, const std::string& path);
  /// Folders outside of `cwd` that tools may read unasked: those of the places, and what the repository around it
  /// offers to models.
  [[nodiscard]] std::vector<std::string> readable_for(const std::string& cwd) const;
  [[nodiscard]] std::string approved_file() const { return places_.folder + "/approved.json"; }

  PolicyPlaces places_;
  std::vector<policy::Source> person_;
  std::shared_ptr<const policy::RuleSet> approved_;  // see Approved
  /// By repository root.
  std::map<std::string, std::vector<policy::Source>> projects_;
  std::map<std::string, std::vector<std::string>> untrusted_;
};

}  // namespace lathe::engine
